"""What is chosen for one document: a system, where its inputs come from, and its parameters."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from s2i_client.declaration import Declaration, InvalidRequest, Value
from s2i_client.pixels import Picture

from ..backend.connection import Connection
from ..host.document import Document
from ..host.layer import Layer
from ..qt import QtCore, QtGui, pyqtSignal
from ..texts import _
from .palette import Palette
from .roles import HINTS, PALETTE, SKETCH, is_painted
from .settings import Settings
from .sources import (
    Source,
    SourceKind,
    from_file,
    from_image,
    from_layer,
    from_packed,
    guess_sketch,
    pack,
    read_file,
    unpack,
)
from .task import Task, on_thread

STATE_KEY = "s2i/state"
PICTURE_KEY = "s2i/picture/"  # and the input's name: what was pasted
KEEP_MS = 500  # after the last change: a slider that is dragged changes often


class Choices(QtCore.QObject):
    """Kept in the document, and found there when it is opened again.

    `chosen_changed`: another system. `sources_changed`, `parameters_changed`: its settings.
    `unreadable`: a picture that was chosen can not be read, with the error that says why.
    """

    chosen_changed = pyqtSignal()
    sources_changed = pyqtSignal()
    parameters_changed = pyqtSignal()
    unreadable = pyqtSignal(object)

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
        self.connection = connection
        self.settings = settings
        self.palette = palette
        self.sources: dict[str, Source] = {}
        self._parameters: dict[str, dict[str, Value]] = {}
        self._chosen = settings.values.system
        self._palette_locked = palette.locked
        self._loading: dict[str, Task] = {}
        self._written: dict[str, bytes] = {}
        self._keep_soon = QtCore.QTimer(self)
        self._keep_soon.setSingleShot(True)
        self._keep_soon.setInterval(KEEP_MS)
        self._keep_soon.timeout.connect(self._keep)
        self._restore()
        connection.state_changed.connect(self._systems_changed)
        palette.changed.connect(self._palette_changed)
        self._systems_changed()

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
            self._fill_sources()
            self.chosen_changed.emit()
            self._keep_soon.start()

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
            self._parameters_changed()

    def reset_parameters(self) -> None:
        if self.pipeline is not None:
            self._parameters.pop(self.pipeline.name, None)
            self._parameters_changed()

    def set_source(self, name: str, source: Source) -> None:
        """Take another source; one that is still being read is read no further."""
        if (task := self._loading.pop(name, None)) is not None:
            task.cancel()
        self._show_source(name, source)
        self._keep_soon.start()

    def take_file(self, name: str, path: str) -> None:
        """Let an input be a picture in a file. Where that can not be read it stays what it was."""
        before = self._settled(name)
        self.set_source(name, from_file(path))
        self._load(name, _read_file, path, before)

    def take_image(self, name: str, image: QtGui.QImage, label: str) -> None:
        """Let an input be what was pasted or dropped; as `take_file`."""
        before = self._settled(name)
        self.set_source(name, from_image(label))
        self._load(name, pack, image, before)

    def set_enabled(self, name: str, enabled: bool) -> None:
        """Switch an input off or on again; what it was set to is not forgotten."""
        self._show_source(name, self.sources.get(name, Source()).switched(enabled))
        self._keep_soon.start()

    @property
    def sketch_layer(self) -> Layer | None:
        """The layer that the sketch comes from, where results are put beside."""
        source = self.sources.get("sketch", Source())
        if source.kind is SourceKind.layer:
            return self.document.layer(source.layer)
        return None

    @property
    def top_layer(self) -> Layer | None:
        """The sketch layer, or the hint layer, or another that was painted for the sketch, where
        that lies above it: a result goes over all, so that it looks as it was made, without the
        dabs on it."""
        sketch = self.sketch_layer
        if sketch is None:
            return None
        parent = sketch.node.parentNode()
        beside = [layer for layer in self._painted_layers() if layer.node.parentNode() == parent]
        # Layers are listed from the top.
        return next(layer for layer in self.document.layers() if layer in (sketch, *beside))

    def _painted_layers(self) -> list[Layer]:
        declared = self.pipeline.inputs if self.pipeline else ()
        names = {HINTS, *(each.name for each in declared if is_painted(each))}
        ids = [self.sources[name].layer for name in names if name in self.sources]
        return [layer for each in ids if each and (layer := self.document.layer(each))]

    def take_parameters(self, declaration: Declaration, values: Mapping[str, Any]) -> None:
        """Take those of the values that the system allows; the others get their defaults."""
        self._parameters[declaration.name] = _allowed(declaration, values)
        self._parameters_changed()

    def remember(self) -> None:
        """Keep in the document what was chosen, so that it is there when it is opened again."""
        self._keep_soon.stop()
        state = {
            "system": self._chosen,
            "parameters": self._parameters,
            "sources": {
                name: {
                    "kind": s.kind.value,
                    "enabled": s.enabled,
                    "layer": s.layer,
                    "path": s.path,
                    "label": s.label,
                }
                for name, s in self.sources.items()
                if self._is_kept(s)
            },
        }
        data = json.dumps(state).encode()
        self.document.annotate(STATE_KEY, _("What was chosen in s2i"), data)
        self._keep_pictures()

    def _keep_pictures(self) -> None:
        """Those that were pasted, each written once; one that is not chosen any more is removed."""
        pictures = {PICTURE_KEY + n: s.packed for n, s in self.sources.items() if s.packed}
        for key in self.document.annotation_keys():
            if key.startswith(PICTURE_KEY) and key not in pictures:
                self.document.remove_annotation(key)
        for key, packed in pictures.items():
            if self._written.get(key) is not packed:
                self.document.annotate(key, _("A picture chosen in s2i"), packed)
        self._written = pictures

    def keep(self) -> None:
        """`remember` what was changed and is not kept yet; before the file is saved."""
        if self._keep_soon.isActive():
            self._keep()

    def close(self) -> None:
        """The document or Krita closes."""
        self._keep_soon.stop()
        for task in self._loading.values():
            task.cancel()
        self.connection.state_changed.disconnect(self._systems_changed)
        self.palette.changed.disconnect(self._palette_changed)

    def _systems_changed(self) -> None:
        self._fill_sources()
        self.chosen_changed.emit()

    def _palette_changed(self) -> None:
        """A palette that was locked is sent from now on, and one that was unlocked is not."""
        locked, source = self.palette.locked, self.sources.get("palette", Source())
        if locked is not self._palette_locked:
            self._palette_locked = locked
            if source.kind is SourceKind.palette and source.enabled is not locked:
                # Not kept: it follows the lock in all documents, also those that are only open.
                self._show_source("palette", source.switched(locked))

    def _keep(self) -> None:
        if self.document.is_open:
            self.remember()

    def _is_kept(self, source: Source) -> bool:
        if source.kind is SourceKind.palette:
            return source.enabled is not self.palette.locked  # else it follows the lock
        if source.kind is SourceKind.picture:
            return bool(source.packed)
        return source.kind in (SourceKind.layer, SourceKind.canvas, SourceKind.file)

    def _parameters_changed(self) -> None:
        self.parameters_changed.emit()
        self._keep_soon.start()

    def _settled(self, name: str) -> Source | None:
        """An input's source without what is still to be read of it."""
        source = self.sources.get(name)
        if source is not None and source.loading:
            return replace(source, loading=False) if source.kind is SourceKind.file else None
        return source

    def _show_source(self, name: str, source: Source) -> None:
        self.sources[name] = source
        self.sources_changed.emit()

    def _load(
        self,
        name: str,
        read: Callable[[Any], tuple[Picture, bytes]],
        what: object,
        before: Source | None,
        is_new: bool = True,
    ) -> None:
        """Read an input's picture on another thread. Where that fails the input is what it was
        `before`, and the user is told when it `is_new`."""

        def ended(task: Task) -> None:
            del self._loading[name]
            if task.error is None:
                # Perhaps it was switched off meanwhile.
                picture, packed = task.value
                source = self.sources[name]
                source = replace(source, loading=False, picture=picture, packed=packed)
                self._show_source(name, source)
            else:
                self._show_source(name, before or Source())
                if is_new:
                    self.unreadable.emit(task.error)
            if is_new:
                self._keep_soon.start()

        self._loading[name] = Task(on_thread(read, what), self)
        self._loading[name].finished.connect(ended)

    def _fill_sources(self) -> None:
        """Give inputs that nobody chose for what they most likely are."""
        if self.pipeline is None:
            return
        for declared in self.pipeline.inputs:
            if declared.name in self.sources:
                continue
            if declared.name == SKETCH:
                layer = guess_sketch(self.document.layers(), self.document.active_layer)
                if layer is not None:
                    self.sources["sketch"] = from_layer(layer)
            elif declared.name == PALETTE:
                self.sources["palette"] = Source(SourceKind.palette, enabled=self.palette.locked)
        self.sources_changed.emit()

    def _restore(self) -> None:
        try:
            state: dict[str, Any] = json.loads(self.document.annotation(STATE_KEY) or b"{}")
            self._parameters = {str(k): dict(v) for k, v in state.get("parameters", {}).items()}
            self._chosen = str(state.get("system", self._chosen))
            for name, kept in state.get("sources", {}).items():
                self._restore_source(name, kept)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            pass  # written by another version: begin anew

    def _restore_source(self, name: str, kept: dict[str, Any]) -> None:
        """As it was chosen; a layer that is gone is not, nor a picture that is damaged. A file
        that is gone is told when it is to be used."""
        source: Source | None = Source(SourceKind(kept["kind"]))
        if source.kind is SourceKind.layer:
            layer = self.document.layer(kept["layer"])
            source = None if layer is None else from_layer(layer)
        elif source.kind is SourceKind.file:
            source = from_file(str(kept["path"]))
        elif source.kind is SourceKind.picture:
            packed = self.document.annotation(PICTURE_KEY + name)
            source = None if not packed else from_packed(packed, str(kept["label"]))
        if source is not None:
            self.sources[name] = source.switched(bool(kept["enabled"]))
            if source.packed:
                self._written[PICTURE_KEY + name] = source.packed
                self._load(name, unpack, source.packed, None, is_new=False)
            elif source.loading:
                self._load(name, _read_file, source.path, self._settled(name), is_new=False)


def _read_file(path: str) -> tuple[Picture, bytes]:
    """The picture in a file, of which nothing needs to be packed."""
    return read_file(path), b""


def _allowed(declaration: Declaration, values: Mapping[str, Any]) -> dict[str, Value]:
    """Those of the values that the declaration allows: another version may have had others."""
    kept: dict[str, Value] = {}
    for parameter in declaration.parameters:
        # TypeError: a type of parameters that this version of the client does not know.
        with contextlib.suppress(KeyError, InvalidRequest, TypeError):
            kept[parameter.name] = parameter.check(values[parameter.name])
    return kept
