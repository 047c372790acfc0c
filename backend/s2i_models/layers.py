"""Layers at full canvas size: depths, coloring by label, and laying one over the other.

Everything here touches each pixel of canvases up to 8192², so it works in strips of rows, small
enough for the processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

STRIP_ROWS = 64


def convert_depth(values: np.ndarray, depth: np.dtype) -> np.ndarray:
    """Channel values in another depth; unchanged, bit for bit, in their own.

    Integers use their full range, floats run from 0 to 1.
    """
    if values.dtype == depth:
        return values
    unit = values.astype(np.float32)  # exact enough: every 16-bit value comes back from it
    if values.dtype.kind == "u":
        unit /= np.iinfo(values.dtype).max
    if depth.kind == "u":
        top = np.iinfo(depth).max
        return np.rint(np.clip(unit, 0, 1) * top).astype(depth)
    return unit.astype(depth, copy=False)


def color_labels(labels: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Give each pixel its label's color: (H, W) int and (count, 4) to (H, W, 4), in its depth."""
    # One look-up of whole pixels instead of four of channels.
    pixel = {4: np.uint32, 8: np.uint64, 16: np.complex128}[4 * colors.dtype.itemsize]
    table = np.ascontiguousarray(colors).view(pixel)[:, 0]
    return look_up(table, labels).view(colors.dtype).reshape(*labels.shape, 4)


def look_up(table: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """`table[labels]` for labels (H, W), without their copy as wide integers that numpy makes."""
    found = np.empty(labels.shape, table.dtype)
    for rows in _strips(len(labels)):
        found[rows] = np.take(table, labels[rows])
    return found


def stack(*planes: np.ndarray) -> np.ndarray:
    """Planes (H, W) of one depth as the channels of a layer (H, W, C)."""
    depth = planes[0].dtype
    return cv2.merge([_bits(np.ascontiguousarray(plane)) for plane in planes]).view(depth)


def compose(flats: np.ndarray, shade: np.ndarray | None, lines: np.ndarray | None) -> np.ndarray:
    """Flats, multiplied by `shade`, under `lines`: (H, W, 4) with straight alpha.

    `flats`: (H, W, 4); `shade`: (H, W) of the same depth or None; `lines`: (H, W, 2 or 4) of the
    same depth or None.
    """
    result = np.empty(flats.shape, flats.dtype)
    for rows in _strips(len(flats)):
        if shade is None:
            result[rows] = flats[rows]
        else:
            _multiply(flats[rows], shade[rows], result[rows])
        if lines is None:
            continue
        _lay_lines(lines[rows], flats[rows], None if shade is None else shade[rows], result[rows])
    return result


def _lay_lines(
    lines: np.ndarray, flats: np.ndarray, shade: np.ndarray | None, result: np.ndarray
) -> None:
    """Lay a strip of lines over one of flats and shade, into `result` (H, W, 4)."""
    alpha = np.ascontiguousarray(lines[..., -1])
    solid = alpha == (np.iinfo(alpha.dtype).max if alpha.dtype.kind == "u" else 1)
    if solid.any():
        shown = lines if lines.shape[2] == 4 else stack(*[lines[..., 0]] * 3, alpha)
        cv2.copyTo(_bits(shown), solid.view(np.uint8), _bits(result))
    # Floating point only at the lines' soft edges, a small part of most drawings.
    soft = np.flatnonzero((alpha > 0) & ~solid)
    if soft.size:
        below = _pixels(flats, soft)
        if shade is not None:
            below[:, :3] *= _pixels(shade[..., None], soft)
        over = _over(_pixels(lines, soft), below)
        result.reshape(-1, 4)[soft] = convert_depth(over, result.dtype)


def _bits(values: np.ndarray) -> np.ndarray:
    """The values for operations of OpenCV that only move them: it does not know 16-bit floats."""
    return values.view(np.uint16) if values.dtype == np.float16 else values


def _multiply(flats: np.ndarray, shade: np.ndarray, result: np.ndarray) -> None:
    if flats.dtype.kind != "u":
        np.multiply(flats[..., :3], shade[..., None], out=result[..., :3])
        result[..., 3] = flats[..., 3]
        return
    full = np.iinfo(flats.dtype).max
    shades = stack(shade, shade, shade, np.full_like(shade, full))
    cv2.multiply(flats, shades, dst=result, scale=1 / full)


def _pixels(layer: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Some pixels of a layer, by their numbers in reading order: float32 (n, channels)."""
    return convert_depth(layer.reshape(-1, layer.shape[2])[at], np.dtype(np.float32))


def _over(top: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Straight-alpha `top` (gray or RGB, with alpha) over straight-alpha RGBA `below`."""
    cover, left = top[..., -1:], 1 - top[..., -1:]
    alpha = cover + below[..., 3:] * left
    color = top[..., :-1] * cover + below[..., :3] * (below[..., 3:] * left)
    color /= np.maximum(alpha, 1e-6)
    return np.concatenate([color, alpha], axis=1)


def _strips(height: int) -> Iterator[slice]:
    for top in range(0, height, STRIP_ROWS):
        yield slice(top, min(height, top + STRIP_ROWS))
