"""Pixels from one order of channels to another, as bytes."""

from __future__ import annotations

from typing import Literal

from s2i_client.pixels import DEPTH_BYTES, ORDER_CHANNELS, Depth, Order

_OPAQUE: dict[Depth, bytes] = {
    "u8": b"\xff",
    "u16": b"\xff\xff",
    "f16": b"\x00\x3c",
    "f32": b"\x00\x00\x80\x3f",
}
_PLACES: dict[Order, str] = {
    "rgba": "rgba",
    "bgra": "bgra",
    "rgb": "rgb",
    "bgr": "bgr",
    "gray": "y",
    "graya": "ya",
}
_VIEWS: dict[int, Literal["B", "H", "I"]] = {1: "B", 2: "H", 4: "I"}


def reorder(data: bytes, order: Order, target: Order, depth: Depth) -> bytes:
    """Pixels of `order` as pixels of `target`; alpha that was not there is opaque.

    Both are gray or both are not. Raises `ValueError` otherwise.
    """
    if order == target:
        return data
    view = _VIEWS[DEPTH_BYTES[depth]]
    have, want = ORDER_CHANNELS[order], ORDER_CHANNELS[target]
    source = memoryview(data).cast(view)
    result = bytearray(len(data) // have * want)
    channels = memoryview(result).cast(view)
    for place, channel in enumerate(_PLACES[target]):
        if channel in _PLACES[order]:
            channels[place::want] = source[_PLACES[order].index(channel) :: have]
        elif channel == "a":
            opaque = memoryview(_OPAQUE[depth] * (len(source) // have)).cast(view)
            channels[place::want] = opaque
        else:
            raise ValueError(f"pixels of {order} have no channels of {target}")
    return bytes(result)
