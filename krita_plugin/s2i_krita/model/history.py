"""The results of one document: kept compressed, in the document's own annotations, bounded.

An annotation has one result, so that a new one writes nothing but itself: a line of JSON that
describes it, then its compressed layers one after another.
"""

from __future__ import annotations

import json
import time
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from operator import index
from typing import Any, get_args

from s2i_client.declaration import BlendMode, Declaration, Value
from s2i_client.geometry import Bounds, Point
from s2i_client.jobs import Result
from s2i_client.pixels import Buffer, LayerInfo, PictureError, ResultLayer, with_data

from ..host.document import Document
from ..host.selection import Selection
from ..qt import QtCore, QtGui, pyqtSignal
from ..texts import _
from .layering import STACK, composite
from .task import Work, on_thread
from .thumbnails import thumbnail

PREFIX = "s2i/result/"
FORMAT = 1
# What reading bytes that were not written here can raise.
DAMAGED = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
    zlib.error,
)


class ResultDamaged(ValueError):
    """What was kept of a result is not what was written; the text says what to do."""


@dataclass(frozen=True)
class StoredLayer:
    """A layer of a result: its description, and its bytes compressed."""

    info: LayerInfo
    packed: bytes

    def unpack(self) -> ResultLayer:
        """Raises `ResultDamaged`."""
        # Told the size, zlib fills one buffer and copies nothing while it keeps Python waiting.
        try:
            layer = with_data(self.info, zlib.decompress(self.packed, bufsize=self.info.byte_count))
        except (zlib.error, PictureError):
            raise ResultDamaged(
                _("This result is damaged in the document. Remove it, and generate a new one.")
            ) from None
        assert isinstance(layer, ResultLayer)
        return layer


@dataclass(frozen=True)
class Entry:
    """A result. `region`: the part of the canvas it was made from; `within`: the selection that
    it is limited to; `made_at`: seconds since 1970."""

    id: str
    pipeline: str
    title: str
    parameters: dict[str, Any]
    region: Bounds
    layers: tuple[StoredLayer, ...]
    thumbnail: QtGui.QImage
    within: Selection | None = None
    made_at: float = field(default_factory=time.time)

    @property
    def byte_count(self) -> int:
        return sum(len(layer.packed) for layer in self.layers)

    @property
    def infos(self) -> list[LayerInfo]:
        return [layer.info for layer in self.layers]


class History(QtCore.QObject):
    """A document's results, the newest first; `changed` when there are others."""

    changed = pyqtSignal()

    def __init__(self, document: Document, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self._document = document
        self.entries: list[Entry] = []
        self.lost = 0  # results that could not be read when the document was opened

    def load(self) -> None:
        """Read what the document has. An annotation that is damaged is left alone and counted."""
        self.entries, self.lost = [], 0
        for key in self._document.annotation_keys():
            if key.startswith(PREFIX):
                try:
                    self.entries.append(_read(key, self._document.annotation(key) or b""))
                except DAMAGED:
                    self.lost += 1
        self.entries.sort(key=lambda entry: entry.made_at, reverse=True)
        self.changed.emit()

    def add(self, entry: Entry, limit_bytes: int) -> None:
        """Keep a result, and let go of the oldest until all fit; the newest always stays."""
        self.entries.insert(0, entry)
        while len(self.entries) > 1 and sum(e.byte_count for e in self.entries) > limit_bytes:
            self._document.remove_annotation(PREFIX + self.entries.pop().id)
        self._document.annotate(PREFIX + entry.id, _("s2i result"), _write(entry))
        self.changed.emit()

    def remove(self, entry: Entry) -> None:
        self.entries = [kept for kept in self.entries if kept.id != entry.id]
        self._document.remove_annotation(PREFIX + entry.id)
        self.changed.emit()

    def get(self, name: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.id == name), None)


def make_entry(
    declaration: Declaration,
    parameters: dict[str, Value],
    result: Result,
    region: Bounds,
    within: Selection | None = None,
) -> Work:
    """Compress a result on another thread; returns the `Entry`.

    Raises `ValueError` when the result has no layers.
    """
    if not result.infos:
        raise ValueError(_("{system} found nothing to show.", system=_(declaration.title)))
    stored = []
    for place, info in enumerate(result.infos):
        packed = yield from on_thread(_pack, result.pieces(place))
        title = info.title or declaration.output(info.name).title
        stored.append(StoredLayer(replace(info, title=title), packed))
    shown = next(s for s in stored if s.info is composite([s.info for s in stored]))
    small = yield from on_thread(lambda: thumbnail(shown.unpack()))
    title = _(declaration.title)
    made = (uuid.uuid4().hex, declaration.name, title, dict(parameters), region, tuple(stored))
    return Entry(*made, small, within)


def _pack(pieces: Sequence[Buffer]) -> bytes:
    """The pieces of one picture, compressed; they are never joined."""
    # Level 1: flats and lines shrink to a hundredth with it too, and it is five times as fast.
    packer = zlib.compressobj(1)
    return b"".join([*map(packer.compress, pieces), packer.flush()])


def unpack(stored: Sequence[StoredLayer]) -> Work:
    """The layers with their pixels, unpacked on another thread."""
    layers = []
    for layer in stored:
        layers.append((yield from on_thread(layer.unpack)))
    return layers


# On disk.


def _write(entry: Entry) -> bytes:
    image = QtCore.QByteArray()
    buffer = QtCore.QBuffer(image)
    buffer.open(QtCore.QIODevice.OpenModeFlag.WriteOnly)
    entry.thumbnail.save(buffer, "PNG")
    parts = [image.data(), *(layer.packed for layer in entry.layers)]
    within = None
    if entry.within is not None:
        within = list(entry.within.bounds)
        parts.append(zlib.compress(entry.within.mask, 1))
    head = {
        "format": FORMAT,
        "id": entry.id,
        "pipeline": entry.pipeline,
        "title": entry.title,
        "parameters": entry.parameters,
        "region": list(entry.region),
        "within": within,
        "made_at": entry.made_at,
        "layers": [
            {name: getattr(layer.info, name) for name in LayerInfo.__dataclass_fields__}
            for layer in entry.layers
        ],
        "sizes": [len(part) for part in parts],
    }
    return b"\n".join([json.dumps(head).encode(), b"".join(parts)])


def _read(key: str, data: bytes) -> Entry:
    """The inverse of `_write`. Other bytes raise one of `DAMAGED`, or are noticed by `unpack`."""
    line, rest = data.split(b"\n", 1)
    head = json.loads(line)
    if head["format"] != FORMAT or PREFIX + head["id"] != key:
        raise ValueError("another format, or another result")
    parts = []
    for size in head["sizes"]:
        parts.append(rest[:size])
        rest = rest[size:]
        if len(parts[-1]) != size:
            raise ValueError("the annotation ends too early")
    infos = [_read_info(plain) for plain in head["layers"]]
    within = None
    if head["within"] is not None:
        within = Selection(Bounds(*map(index, head["within"])), zlib.decompress(parts.pop()))
        if len(within.mask) != within.bounds.extent.pixel_count:
            raise ValueError("the mask has another size")
    if not infos or len(parts) != 1 + len(infos) or rest:
        raise ValueError("there are more parts or fewer than layers")
    image = QtGui.QImage.fromData(parts[0], "PNG")
    if image.isNull():
        raise ValueError("there is no thumbnail")
    return Entry(
        id=head["id"],
        pipeline=str(head["pipeline"]),
        title=str(head["title"]),
        parameters=dict(head["parameters"]),
        region=Bounds(*map(index, head["region"])),
        layers=tuple(map(StoredLayer, infos, parts[1:])),
        thumbnail=image,
        within=within,
        made_at=float(head["made_at"]),
    )


def _read_info(plain: dict[str, Any]) -> LayerInfo:
    sides = {name: index(plain[name]) for name in ("width", "height", "channels")}
    origin = Point(*map(index, plain["origin"]))
    info = LayerInfo(**{**plain, **sides, "origin": origin})
    if info.kind not in STACK or info.blend not in get_args(BlendMode):
        raise ValueError("a layer of no known kind")
    if not isinstance(info.name, str) or not isinstance(info.title, str):
        raise TypeError("names are texts")
    return info
