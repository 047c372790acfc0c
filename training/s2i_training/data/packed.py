"""The pictures of a set in one file, small enough to decode while training.

All have the side that the set was packed with. Of a drawing these are PNG: color laid over white
with coverage as the fourth channel, and ink. Both are linear in coverage, so they can be resampled
without dark fringes. A picture without transparency that has that side already is kept as its file
has it, JPEG too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from s2i_training.data.manifest import Item, not_built

PACKED = "packed.bin"
INDEX = "packed.npz"
PACKED_SIDE = 384


def over_white(rgba: np.ndarray) -> np.ndarray:
    """Straight-alpha uint8 (…, 4) to color over white with coverage kept as fourth channel."""
    alpha = rgba[..., 3:4].astype(np.uint16)
    color = (rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return np.concatenate([color, alpha], axis=-1).astype(np.uint8)


def write_packed(
    folder: Path,
    items: Sequence[Item],
    progress: Callable[[int], None] | None = None,
    side: int = PACKED_SIDE,
) -> None:
    """Pack the pictures of `items` (paths below `folder`) in their order, `side` pixels large.

    Pictures that the folder's packed file holds already, by their hash, are copied from it.
    """
    spans = np.zeros((len(items), 2, 2), np.int64)
    known = _packed_before(folder, side)
    unfinished = folder / f"{PACKED}.part"
    place = 0
    with unfinished.open("wb") as stream:
        for row, item in enumerate(items):
            if progress is not None:
                progress(row)
            pictures = known(_digest(item)) or _pack(folder, item, side)
            for column, data in enumerate(pictures):
                spans[row, column] = place, len(data)
                place += stream.write(data)
    names = np.array([f"{item.source}/{item.id}" for item in items], dtype=np.str_)
    digests = np.array([_digest(item) for item in items], dtype=np.str_)
    np.savez(folder / INDEX, spans=spans, names=names, digests=digests, side=side)
    unfinished.replace(folder / PACKED)


def _pack(folder: Path, item: Item, side: int) -> list[bytes]:
    """The packed pictures of an item: color, and ink where there is one."""
    color = _read(folder / item.color)
    if color.shape == (side, side, 3):
        pictures = [(folder / item.color).read_bytes()]
    else:
        pictures = [_encode(color if color.shape[2] == 3 else over_white(color), side)]
    if item.lines is not None:
        pictures.append(_encode(_read(folder / item.lines), side))
    return pictures


def _packed_before(folder: Path, side: int) -> Callable[[str], list[bytes] | None]:
    """Looks up packed pictures by digest in the folder's file as it is now."""
    if not (folder / PACKED).is_file() or not (folder / INDEX).is_file():
        return lambda _digest: None
    with np.load(folder / INDEX) as index:
        if _side(index) != side:
            return lambda _digest: None
        spans: np.ndarray = index["spans"]
        rows = {str(digest): row for row, digest in enumerate(index["digests"])}
    content = np.memmap(folder / PACKED, np.uint8, "r")

    def find(digest: str) -> list[bytes] | None:
        if digest not in rows:
            return None
        used = [(int(start), int(length)) for start, length in spans[rows[digest]] if length]
        return [content[start : start + length].tobytes() for start, length in used]

    return find


def _side(index: Mapping[str, np.ndarray]) -> int:
    """The side of a packed file's pictures; sets of before it was recorded have PACKED_SIDE."""
    return int(index["side"]) if "side" in index else PACKED_SIDE


def _digest(item: Item) -> str:
    return f"{item.color_sha256}{item.lines_sha256 or ''}"


class PackedPictures:
    """Read access to packed pictures; safe to use from forked and spawned workers.

    `side`: width and height of them all, P.
    """

    def __init__(self, folder: Path):
        path = folder / PACKED
        if not path.is_file():
            raise not_built(path)
        with np.load(folder / INDEX) as index:
            self.side = _side(index)
            self._spans: np.ndarray = index["spans"]
            self._rows = {str(name): row for row, name in enumerate(index["names"])}
        self._bytes = np.memmap(path, np.uint8, "r")

    def read(self, item: Item) -> tuple[np.ndarray, np.ndarray | None]:
        """Color over white with coverage, (P, P, 4) uint8 in OpenCV's channel order BGRA, and
        ink, (P, P) uint8, or None. A picture without transparency has full coverage."""
        spans = self._spans[self._rows[f"{item.source}/{item.id}"]]
        color = self._decode(spans[0])
        if color.shape[2] == 3:
            color = cv2.cvtColor(color, cv2.COLOR_BGR2BGRA)
        return color, self._decode(spans[1]) if spans[1][1] else None

    def _decode(self, span: np.ndarray) -> np.ndarray:
        start, length = int(span[0]), int(span[1])
        picture = cv2.imdecode(self._bytes[start : start + length], cv2.IMREAD_UNCHANGED)
        if picture is None:
            raise OSError("the packed pictures are damaged: delete them and build the set again")
        return picture


def _read(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise FileNotFoundError(f"{path} is missing or broken; build the set again")
    return picture


def _encode(picture: np.ndarray, side: int) -> bytes:
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.imencode(".png", small, [cv2.IMWRITE_PNG_COMPRESSION, 2])[1].tobytes()
