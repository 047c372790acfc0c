"""The results of one document: kept packed, in the document's own annotations, bounded.

An annotation has one result, so that a new one writes nothing but itself. Pictures that were only
found are not written: they are others' files, and would be in every copy of the document.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Sequence
from dataclasses import replace

from s2i_client.declaration import Declaration, Value
from s2i_client.geometry import Bounds
from s2i_client.jobs import Result
from s2i_client.pixels import Buffer

from ..host import annotations
from ..host.document import Document
from ..host.selection import Selection
from ..qt import QtCore, pyqtSignal
from ..texts import _
from .layering import composite, variants
from .stored import DAMAGED, Entry, StoredLayer, StoredSelection, parts_of, read_entry
from .task import Work, on_thread
from .thumbnails import SHEET, contact_sheet, thumbnail

PREFIX = "s2i/result/"


class History(QtCore.QObject):
    """A document's results, the newest first; `changed` when there are others."""

    changed = pyqtSignal()

    def __init__(self, document: Document, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self._document = document
        self.entries: list[Entry] = []
        self.lost = 0  # results that could not be read when the document was opened

    def load(self) -> Work:
        """Read what the document has. An annotation that is damaged is left alone and counted.

        What was added meanwhile stays. Raises `DocumentClosed`.
        """
        found: list[Entry] = []
        self.lost = 0
        for key in self._document.annotation_keys():
            name = key.removeprefix(PREFIX)
            if name != key and self.get(name) is None:
                pieces = yield from annotations.read(self._document, key)
                data = yield from on_thread(b"".join, pieces)
                try:
                    found.append(read_entry(name, data))
                except DAMAGED:
                    self.lost += 1
                yield
        found.sort(key=lambda entry: entry.made_at, reverse=True)
        self.entries += found
        self.changed.emit()

    def add(self, entry: Entry, limit_bytes: int) -> Work:
        """Keep a result, and let go of the oldest until all fit; the newest always stays, and
        pictures that were only found go before all others.

        Given up before its end, it changes nothing. Raises `DocumentClosed`.
        """
        if entry.laid:
            key = PREFIX + entry.id
            yield from annotations.write(self._document, key, _("s2i result"), parts_of(entry))
        self.entries.insert(0, entry)
        while len(self.entries) > 1 and sum(e.byte_count for e in self.entries) > limit_bytes:
            self._forget(self._least_missed())
        self.changed.emit()

    def remove(self, entry: Entry) -> None:
        self._forget(entry)
        self.changed.emit()

    def _least_missed(self) -> Entry:
        """The oldest; first of all of those that can be found again."""
        older = self.entries[:0:-1]
        return next((entry for entry in older if not entry.laid), older[0])

    def _forget(self, entry: Entry) -> None:
        self.entries = [kept for kept in self.entries if kept.id != entry.id]
        if entry.laid:
            self._document.remove_annotation(PREFIX + entry.id)

    def get(self, name: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.id == name), None)


def make_entry(
    declaration: Declaration,
    parameters: dict[str, Value],
    result: Result,
    region: Bounds,
    canvas: Bounds,
    within: Selection | None = None,
) -> Work:
    """Pack a result on another thread; returns the `Entry`.

    Raises `ValueError` when the result has no layers.
    """
    if not result.infos:
        raise ValueError(_("{system} found nothing to show.", system=_(declaration.title)))
    stored = []
    for place, info in enumerate(result.infos):
        packed = yield from on_thread(_pack, result.pieces(place))
        title = info.title or declaration.output(info.name).title
        stored.append(StoredLayer(replace(info, title=title), packed))
    off_canvas = frozenset(output.name for output in declaration.outputs if output.off_canvas)
    laid = [layer for layer in stored if layer.info.name not in off_canvas]
    small = []
    for layer in _seen(variants(laid) or [composite(laid)] if laid else stored[:SHEET]):
        small.append((yield from on_thread(lambda layer=layer: thumbnail(layer.unpack()))))
    limit = None
    if within is not None and laid:
        limit = yield from on_thread(StoredSelection.pack, within)
    return Entry(
        id=uuid.uuid4().hex,
        pipeline=declaration.name,
        title=_(declaration.title),
        parameters=dict(parameters),
        region=region,
        layers=tuple(stored),
        thumbnail=contact_sheet(small),
        within=limit,
        canvas=canvas if laid else None,
        off_canvas=off_canvas,
    )


def _seen(layers: Sequence[StoredLayer]) -> list[StoredLayer]:
    """As many as a thumbnail has room for, from the first to the last."""
    if len(layers) <= SHEET:
        return list(layers)
    return [layers[round(n * (len(layers) - 1) / (SHEET - 1))] for n in range(SHEET)]


def _pack(pieces: Sequence[Buffer]) -> bytes:
    """The pieces of one picture, compressed; they are never joined."""
    # Level 1: flats and lines shrink to a hundredth with it too, and it is five times as fast.
    packer = zlib.compressobj(1)
    return b"".join([*map(packer.compress, pieces), packer.flush()])
