"""Layers at full canvas size: depths, coloring by label, and laying one over the other.

Everything here touches each pixel of canvases up to 8192², so it works in strips of rows and
keeps no more than one strip in floating point.
"""

from __future__ import annotations

import numpy as np

STRIP_ROWS = 256


def convert_depth(values: np.ndarray, depth: np.dtype) -> np.ndarray:
    """Channel values in another depth; unchanged, bit for bit, in their own.

    Integers use their full range, floats run from 0 to 1.
    """
    if values.dtype == depth:
        return values
    unit = values.astype(np.float64)
    if values.dtype.kind == "u":
        unit /= np.iinfo(values.dtype).max
    if depth.kind == "u":
        top = np.iinfo(depth).max
        return np.rint(np.clip(unit, 0, 1) * top).astype(depth)
    return unit.astype(depth)


def color_labels(labels: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Give each pixel its label's color: (H, W) int and (count, 4) to (H, W, 4), in its depth."""
    # One look-up of whole pixels instead of four of channels.
    pixel = {4: np.uint32, 8: np.uint64, 16: np.complex128}[4 * colors.dtype.itemsize]
    table = np.ascontiguousarray(colors).view(pixel)[:, 0]
    return np.take(table, labels).view(colors.dtype).reshape(*labels.shape, 4)


def compose(flats: np.ndarray, shade: np.ndarray | None, lines: np.ndarray | None) -> np.ndarray:
    """Flats, multiplied by `shade`, under `lines`: (H, W, 4) with straight alpha.

    `flats`: (H, W, 4); `shade`: (H, W) of the same depth or None; `lines`: (H, W, 2 or 4) of the
    same depth or None.
    """
    full = float(np.iinfo(flats.dtype).max) if flats.dtype.kind == "u" else 1.0
    if shade is None and lines is None:
        return flats.copy()
    result = np.empty_like(flats)
    for top in range(0, len(flats), STRIP_ROWS):
        rows = slice(top, top + STRIP_ROWS)
        below = flats[rows].astype(np.float32) / full
        if shade is not None:
            below[..., :3] *= shade[rows, :, None].astype(np.float32) / full
        if lines is not None:
            below = _over(lines[rows].astype(np.float32) / full, below)
        below *= full
        result[rows] = np.rint(below) if flats.dtype.kind == "u" else below
    return result


def _over(top: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Straight-alpha `top` (gray or RGB, with alpha) over straight-alpha RGBA `below`."""
    cover, left = top[..., -1:], 1 - top[..., -1:]
    alpha = cover + below[..., 3:] * left
    color = top[..., :-1] * cover + below[..., :3] * (below[..., 3:] * left)
    color /= np.maximum(alpha, 1e-6)
    return np.concatenate([color, alpha], axis=2)
