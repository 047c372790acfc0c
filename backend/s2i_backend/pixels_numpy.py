"""Pictures from the wire as arrays, and layers as pictures for the wire.

Arrays are (height, width, channels) in the order gray, gray and alpha, RGB or RGBA, with
sRGB-encoded colors and straight alpha, in the picture's own depth; floats run from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from s2i_client.geometry import Point
from s2i_client.pixels import LayerInfo, PictureInfo
from s2i_models.pipeline import Layer

_DTYPES = {"u8": "<u1", "u16": "<u2", "f16": "<f2", "f32": "<f4"}
DEPTHS: dict[str, Any] = {"uint8": "u8", "uint16": "u16", "float16": "f16", "float32": "f32"}
ORDERS: dict[int, Any] = {1: "gray", 2: "graya", 3: "rgb", 4: "rgba"}
_REVERSED = ("bgra", "bgr")
_REVERSED_ORDERS: dict[str, Any] = {"rgb": "bgr", "rgba": "bgra"}


def to_array(info: PictureInfo, pieces: Sequence[memoryview]) -> np.ndarray:
    """The picture as an array; one piece in RGBA order and sRGB is not copied."""
    flat = _joined(info.byte_count, pieces).view(_DTYPES[info.depth])
    pixels = flat.reshape(info.height, info.width, info.channels)
    if info.order in _REVERSED:
        pixels = _reverse(pixels)
    if info.profile == "linear":
        pixels = _with_colors(pixels, encode_srgb)
    return pixels


def _joined(byte_count: int, pieces: Sequence[memoryview]) -> np.ndarray:
    if len(pieces) == 1:
        return np.frombuffer(pieces[0], np.uint8)
    whole = np.empty(byte_count, np.uint8)
    at = 0
    for piece in pieces:
        whole[at : at + piece.nbytes] = np.frombuffer(piece, np.uint8)
        at += piece.nbytes
    return whole


def to_picture(
    layer: Layer, like: PictureInfo | None, *, kind: Any = "image", blend: Any = "normal"
) -> tuple[LayerInfo, memoryview]:
    """The layer described and as bytes, in the channel order and profile of the picture `like`.

    8-bit layers stay sRGB whatever the profile, because linear light in 8 bits shows bands.
    """
    pixels = layer.pixels if layer.pixels.ndim == 3 else layer.pixels[..., None]
    depth = DEPTHS.get(pixels.dtype.name)
    order = ORDERS.get(pixels.shape[2])
    if depth is None or order is None:
        raise ValueError(f"layer {layer.name}: {pixels.shape} of {pixels.dtype} is no picture")
    profile = "sRGB"
    if like is not None and like.profile == "linear" and depth != "u8":
        pixels, profile = _with_colors(pixels, decode_srgb), "linear"
    if like is not None and like.order in _REVERSED and order in _REVERSED_ORDERS:
        order = _REVERSED_ORDERS[order]
        pixels = _reverse(pixels)
    pixels = np.ascontiguousarray(pixels, dtype=_DTYPES[depth])
    info = LayerInfo(
        name=layer.name,
        width=pixels.shape[1],
        height=pixels.shape[0],
        channels=pixels.shape[2],
        depth=depth,
        order=order,
        profile=profile,  # type: ignore[arg-type]
        origin=Point(*layer.origin),
        kind=kind,
        blend=blend,
        title=layer.title,
    )
    return info, pixels.reshape(-1).view(np.uint8).data


def _reverse(pixels: np.ndarray) -> np.ndarray:
    """Red and blue swapped, 3 or 4 channels of any depth."""
    import cv2  # here, so that a worker is up before it is loaded

    # OpenCV takes 0.2 ms for a million pixels, numpy 7; it does not know 16-bit floats as such.
    known = pixels.view(np.uint16) if pixels.dtype == np.float16 else pixels
    code = cv2.COLOR_RGB2BGR if pixels.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    return np.asarray(cv2.cvtColor(known, code)).view(pixels.dtype)


def _with_colors(pixels: np.ndarray, curve: Any) -> np.ndarray:
    """The pixels with `curve` applied to all channels but alpha, in their own depth."""
    scale = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
    colors = pixels.shape[2] - 1 if pixels.shape[2] in (2, 4) else pixels.shape[2]
    curved = curve(pixels[..., :colors].astype(np.float32) / scale) * scale
    result = pixels.copy()
    result[..., :colors] = np.rint(curved) if scale != 1 else curved
    return result


def encode_srgb(linear: np.ndarray) -> np.ndarray:
    """Linear light, clipped to 0 to 1, through the curve of IEC 61966-2-1."""
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def decode_srgb(encoded: np.ndarray) -> np.ndarray:
    """The inverse of `encode_srgb`."""
    encoded = np.clip(encoded, 0, 1)
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
