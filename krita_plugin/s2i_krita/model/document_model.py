"""One document as the plugin sees it: what is chosen, what runs, and what came of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from enum import Enum

from s2i_client.errors import JobCancelled, JobSuperseded
from s2i_client.jobs import Job, JobState
from s2i_client.pixels import ResultLayer

from ..backend.connection import Connection
from ..host.document import Document
from ..host.layer import Layer
from ..host.preview import Preview, remove_forgotten
from ..host.results import NewLayer, Placement, apply
from ..host.selection import Selection
from ..host.steps import until_idle
from ..qt import QtCore, QtGui, pyqtSignal
from ..texts import _
from .again import Again, again_of
from .choices import Choices
from .found import Found, Use
from .history import History, make_entry
from .layering import stacked
from .live import Live
from .message import Message, message_of
from .palette import Palette
from .request import MissingInput, gather
from .roles import HINTS
from .settings import Settings
from .sources import Source, from_layer
from .stored import Entry, unpack, unpack_selection
from .task import Task, Work, on_thread
from .thumbnails import image_of, thumbnail

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


class DocumentModel(Choices):
    """State and commands of one document. Commands return at once; signals tell what follows.

    `progress_changed`: a job began, went on or ended. `message_changed`: something to tell the
    user. `selected_changed`: another result is looked at.
    """

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
        super().__init__(document, connection, settings, palette, parent)
        # For the daemon, which remembers what it saw of a document. A copy that the user opens
        # beside it has the same annotations, so this name is not kept in the file.
        self.session_name = uuid.uuid4().hex
        self.progress: Progress | None = None
        self.message: Message | None = None
        self.selected: Entry | None = None
        self.history = History(document, self)
        self.found = Found(connection, self)
        self.preview = Preview()
        self.live = Live(self)
        self._job: Job | None = None
        self._task: Task | None = None
        self._bare = False  # what runs must not find the preview among the layers
        self._saving = False
        self._preview_task: Task | None = None
        self._tidying = Task(self._tidy(), self)
        self.unreadable.connect(self._tell_error)
        self.found.picked_changed.connect(self._picked_changed)
        connection.job_changed.connect(self._job_changed)

    def choose(self, name: str) -> None:
        """Take another system; live, which shows the old one, ends."""
        if name != self._chosen:
            self.live.stop()
        super().choose(name)

    def add_hint_layer(self) -> None:
        """Make a layer for color hints above the lines, or go to the one there is."""
        self.add_paint_layer(HINTS, _("Color hints"))

    def add_paint_layer(self, name: str, title: str) -> None:
        """Make a layer for an input that is painted, above the lines and what else is painted for
        them, or go to the one there is."""
        source = self.sources.get(name, Source())
        layer = self.document.layer(source.layer) if source.layer else None
        if layer is None:
            above = self.top_layer or self.document.active_layer
            if above is None:
                self.tell(Message(_("The document has no layer to paint above.")))
                return
            layer = self.document.create_paint_layer(title, above)
        else:
            self.document.activate(layer)
        self.set_source(name, from_layer(layer))
        self.remember()

    # What runs.

    @property
    def is_busy(self) -> bool:
        return self._task is not None

    def generate(self) -> None:
        """Send what is chosen; the result is the newest of the history."""
        self.live.stop()
        self._run(self._generate(), bare=True)

    def again(self, entry: Entry) -> Again | None:
        """What of a result its system can be given once more; None when that is nothing."""
        declaration = self.connection.pipeline(entry.pipeline)
        if declaration is None or not entry.laid:
            return None
        return again_of(entry, declaration, self.found.shown(entry))

    def generate_again(self, entry: Entry) -> None:
        """Send what is chosen, and with it that result, for this once in place of what is chosen
        for its input."""
        again = self.again(entry)
        if again is not None and not self.is_busy:
            self.choose(entry.pipeline)
            self.live.stop()
            self._run(self._generate(entry, again), bare=True)

    def apply(
        self,
        how: ApplyAs | None = None,
        placement: Placement | None = None,
        only_selection: bool | None = None,
    ) -> None:
        """Turn the selected result into layers, in one undo step; make one first where none is.

        Of pictures that were only found it is the picked one. What is left out is as the settings
        have it.
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
                if self.found.is_all:
                    return  # which of them it shall be is for the user to say
            if self.found.is_all:
                yield from self._add_found(placement)
            elif self.selected is not None:
                yield from self._apply(self.selected, how, placement, only_selection)

        self._run(work(), bare=True)

    def cancel(self) -> None:
        """End what runs, at once for the user, and at its next step in the daemon."""
        self.live.stop()
        if self._task is not None:
            self._task.cancel()
            self._end_task()

    def use_found(self, use: Use) -> None:
        """Let the picked picture be that input from now on, and go to the system that takes it."""
        if self.found.is_all:
            self._run(self._use(use))

    def select(self, entry: Entry | None) -> None:
        """Look at a result, over the canvas if it belongs there and the settings do not say no;
        None looks at none."""
        self._look_at(entry)
        self.sync_preview()

    def discard(self, entry: Entry) -> None:
        """Forget a result."""
        if self.selected is not None and self.selected.id == entry.id:
            self.select(None)
        self.history.remove(entry)

    def sync_preview(self) -> None:
        """Bring the preview over the canvas in line with what is looked at and what goes on."""
        self._stop_showing()
        if self._bare or self._saving:
            self.preview.remove()
        elif self.live.active:
            self.live.show_again()
        elif self.selected is None or self.found.is_all or not self.settings.values.preview:
            self.preview.remove()
        else:
            self._preview_task = Task(self._show(self.selected), self)
            self._preview_task.finished.connect(self._preview_shown)

    @property
    def is_saving(self) -> bool:
        return self._saving

    def set_saving(self, saving: bool) -> None:
        """A file is about to be written, without the preview in it; or that is over."""
        if saving is not self._saving:
            self._saving = saving
            if saving:
                self.keep()
            self.sync_preview()

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
        self.take_parameters(declaration, entry.parameters)

    def take_palette(self, entry: Entry | None = None) -> None:
        """Take the palette's colors from `entry`; from the reference or the result without."""
        source = self.sources.get("reference", Source())
        if entry is not None:
            self._run(self._palette_of(entry))
        elif source.is_sent and source.picture is not None:
            self._run(self.palette.take_from(source.picture))
        elif source.is_sent and (layer := self.document.layer(source.layer)) is not None:
            self._run(self._palette_from(layer))
        elif self.selected is not None or self.history.entries:
            self._run(self._palette_of(self.selected or self.history.entries[0]))
        else:
            self.tell(Message(_("There is no result and no reference to take colors from yet.")))

    def tell(self, message: Message | None) -> None:
        self.message = message
        self.message_changed.emit()

    def _tell_error(self, error: Exception) -> None:
        self.tell(message_of(error))

    def close(self) -> None:
        """The document or Krita closes: end what runs, and change nothing in the document."""
        for task in (self._tidying, self._task, self._preview_task):
            if task is not None:
                task.cancel()
        self.found.close()
        self.live.close()
        if not self.document.is_open:
            self.preview.remove()  # what it kept to draw with
        self.connection.job_changed.disconnect(self._job_changed)
        super().close()

    # The work itself, each from top to bottom.

    def _tidy(self) -> Work:
        """Not while Krita is still opening the document: it learns of layers little by little."""
        yield from until_idle(self.document.raw)
        remove_forgotten(self.document, self.preview)
        yield from self.history.load()
        if self.history.lost and self.message is None:
            text = _("Results in this document that can not be read: {count}.",
                     count=self.history.lost)  # fmt: skip
            fix = _("They stay in the file; perhaps a newer plugin wrote them.")
            self.tell(Message(text, fix, is_error=False))

    def _generate(self, entry: Entry | None = None, again: Again | None = None) -> Work:
        declaration = self.pipeline
        if declaration is None:
            raise MissingInput(_("No daemon has answered yet. Start it first."))
        parameters = self.parameters
        for parameter in declaration.parameters:
            if parameter.type == "folder" and not parameters[parameter.name]:
                raise MissingInput(_("Choose a folder first."))
        self._tell_progress(Progress(step=_("Reading the layers")))
        given = None
        if entry is not None and again is not None:
            self._expect_same_canvas(entry)
            [layer] = yield from unpack([again.layer])
            given = replace(layer, name=again.input.name)
        context = self.settings.values.context
        request = yield from gather(
            self.document, declaration, self.sources, self.palette, context, given
        )
        canvas = self.document.bounds
        job = self.connection.submit(
            declaration.name, request.pictures, parameters, document=self.session_name
        )
        result = yield from self._ended(job)
        self._tell_progress(Progress(1.0, _("Keeping the result")))
        made: Entry = yield from make_entry(
            declaration, parameters, result, request.region, canvas, request.within
        )
        yield from self.history.add(made, self.settings.values.history_megabytes << 20)
        self.remember()
        self.select(made)
        if result.notes:
            self.tell(Message("\n".join(map(_, result.notes)), is_error=False))

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
        self._expect_same_canvas(entry)
        self._tell_progress(Progress(1.0, _("Making layers")))
        one = how is ApplyAs.one_layer
        shown = self.found.shown(entry)
        chosen = [shown] if one else stacked(entry.laid)
        layers: list[ResultLayer] = yield from unpack(chosen)
        others = [layer for layer in entry.variants if layer is not shown]
        hidden = [id(made) for layer, made in zip(chosen, layers, strict=True) if layer in others]
        if how is ApplyAs.by_color:
            layers = yield from self._split(layers)
        within = yield from unpack_selection(entry.within)
        if only_selection:
            within = yield from self._selected_part(within)

        def title(layer: ResultLayer) -> str:
            own = _(layer.title) or layer.name
            # Alone, such as "40 %", it would say nothing.
            return f"{entry.title} {own}" if one and others else own

        yield from apply(
            self.document,
            [
                NewLayer(title(layer), layer, layer.blend, visible=id(layer) not in hidden)
                for layer in layers
            ],
            group=None if one else entry.title,
            placement=placement,
            sketch=self.top_layer if placement is Placement.above_sketch else self.sketch_layer,
            within=within,
        )
        self.remember()
        self._look_at(None)

    def _add_found(self, placement: Placement) -> Work:
        """The picked picture as a layer; the others can still be picked afterwards."""
        self._tell_progress(Progress(1.0, _("Making layers")))
        picture = yield from self._picked()
        yield from apply(
            self.document,
            [NewLayer(picture.title, picture)],
            group=None,
            placement=placement,
            sketch=self.top_layer if placement is Placement.above_sketch else self.sketch_layer,
            within=None,
        )
        self.remember()

    def _use(self, use: Use) -> Work:
        picture = yield from self._picked()
        image = yield from on_thread(image_of, picture)
        self.choose(use.system.name)
        self.take_image(use.input.name, image, picture.title)

    def _picked(self) -> Work:
        [picture] = yield from unpack([self.found.pictures[self.found.picked]])
        return picture

    def _selected_part(self, within: Selection | None) -> Work:
        """What is selected now, of what the result was limited to; returns a `Selection`."""
        selection = self.document.selection()
        if selection is None:
            raise MissingInput(_("There is no selection. Select a part, or apply it whole."))
        if within is not None:
            selection = yield from on_thread(selection.intersection, within)
        if selection.bounds.is_empty:
            raise MissingInput(_("The result does not reach into the selection."))
        return selection

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

    def _expect_same_canvas(self, entry: Entry) -> None:
        if entry.canvas is not None and entry.canvas != self.document.bounds:
            raise MissingInput(
                _("The canvas was cropped or resized since this result was made. Generate anew.")
            )

    def _show(self, entry: Entry) -> Work:
        self._expect_same_canvas(entry)
        [picture] = yield from unpack([self.found.shown(entry)])
        beside = self.top_layer or self.document.active_layer
        if beside is not None:
            within = yield from unpack_selection(entry.within)
            yield from self.preview.show(self.document, picture, beside, False, within)

    def _palette_from(self, layer: Layer) -> Work:
        yield from until_idle(self.document.raw)
        if layer.bounds.is_empty:
            raise MissingInput(_("There is no result and no reference to take colors from yet."))
        picture = yield from layer.read(layer.bounds, "reference")
        yield from self.palette.take_from(picture)

    def _palette_of(self, entry: Entry) -> Work:
        """Of pictures that were only found, that of the picked one."""
        if entry.laid:
            flats = [layer for layer in entry.laid if layer.kind == "flats"]
            shown = flats[:1] or [self.found.shown(entry)]
        else:
            shown = [entry.aside[self.found.picked if entry is self.found.entry else 0]]
        [picture] = yield from unpack(shown)
        yield from self.palette.take_from(picture)

    # Plumbing.

    def _look_at(self, entry: Entry | None) -> None:
        self.selected = entry
        self.found.show(entry)
        self.selected_changed.emit()

    def _picked_changed(self) -> None:
        if self.found.is_variants:
            self.sync_preview()

    def _run(self, work: Work, bare: bool = False) -> None:
        if self._task is not None:
            work.close()
            return
        self.tell(None)
        self._bare = bare
        if bare:
            self.sync_preview()
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
        if self._bare:
            self._bare = False
            self.sync_preview()

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
