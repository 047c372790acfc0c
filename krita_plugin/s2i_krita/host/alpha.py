"""Alpha of pixels as bytes: no Krita and no numpy needed."""

from __future__ import annotations

import re
import struct

# struct's letter and the value of full opacity, by Krita's names of depths
_FORMATS: dict[str, tuple[str, int]] = {
    "U8": ("B", 0xFF),
    "U16": ("H", 0xFFFF),
    "F16": ("e", 1),
    "F32": ("f", 1),
}
_NOT_FULL = re.compile(rb"\x00+|[^\x00\xff]+")


def multiply(pixels: bytearray, mask: bytes, channels: int, depth: str) -> None:
    """Multiply the alpha of `pixels` by the 8-bit `mask`, in place; alpha is the last channel.

    Integers are rounded to the nearest. Where the mask is 0 the whole pixel becomes 0. Takes some
    0.3 µs for a pixel where the mask is neither full nor empty, and next to nothing elsewhere.
    """
    letter, full = _FORMATS[depth]
    size = channels * struct.calcsize(letter)
    for span in _NOT_FULL.finditer(mask):
        first, end = span.span()
        count = end - first
        if mask[first] == 0:
            pixels[first * size : end * size] = bytes(count * size)
            continue
        layout = struct.Struct(f"<{count * channels}{letter}")
        values = list(layout.unpack_from(pixels, first * size))
        alphas = zip(values[channels - 1 :: channels], span.group(), strict=True)
        if full == 1:
            values[channels - 1 :: channels] = [alpha * part / 255 for alpha, part in alphas]
        else:
            values[channels - 1 :: channels] = [
                (alpha * part + 127) // 255 for alpha, part in alphas
            ]
        layout.pack_into(pixels, first * size, *values)


def is_opaque(pixel: bytes, depth: str) -> bool:
    """Whether one pixel's alpha, its last channel, is at least a half."""
    letter, full = _FORMATS[depth]
    (alpha,) = struct.unpack_from(f"<{letter}", pixel, len(pixel) - struct.calcsize(letter))
    return 2 * alpha >= full
