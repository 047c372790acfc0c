"""The different colors of a layer, and which of them each pixel has."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from s2i_models.layers import convert_depth


@dataclass(frozen=True)
class Colors:
    """`index`: int32 (height, width), each pixel's row in `unit`, -1 where it is fully transparent.
    `unit`: float32 (n, 3), sRGB from 0 to 1. `lab`: the same in CIELAB. `counts`: pixels of each.
    """

    index: np.ndarray
    unit: np.ndarray
    lab: np.ndarray
    counts: np.ndarray


def distinct_colors(pixels: np.ndarray) -> Colors:
    """The exact colors of `pixels`, RGBA (height, width, 4) of any depth.

    Flats have long runs of one color, so it is runs that are sorted, not pixels.
    """
    height, width = pixels.shape[:2]
    flat = pixels.reshape(-1, 4)
    seen = flat[:, 3] > 0
    starts = _run_starts(flat, seen)
    lengths = np.diff(np.append(starts, len(flat)))
    shown = seen[starts]
    runs = flat[starts[shown], :3]
    code = _codes(runs)
    _, first, of_run = np.unique(code, return_index=True, return_inverse=True)
    unit = convert_depth(runs[first], np.dtype(np.float32))
    unit = np.nan_to_num(unit).clip(0, 1)
    of_all_runs = np.full(len(starts), -1, np.int32)
    of_all_runs[shown] = of_run
    counts = np.bincount(of_run, weights=lengths[shown], minlength=len(first)).astype(np.int64)
    index = np.repeat(of_all_runs, lengths).reshape(height, width)
    return Colors(index, unit, to_lab(unit), counts)


def to_lab(unit: np.ndarray) -> np.ndarray:
    """CIELAB (n, 3) of sRGB colors (n, 3), float32."""
    if not len(unit):
        return np.zeros((0, 3), np.float32)
    return cv2.cvtColor(np.ascontiguousarray(unit)[None], cv2.COLOR_RGB2LAB)[0]


def _run_starts(flat: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Where, in reading order, a pixel's color or its being seen differs from the one before."""
    starts = np.empty(len(flat), bool)
    starts[:1] = True
    np.not_equal(seen[1:], seen[:-1], out=starts[1:])
    for channel in range(3):
        values = np.ascontiguousarray(flat[:, channel])
        # Colors of what is not seen mean nothing.
        starts[1:] |= (values[1:] != values[:-1]) & seen[1:]
    return np.flatnonzero(starts)


def _codes(colors: np.ndarray) -> np.ndarray:
    """One number for each color (n, 3), the same for the same color: int64 or uint64 (n,)."""
    if colors.dtype.itemsize <= 2:
        bits = colors.view(np.uint16 if colors.dtype.itemsize == 2 else np.uint8).astype(np.uint64)
        return bits[:, 0] << np.uint64(32) | bits[:, 1] << np.uint64(16) | bits[:, 2]
    code = np.zeros(len(colors), np.int64)
    for channel in range(3):
        levels, of_level = np.unique(colors[:, channel], return_inverse=True)
        code = np.unique(code * len(levels) + of_level, return_inverse=True)[1]
    return code
