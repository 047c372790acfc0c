"""One document as the plugin sees it: what is chosen, what runs, and what came of it."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from s2i_client.declaration import Declaration, InvalidRequest, Value
from s2i_client.errors import JobCancelled, JobSuperseded
from s2i_client.jobs import Job, JobState
from s2i_client.pixels import ResultLayer

from ..backend.connection import Connection
from ..host.document import Document
from ..host.layer import Layer
from ..host.preview import Preview, remove_forgotten
from ..host.results import NewLayer, Placement, apply
from ..host.steps import until_idle
from ..qt import QtCore, QtGui, pyqtSignal
from ..texts import _
from .history import Entry, History, make_entry, unpack
from .layering import composite, stacked
from .live import Live
from .message import Message, message_of
from .palette import Palette
from .request import MissingInput, gather
from .settings import Settings
from .sources import Source, SourceKind, from_layer, guess_sketch
from .task import Task, Work
from .thumbnails import thumbnail

STATE_KEY = "s2i/state"
JOB_SECONDS = 0.01
SPLIT = "split_colors"


class ApplyAs(Enum):
    """What becomes of a result: a group of its layers, one layer, or a layer for each color."""

    group = "group"
    one_layer = "one_layer"
    by_color = "by_color"


@dataclass(frozen=True)
class Progress:
    """How far a job is. `place`: how many are before it. `preview`: its latest small picture."""

    fraction: float = 0.0
    step: str = ""
    place: int = 0
    preview: QtGui.QImage | None = None


class DocumentModel(QtCore.QObject):
    """State and commands of one document. Commands return at once; signals tell what follows.

    `chosen_changed`: another system. `sources_changed`, `parameters_changed`: its settings.
    `progress_changed`: a job began, went on or ended. `message_changed`: something to tell the
    user. `selected_changed`: another result is looked at.
    """

    chosen_changed = pyqtSignal()
    sources_changed = pyqtSignal()
    parameters_changed = pyqtSignal()
    progress_changed = pyqtSignal()
    message_changed = pyqtSignal()
    selected_changed = pyqtSignal()

    def __init__(
        self,
        document: Document,
        connection: Connection,
        settings: Settings,
        palette: Palette,
        parent: QtCore.QObject | None = None,
    ):
        super().__init__(parent)
        self.document = document
        # For the daemon, which remembers what it saw of a document. A copy that the user opens
        # beside it has the same annotations, so this name is not kept in the file.
        self.session_name = uuid.uuid4().hex
        self.connection = connection
        self.settings = settings
        self.palette = palette
        self.sources: dict[str, Source] = {}
        self.progress: Progress | None = None
        self.message: Message | None = None
        self.selected: Entry | None = None
        self.history = History(document, self)
        self.preview = Preview()
        self.live = Live(self)
        self._parameters: dict[str, dict[str, Value]] = {}
        self._chosen = settings.values.system
        self._palette_locked = palette.locked
        self._job: Job | None = None
        self._task: Task | None = None
        self._preview_task: Task | None = None
        self._tidying = Task(self._tidy(), self)
        self._restore()
        self.history.load()
        connection.state_changed.connect(self._systems_changed)
        connection.job_changed.connect(self._job_changed)
        palette.changed.connect(self._palette_changed)
        self._systems_changed()

    # What is chosen.

    @property
    def pipeline(self) -> Declaration | None:
        """The chosen system, or the first there is; None before a daemon has answered."""
        systems = self.connection.pipelines
        return self.connection.pipeline(self._chosen) or (systems[0] if systems else None)

    def choose(self, name: str) -> None:
        """Take another system; sources stay where their inputs have the same name."""
        if name != self._chosen:
            self._chosen = name
            self.settings.set("system", name)
            self.live.stop()
            self._fill_sources()
            self.chosen_changed.emit()

    @property
    def parameters(self) -> dict[str, Value]:
        """The chosen system's parameters, those never set with their defaults."""
        if self.pipeline is None:
            return {}
        defaults = {p.name: p.default for p in self.pipeline.parameters}
        return {**defaults, **self._set_parameters(self.pipeline)}

    @property
    def live_parameters(self) -> dict[str, Value]:
        """The same for live jobs: faster where the declaration knows how and the user set none."""
        if self.pipeline is None:
            return {}
        quick = {p.name: p.live for p in self.pipeline.parameters if p.live is not None}
        return {**self.parameters, **quick, **self._set_parameters(self.pipeline)}

    def _set_parameters(self, declaration: Declaration) -> dict[str, Value]:
        """What the user set, but for what this version of the system does not take."""
        return _allowed(declaration, self._parameters.get(declaration.name, {}))

    def set_parameter(self, name: str, value: Value) -> None:
        """Raises `InvalidRequest` when the declaration does not allow it."""
        assert self.pipeline is not None
        declared = next(p for p in self.pipeline.parameters if p.name == name)
        checked = declared.check(value)
        mine = self._parameters.setdefault(self.pipeline.name, {})
        if mine.get(name, declared.default) != checked:
            mine[name] = checked
            self.parameters_changed.emit()

    def reset_parameters(self) -> None:
        if self.pipeline is not None:
            self._parameters.pop(self.pipeline.name, None)
            self.parameters_changed.emit()

    def set_source(self, name: str, source: Source) -> None:
        self.sources[name] = source
        self.sources_changed.emit()

    def set_enabled(self, name: str, enabled: bool) -> None:
        """Switch an input off or on again; what it was set to is not forgotten."""
        self.set_source(name, self.sources.get(name, Source()).switched(enabled))

    @property
    def sketch_layer(self) -> Layer | None:
        """The layer that the sketch comes from, where results are put beside."""
        source = self.sources.get("sketch", Source())
        if source.kind is SourceKind.layer:
            return self.document.layer(source.layer)
        return None

    @property
    def top_layer(self) -> Layer | None:
        """The sketch layer, or the hint layer where that lies above it: a result goes over both,
        so that it looks as it was made, without the dabs on it."""
        sketch, source = self.sketch_layer, self.sources.get("hints", Source())
        hints = self.document.layer(source.layer) if source.layer else None
        if sketch is None or hints is None or hints.node.parentNode() != sketch.node.parentNode():
            return sketch
        # Layers are listed from the top.
        return next(layer for layer in self.document.layers() if layer in (sketch, hints))

    def add_hint_layer(self) -> None:
        """Make a layer for color hints above the lines, or go to the one there is."""
        source = self.sources.get("hints", Source())
        layer = self.document.layer(source.layer) if source.layer else None
        if layer is None:
            above = self.sketch_layer or self.document.active_layer
            if above is None:
                self.tell(Message(_("The document has no layer to put hints above.")))
                return
            layer = self.document.create_hint_layer(_("Color hints"), above)
        else:
            self.document.activate(layer)
        self.set_source("hints", from_layer(layer))
        self._remember()

    # What runs.

    @property
    def is_busy(self) -> bool:
        return self._task is not None

    def generate(self) -> None:
        """Send what is chosen; the result is the newest of the history."""
        self.live.stop()
        self._run(self._generate())

    def apply(
        self,
        how: ApplyAs | None = None,
        placement: Placement | None = None,
        only_selection: bool | None = None,
    ) -> None:
        """Turn the selected result into layers, in one undo step; make one first where none is.

        What is left out is as the settings have it.
        """
        how = how or ApplyAs(self.settings.values.apply_as)
        placement = placement or Placement[self.settings.values.placement]
        if only_selection is None:
            only_selection = self.settings.values.only_selection
        was_live = self.live.active
        self.live.stop()

        def work() -> Work:
            if was_live or self.selected is None:
                yield from self._generate()
            if self.selected is not None:
                yield from self._apply(self.selected, how, placement, only_selection)

        self._run(work())

    def cancel(self) -> None:
        """End what runs, at once for the user, and at its next step in the daemon."""
        self.live.stop()
        if self._task is not None:
            self._task.cancel()
            self._end_task()

    def select(self, entry: Entry | None) -> None:
        """Look at a result, over the canvas unless the settings say no; None looks at none."""
        self.selected = entry
        self.selected_changed.emit()
        self.show_preview()

    def discard(self, entry: Entry) -> None:
        """Forget a result."""
        if self.selected is not None and self.selected.id == entry.id:
            self.select(None)
        self.history.remove(entry)

    def show_preview(self) -> None:
        """Bring the preview over the canvas in line with what is selected; live has its own."""
        if self.live.active:
            return
        if self.selected is None or not self.settings.values.preview:
            self.hide_preview()
            return
        self._stop_showing()
        self._preview_task = Task(self._show(self.selected), self)
        self._preview_task.finished.connect(self._preview_shown)

    def hide_preview(self) -> None:
        """Take the preview away, also one that was about to come."""
        self._stop_showing()
        self.preview.remove()

    def _stop_showing(self) -> None:
        if self._preview_task is not None:
            self._preview_task.cancel()
            self._preview_task = None

    def reuse(self, entry: Entry) -> None:
        """Choose a result's system and parameters again; those that it lacks get their defaults."""
        declaration = self.connection.pipeline(entry.pipeline)
        if declaration is None:
            self.tell(Message(_("This daemon has no system “{system}”.", system=entry.title)))
            return
        self.choose(entry.pipeline)
        self._parameters[entry.pipeline] = _allowed(declaration, entry.parameters)
        self.parameters_changed.emit()

    def take_palette(self, entry: Entry | None = None) -> None:
        """Take the palette's colors from `entry`; from the reference or the result without."""
        source = self.sources.get("reference", Source())
        if entry is not None:
            self._run(self._palette_of(entry))
        elif source.is_sent and source.picture is not None:
            self.palette.take_from(source.picture)
        elif source.is_sent and (layer := self.document.layer(source.layer)) is not None:
            self._run(self._palette_from(layer))
        elif self.selected is not None or self.history.entries:
            self._run(self._palette_of(self.selected or self.history.entries[0]))
        else:
            self.tell(Message(_("There is no result and no reference to take colors from yet.")))

    def tell(self, message: Message | None) -> None:
        self.message = message
        self.message_changed.emit()

    def close(self) -> None:
        """The document or Krita closes: end what runs, and change nothing in the document."""
        for task in (self._tidying, self._task, self._preview_task):
            if task is not None:
                task.cancel()
        self.live.close()
        if not self.document.is_open:
            self.preview.remove()  # what it kept to draw with
        self.connection.state_changed.disconnect(self._systems_changed)
        self.connection.job_changed.disconnect(self._job_changed)
        self.palette.changed.disconnect(self._palette_changed)

    # The work itself, each from top to bottom.

    def _tidy(self) -> Work:
        """Not while Krita is still opening the document: it learns of layers little by little."""
        yield from until_idle(self.document.raw)
        remove_forgotten(self.document, self.preview)

    def _generate(self) -> Work:
        declaration = self.pipeline
        if declaration is None:
            raise MissingInput(_("No daemon has answered yet. Start it first."))
        parameters = self.parameters
        self._tell_progress(Progress(step=_("Reading the layers")))
        self.hide_preview()
        request = yield from gather(
            self.document, declaration, self.sources, self.palette, self.settings.values.context
        )
        job = self.connection.submit(
            declaration.name, request.pictures, parameters, document=self.session_name
        )
        result = yield from self._ended(job)
        self._tell_progress(Progress(1.0, _("Keeping the result")))
        entry = yield from make_entry(
            declaration, parameters, result, request.region, request.within
        )
        self.history.add(entry, self.settings.values.history_megabytes << 20)
        self._remember()
        self.select(entry)

    def _ended(self, job: Job) -> Work:
        """Wait for a job; returns its `Result`, and cancels it when the wait is given up."""
        self._job = job
        try:
            while not job.ended:
                yield JOB_SECONDS
            return job.outcome()
        finally:
            self._job = None
            job.cancel()

    def _apply(
        self, entry: Entry, how: ApplyAs, placement: Placement, only_selection: bool
    ) -> Work:
        self._tell_progress(Progress(1.0, _("Making layers")))
        stored = list(entry.layers)
        if how is ApplyAs.one_layer:
            shown = composite(entry.infos)
            chosen = [layer for layer in stored if layer.info is shown]
        else:
            infos = stacked(entry.infos)
            chosen = [layer for info in infos for layer in stored if layer.info is info]
        layers: list[ResultLayer] = yield from unpack(chosen)
        if how is ApplyAs.by_color:
            layers = yield from self._split(layers)
        within = entry.within
        if only_selection and within is None:
            within = self.document.selection()
            if within is None:
                raise MissingInput(_("There is no selection. Select a part, or apply it whole."))
        self.hide_preview()
        yield from apply(
            self.document,
            [NewLayer(_(layer.title) or layer.name, layer, layer.blend) for layer in layers],
            group=None if how is ApplyAs.one_layer else entry.title,
            placement=placement,
            sketch=self.top_layer if placement is Placement.above_sketch else self.sketch_layer,
            within=within,
        )
        self._remember()
        self.selected = None
        self.selected_changed.emit()

    def _split(self, layers: list[ResultLayer]) -> Work:
        """The layers with flats replaced by a layer for each of their colors."""
        if not self.connection.offers(SPLIT):
            raise MissingInput(_("This daemon can not split colors. Update the backend."))
        split: list[ResultLayer] = []
        for layer in layers:
            if layer.kind != "flats":
                split.append(layer)
                continue
            job = self.connection.submit(
                SPLIT, [replace(layer, name="sketch")], {}, document=self.session_name
            )
            result = yield from self._ended(job)
            # The largest color comes first, and first is at the bottom of the stack.
            for part in result:
                split.append(part)
                yield
        return split

    def _show(self, entry: Entry) -> Work:
        shown = composite(entry.infos)
        layer = next(layer for layer in entry.layers if layer.info is shown)
        [picture] = yield from unpack([layer])
        beside = self.top_layer or self.document.active_layer
        if beside is not None:
            yield from self.preview.show(self.document, picture, beside, False, entry.within)

    def _palette_from(self, layer: Layer) -> Work:
        yield from until_idle(self.document.raw)
        if layer.bounds.is_empty:
            raise MissingInput(_("There is no result and no reference to take colors from yet."))
        self.palette.take_from((yield from layer.read(layer.bounds, "reference")))

    def _palette_of(self, entry: Entry) -> Work:
        flats = [layer for layer in entry.layers if layer.info.kind == "flats"]
        shown = composite(entry.infos)
        [picture] = yield from unpack(
            flats[:1] or [layer for layer in entry.layers if layer.info is shown]
        )
        self.palette.take_from(picture)

    # Plumbing.

    def _run(self, work: Work) -> None:
        if self._task is not None:
            work.close()
            return
        self.tell(None)
        self._task = Task(work, self)
        self._task.finished.connect(self._task_finished)
        self._tell_progress(Progress())

    def _task_finished(self, task: Task) -> None:
        self._end_task()
        if task.error is not None and not isinstance(task.error, (JobCancelled, JobSuperseded)):
            self.tell(message_of(task.error))

    def _end_task(self) -> None:
        self._task = None
        self.progress = None
        self.progress_changed.emit()
        if self.selected is not None and self._preview_task is None and not self.preview.present:
            self.show_preview()  # it was taken away for the work that has ended

    def _preview_shown(self, task: Task) -> None:
        self._preview_task = None
        if task.error is not None:
            self.tell(message_of(task.error))

    def _tell_progress(self, progress: Progress) -> None:
        self.progress = progress
        self.progress_changed.emit()

    def _job_changed(self, job: Job) -> None:
        if job is self._job and not job.ended and self._task is not None:
            waits = job.state in (JobState.waiting, JobState.queued)
            preview = thumbnail(job.preview) if job.preview is not None else None
            step = _("Waiting") if waits else _(job.step)
            self._tell_progress(Progress(job.fraction, step, job.place, preview))

    def _systems_changed(self) -> None:
        self._fill_sources()
        self.chosen_changed.emit()

    def _palette_changed(self) -> None:
        """A palette that was locked is sent from now on, and one that was unlocked is not."""
        locked, source = self.palette.locked, self.sources.get("palette", Source())
        if locked is not self._palette_locked:
            self._palette_locked = locked
            if source.kind is SourceKind.palette and source.enabled is not locked:
                self.set_enabled("palette", locked)

    def _fill_sources(self) -> None:
        """Give inputs that nobody chose for what they most likely are."""
        if self.pipeline is None:
            return
        for declared in self.pipeline.inputs:
            if declared.name in self.sources:
                continue
            if declared.name == "sketch":
                layer = guess_sketch(self.document.layers(), self.document.active_layer)
                if layer is not None:
                    self.sources["sketch"] = from_layer(layer)
            elif declared.name == "palette":
                self.sources["palette"] = Source(SourceKind.palette, enabled=self.palette.locked)
        self.sources_changed.emit()

    def _remember(self) -> None:
        """Keep in the document what was chosen, so that it is there when it is opened again."""
        state = {
            "system": self._chosen,
            "parameters": self._parameters,
            "layers": {
                name: {"layer": s.layer, "label": s.label, "enabled": s.enabled}
                for name, s in self.sources.items()
                if s.kind is SourceKind.layer
            },
        }
        data = json.dumps(state).encode()
        self.document.annotate(STATE_KEY, _("What was chosen in s2i"), data)

    def _restore(self) -> None:
        try:
            state: dict[str, Any] = json.loads(self.document.annotation(STATE_KEY) or b"{}")
            self._parameters = {str(k): dict(v) for k, v in state.get("parameters", {}).items()}
            self._chosen = str(state.get("system", self._chosen))
            for name, kept in state.get("layers", {}).items():
                layer = self.document.layer(kept["layer"])
                if layer is not None:
                    self.sources[name] = from_layer(layer).switched(bool(kept["enabled"]))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            pass  # written by another version: begin anew


def _allowed(declaration: Declaration, values: Mapping[str, Any]) -> dict[str, Value]:
    """Those of the values that the declaration allows: another version may have had others."""
    kept: dict[str, Value] = {}
    for parameter in declaration.parameters:
        # TypeError: a type of parameters that this version of the client does not know.
        with contextlib.suppress(KeyError, InvalidRequest, TypeError):
            kept[parameter.name] = parameter.check(values[parameter.name])
    return kept
