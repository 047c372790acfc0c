"""Pixels of pictures in a color space of Krita's, in strips between events."""

from __future__ import annotations

from collections.abc import Callable

from s2i_client.geometry import Bounds
from s2i_client.pixels import DEPTH_BYTES, Picture

from ..qt import QtCore
from .alpha import multiply
from .channels import reorder
from .colors import CHANNELS, ColorSpace, krita_order, space_of
from .scratch import Scratch
from .selection import Selection
from .steps import Steps, rows_per_step, strips

# Alpha that is neither full nor empty is computed one pixel after the other, 0.3 µs each.
_PIXELS_PER_MASK = 1 << 14


def write_picture(
    put: Callable[[QtCore.QByteArray, Bounds], object],
    space: ColorSpace,
    picture: Picture,
    scratch: Scratch,
    within: Selection | None = None,
) -> Steps[None]:
    """Call `put` with the pixels in `space` of each strip of the picture, and where it lies.

    With `within` there is only what is selected, as opaque as it is selected.
    """
    source = space_of(picture)
    area = picture.bounds if within is None else picture.bounds.intersection(within.bounds)
    if area.is_empty:
        return
    rows = rows_per_step(
        area.width, max(source.pixel_size, space.pixel_size), converted=source != space
    )
    for strip in strips(area, rows):
        yield
        raw = reorder(_cut(picture, strip), picture.order, krita_order(source), picture.depth)
        pixels = scratch.convert(raw, strip.extent, source, space)
        if within is not None:
            pixels = yield from _masked(pixels, strip, space, within)
        put(QtCore.QByteArray(pixels), strip)


def _cut(picture: Picture, area: Bounds) -> bytes:
    """The bytes of a rectangle of the canvas, which lies inside the picture."""
    pixel = picture.channels * DEPTH_BYTES[picture.depth]
    stride, length = picture.width * pixel, area.width * pixel
    data = memoryview(picture.data).cast("B")
    start = (area.y - picture.origin.y) * stride + (area.x - picture.origin.x) * pixel
    if length == stride:
        return bytes(data[start : start + area.height * stride])
    return b"".join(
        data[row : row + length] for row in range(start, start + area.height * stride, stride)
    )


def _masked(pixels: bytes, strip: Bounds, space: ColorSpace, within: Selection) -> Steps[bytes]:
    masked = bytearray()
    for piece in strips(strip, _PIXELS_PER_MASK // strip.width):
        start = (piece.y - strip.y) * strip.width * space.pixel_size
        end = (piece.bottom - strip.y) * strip.width * space.pixel_size
        part = bytearray(pixels[start:end])
        multiply(part, within.within(piece), CHANNELS[space.model], space.depth)
        masked += part
        yield
    return bytes(masked)
