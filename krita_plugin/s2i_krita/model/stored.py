"""A result as it is kept: packed, with all that is needed to look at it and to use it again.

Its bytes are a line of JSON that describes it, its thumbnail, its layers one after another, and
the mask of the selection that it is limited to.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import index
from typing import Any, get_args

from s2i_client.declaration import STACK, BlendMode, LayerKind
from s2i_client.geometry import Bounds, Point
from s2i_client.pixels import MAX_SIDE, Buffer, LayerInfo, PictureError, ResultLayer, with_data

from ..host.selection import Selection
from ..qt import QtCore, QtGui
from ..texts import _
from .layering import variants
from .task import Work, on_thread

FORMAT = 1
# What reading bytes that were not written here can raise.
DAMAGED = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)


class ResultDamaged(ValueError):
    """What was kept of a result is not what was written; the text says what to do."""

    def __init__(self) -> None:
        super().__init__(
            _("This result is damaged in the document. Remove it, and generate a new one.")
        )


@dataclass(frozen=True)
class StoredLayer:
    """A layer of a result: its description, and its bytes compressed."""

    info: LayerInfo
    packed: Buffer

    @property
    def kind(self) -> LayerKind:
        return self.info.kind

    @property
    def name(self) -> str:
        return self.info.name

    def unpack(self) -> ResultLayer:
        """Raises `ResultDamaged`."""
        # Told the size, zlib fills one buffer and copies nothing while it keeps Python waiting.
        try:
            layer = with_data(self.info, zlib.decompress(self.packed, bufsize=self.info.byte_count))
        except (zlib.error, PictureError):
            raise ResultDamaged from None
        assert isinstance(layer, ResultLayer)
        return layer


@dataclass(frozen=True)
class StoredSelection:
    """A selection: the rectangle around it, and its mask compressed."""

    bounds: Bounds
    packed: Buffer

    @staticmethod
    def pack(selection: Selection) -> StoredSelection:
        return StoredSelection(selection.bounds, zlib.compress(selection.mask, 1))

    def unpack(self) -> Selection:
        """Raises `ResultDamaged`."""
        size = self.bounds.extent.pixel_count
        try:
            mask = zlib.decompress(self.packed, bufsize=size)
        except zlib.error:
            raise ResultDamaged from None
        if len(mask) != size:
            raise ResultDamaged
        return Selection(self.bounds, mask)


@dataclass(frozen=True)
class Entry:
    """A result. `region`: the part of the canvas it was made from; `within`: the selection that
    it is limited to; `canvas`: the bounds that the document had, None when they were not kept;
    `off_canvas`: the names of those layers that are not to be laid over the drawing; `made_at`:
    seconds since 1970."""

    id: str
    pipeline: str
    title: str
    parameters: dict[str, Any]
    region: Bounds
    layers: tuple[StoredLayer, ...]
    thumbnail: QtGui.QImage
    within: StoredSelection | None = None
    canvas: Bounds | None = None
    off_canvas: frozenset[str] = frozenset()
    made_at: float = field(default_factory=time.time)

    @property
    def laid(self) -> tuple[StoredLayer, ...]:
        """The layers that lie on the canvas; of what was only looked for there are none."""
        return tuple(layer for layer in self.layers if layer.info.name not in self.off_canvas)

    @property
    def aside(self) -> tuple[StoredLayer, ...]:
        """The pictures that do not: what was found, or what explains the result."""
        return tuple(layer for layer in self.layers if layer.info.name in self.off_canvas)

    @property
    def variants(self) -> tuple[StoredLayer, ...]:
        """Those on the canvas of which only one is to be seen at a time."""
        return tuple(variants(self.laid))

    @property
    def byte_count(self) -> int:
        """What it takes of the memory, and nearly all of what it takes of the file."""
        packed: list[Buffer] = [layer.packed for layer in self.layers]
        if self.within is not None:
            packed.append(self.within.packed)
        return sum(memoryview(part).nbytes for part in packed) + self.thumbnail.sizeInBytes()


def unpack(stored: Sequence[StoredLayer]) -> Work:
    """The layers with their pixels, unpacked on another thread. Raises `ResultDamaged`."""
    layers = []
    for layer in stored:
        layers.append((yield from on_thread(layer.unpack)))
    return layers


def unpack_selection(stored: StoredSelection | None) -> Work:
    """The `Selection`, unpacked on another thread; None for none. Raises `ResultDamaged`."""
    if stored is None:
        return None
    return (yield from on_thread(stored.unpack))


def parts_of(entry: Entry) -> list[Buffer]:
    """What is kept of it, to be joined; nothing large is copied."""
    image = QtCore.QByteArray()
    buffer = QtCore.QBuffer(image)
    buffer.open(QtCore.QIODevice.OpenModeFlag.WriteOnly)
    entry.thumbnail.save(buffer, "PNG")
    parts: list[Buffer] = [image.data(), *(layer.packed for layer in entry.layers)]
    if entry.within is not None:
        parts.append(entry.within.packed)
    head = {
        "format": FORMAT,
        "id": entry.id,
        "pipeline": entry.pipeline,
        "title": entry.title,
        "parameters": entry.parameters,
        "region": list(entry.region),
        "within": None if entry.within is None else list(entry.within.bounds),
        "canvas": None if entry.canvas is None else list(entry.canvas),
        "off_canvas": sorted(entry.off_canvas),
        "made_at": entry.made_at,
        "layers": [
            {name: getattr(layer.info, name) for name in LayerInfo.__dataclass_fields__}
            for layer in entry.layers
        ],
        "sizes": [memoryview(part).nbytes for part in parts],
    }
    return [json.dumps(head).encode() + b"\n", *parts]


def read_entry(name: str, data: bytes) -> Entry:
    """The result called `name` from its bytes; what is packed in them is neither copied nor read.

    Other bytes raise one of `DAMAGED`, or are noticed when they are unpacked.
    """
    end = data.index(b"\n")
    head = json.loads(data[:end])
    if head["format"] != FORMAT or head["id"] != name:
        raise ValueError("another format, or another result")
    parts = _cut(memoryview(data)[end + 1 :], head["sizes"])
    infos = [_read_info(plain) for plain in head["layers"]]
    within = None
    if head["within"] is not None:
        within = StoredSelection(_read_bounds(head["within"]), parts.pop())
        if not all(0 < side <= MAX_SIDE for side in within.bounds.extent):
            raise ValueError("a mask of no possible size")
    if not infos or len(parts) != 1 + len(infos):
        raise ValueError("there are more parts or fewer than layers")
    image = QtGui.QImage.fromData(bytes(parts[0]), "PNG")
    if image.isNull():
        raise ValueError("there is no thumbnail")
    canvas = head.get("canvas")  # the first versions did not keep it
    return Entry(
        id=head["id"],
        pipeline=str(head["pipeline"]),
        title=str(head["title"]),
        parameters=dict(head["parameters"]),
        region=_read_bounds(head["region"]),
        layers=tuple(map(StoredLayer, infos, parts[1:])),
        thumbnail=image,
        within=within,
        canvas=None if canvas is None else _read_bounds(canvas),
        off_canvas=frozenset(map(str, head.get("off_canvas", ()))),
        made_at=float(head["made_at"]),
    )


def _cut(data: memoryview, sizes: Sequence[int]) -> list[memoryview]:
    parts, start = [], 0
    for size in sizes:
        if index(size) < 0:
            raise ValueError("a part has a size below none")
        parts.append(data[start : start + size])
        start += size
    if start != len(data):
        raise ValueError("there are more bytes or fewer than parts")
    return parts


def _read_bounds(plain: Sequence[int]) -> Bounds:
    return Bounds(*map(index, plain))


def _read_info(plain: dict[str, Any]) -> LayerInfo:
    sides = {name: index(plain[name]) for name in ("width", "height", "channels")}
    origin = Point(*map(index, plain["origin"]))
    info = LayerInfo(**{**plain, **sides, "origin": origin})
    if info.kind not in STACK or info.blend not in get_args(BlendMode):
        raise ValueError("a layer of no known kind")
    if not isinstance(info.name, str) or not isinstance(info.title, str):
        raise TypeError("names are texts")
    return info
