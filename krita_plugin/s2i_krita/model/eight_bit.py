"""Pixels of any depth and order as 8-bit sRGB, and few of many, for what is only looked at."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Literal

from s2i_client.pixels import DEPTH_BYTES, Picture

# A word of each pixel's size, to stride over whole pixels.
_WORDS: dict[int, Literal["B", "H", "I", "Q"]] = {1: "B", 2: "H", 4: "I", 8: "Q"}


def sample(picture: Picture, side: int) -> Picture:
    """Every n-th pixel of every n-th row, so that no side is longer than `side`."""
    step = -(-max(picture.width, picture.height) // side)
    if step == 1:
        return picture
    size = picture.channels * DEPTH_BYTES[picture.depth]
    data = memoryview(picture.data).cast("B")
    stride = picture.width * size
    rows = [
        _every(data[y * stride : (y + 1) * stride], size, step)
        for y in range(step // 2, picture.height, step)
    ] or [_every(data[:stride], size, step)]
    return Picture(
        name=picture.name,
        width=len(rows[0]) // size,
        height=len(rows),
        channels=picture.channels,
        depth=picture.depth,
        order=picture.order,
        profile=picture.profile,
        data=b"".join(rows),
    )


def _every(row: memoryview, size: int, step: int) -> bytes:
    """Every `step`-th pixel of a row of pixels of `size` bytes."""
    start = min(step // 2, len(row) // size - 1)
    if size in _WORDS:
        return row.cast(_WORDS[size])[start::step].tobytes()
    # Three channels, or four of 32 bits: no machine word has that size.
    starts = range(start * size, len(row), step * size)
    return b"".join(row[at : at + size] for at in starts)


def eight_bit(picture: Picture) -> bytes:
    """The pixels as 8-bit rgba in sRGB."""
    channels = _channels(picture)
    out = bytearray(4 * picture.width * picture.height)
    planes = {name: channels[place :: picture.channels] for place, name in _places(picture.order)}
    alpha = planes.pop("a", None)
    encode = _encoder(picture)
    for place, name in enumerate("rgb"):
        out[place::4] = encode(planes[name if name in planes else "y"])
    if alpha is None:
        out[3::4] = b"\xff" * (picture.width * picture.height)
    else:
        out[3::4] = _encoder(picture, linear=False)(alpha)
    return bytes(out)


def _places(order: str) -> list[tuple[int, str]]:
    letters = {"gray": "y", "graya": "ya"}.get(order, order)
    return list(enumerate(letters))


def _channels(picture: Picture) -> Sequence[float]:
    data = memoryview(picture.data).cast("B")
    match picture.depth:
        case "u8":
            return data
        case "u16":
            return data.cast("H")
        case "f16":
            # memoryview.cast knows no half floats that it could slice.
            return struct.unpack(f"<{len(data) // 2}e", data)
        case _:
            return data.cast("f")


def _encoder(picture: Picture, linear: bool | None = None) -> Callable[[Sequence[float]], bytes]:
    """From a plane of the picture's values to bytes."""
    if linear is None:
        linear = picture.profile == "linear"
    full = {"u8": 255, "u16": 65535}.get(picture.depth, 1.0)
    if not linear:
        if full == 255:
            return bytes  # type: ignore[return-value]  # a plane of whole numbers
        if full == 65535:
            return lambda plane: bytes(int(value) >> 8 for value in plane)
        return lambda plane: bytes(_byte(value) for value in plane)
    curve = _SRGB_CURVE
    top = len(curve) - 1
    return lambda plane: bytes(curve[_step(value / full, top)] for value in plane)


def _byte(value: float) -> int:
    return _step(value, 255)


def _step(value: float, top: int) -> int:
    """0 to 1 as 0 to `top`. What is beyond is cut off, and what is not a number becomes 0."""
    return round(min(value, 1.0) * top) if value > 0 else 0


def _srgb(value: float) -> int:
    """IEC 61966-2-1's curve, from linear light 0 to 1 to a byte."""
    encoded = 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
    return round(255 * encoded)


_SRGB_CURVE = bytes(_srgb(i / 4095) for i in range(4096))
