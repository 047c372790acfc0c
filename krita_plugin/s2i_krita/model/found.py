"""Pictures of a result to choose from: those it brought beside the canvas, with what each can be,
or those on it of which only one is to be seen."""

from __future__ import annotations

from dataclasses import dataclass

from s2i_client.declaration import Declaration, Input

from ..backend.connection import Connection
from ..qt import QtCore, QtGui, pyqtSignal
from ..texts import _
from .layering import composite
from .roles import REFERENCE, is_mask, takes_pictures
from .stored import DAMAGED, Entry, StoredLayer
from .task import Task, Work, on_thread
from .thumbnails import thumbnail

SIDE = 256  # of the pictures that are looked at to choose one
SAMPLES = 512


@dataclass(frozen=True)
class Use:
    """A system, and an input of it that a found picture can be."""

    system: Declaration
    input: Input


class Found(QtCore.QObject):
    """Those pictures of the result that is looked at that do not lie on the canvas; where there are
    none of these, those of which one at a time lies there.

    `changed`: others, or none. `picked_changed`: another one of them is picked. `thumbnail_came`
    carries the place of a picture that can be shown now; `thumbnails` has None before.
    """

    changed = pyqtSignal()
    picked_changed = pyqtSignal()
    thumbnail_came = pyqtSignal(int)

    def __init__(self, connection: Connection, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self._connection = connection
        self.entry: Entry | None = None
        self.pictures: tuple[StoredLayer, ...] = ()
        self.picked = 0
        self.thumbnails: list[QtGui.QImage | None] = []
        self._task: Task | None = None

    @property
    def is_all(self) -> bool:
        """Whether they are what was asked for, and not there to explain a result."""
        return bool(self.pictures) and self.entry is not None and not self.entry.laid

    @property
    def is_variants(self) -> bool:
        """Whether the picked one is what lies on the canvas."""
        return self.entry is not None and bool(self.pictures) and not self.entry.aside

    def shown(self, entry: Entry) -> StoredLayer:
        """The layer that shows a result that lies on the canvas: of several the picked one."""
        if entry is self.entry and self.is_variants:
            return self.pictures[self.picked]
        return composite(entry.laid)

    @property
    def titles(self) -> list[str]:
        return [_(layer.info.title) for layer in self.pictures]

    @property
    def uses(self) -> list[Use]:
        """What a picture can be used as, a reference first."""
        uses = [
            Use(system, declared)
            for system in self._connection.pipelines
            for declared in system.inputs
            # A mask is painted.
            if takes_pictures(declared) and not is_mask(declared)
        ]
        return sorted(uses, key=lambda use: use.input.name != REFERENCE)

    def show(self, entry: Entry | None) -> None:
        """Show the pictures of a result; of one that has none, and of None, nothing."""
        if entry is self.entry:
            return
        self.close()
        self.entry, self.picked = entry, 0
        self.pictures = () if entry is None else entry.aside or entry.variants
        self.thumbnails = [None] * len(self.pictures)
        if self.pictures:
            self._task = Task(self._load(), self)
            self._task.finished.connect(self._loaded)
        self.changed.emit()

    def pick(self, place: int) -> None:
        if place != self.picked and 0 <= place < len(self.pictures):
            self.picked = place
            self.picked_changed.emit()

    def close(self) -> None:
        """Nobody looks any more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _load(self) -> Work:
        for place, layer in enumerate(self.pictures):
            try:
                self.thumbnails[place] = yield from on_thread(
                    lambda layer=layer: thumbnail(layer.unpack(), SIDE, SAMPLES)
                )
            except DAMAGED:
                continue  # it is told when it is to be used
            self.thumbnail_came.emit(place)

    def _loaded(self) -> None:
        self._task = None
