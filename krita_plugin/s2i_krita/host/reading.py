"""Pictures from Krita's pixels, in strips between events."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from s2i_client.geometry import Bounds
from s2i_client.pixels import Buffer, Picture

from .colors import ColorSpace
from .scratch import Scratch
from .steps import Steps, rows_per_step, strips, until_idle

# Raw pixels of a rectangle of the canvas; transparent where there are none.
Reader = Callable[[Bounds], bytes]


def read_picture(
    document: Any, read: Reader, space: ColorSpace, bounds: Bounds, name: str
) -> Steps[Picture]:
    """The pixels of `bounds`, converted when their color space can not travel.

    Raises `DocumentClosed`, `PictureError` for an empty or too large `bounds`.
    """
    readable = space.readable is not None
    data = bytearray()
    with ExitStack() as stack:
        scratch = None if readable else stack.enter_context(Scratch())
        rows = rows_per_step(max(1, bounds.width), space.pixel_size, converted=not readable)
        for strip in strips(bounds, rows):
            yield from until_idle(document)
            pixels = read(strip)
            if scratch is not None:
                pixels = scratch.convert(pixels, strip.extent, space, space.travel)
            data += pixels
    return picture_of(data, space.travel, bounds, name)


def picture_of(data: Buffer, space: ColorSpace, bounds: Bounds, name: str) -> Picture:
    """The picture of these bytes, which are in a readable space."""
    assert space.readable is not None
    order, depth, profile = space.readable
    return Picture(
        name=name,
        width=bounds.width,
        height=bounds.height,
        channels=2 if order == "graya" else 4,
        depth=depth,
        order=order,
        profile=profile,
        origin=bounds.origin,
        data=data,
    )
