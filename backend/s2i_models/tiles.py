"""Painting large pictures in overlapping tiles, so that memory is bounded and no seam shows.

A network in which a pixel depends on nothing farther away than its `reach` paints tiles with so
much around them exactly as it paints them in the whole picture. One that looks at all of what it is
given, as instance normalization does, paints each tile a little differently; its tiles overlap and
go over into each other smoothly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# Tiles without a reach overlap by at least this share of a window.
_LEAST_OVERLAP = 0.25


@dataclass(frozen=True)
class Tiling:
    """How a network wants its tiles, all in pixels.

    `window`: the longest side of a tile with all that lies around it; `stride`: what the sides of
    windows are multiples of, and their places too; `reach`: how far away something can change a
    pixel, None where everything in a window changes all of it; `least`: how long the sides of a
    picture are made at least.
    """

    window: int
    stride: int
    reach: int | None
    least: int = 1


@dataclass(frozen=True)
class _Span:
    """Pixels `begin` to `end` of one axis, and how much each counts; with all spans it is 1."""

    begin: int
    end: int
    weights: np.ndarray


def paint_in_tiles(
    paint: Callable[[np.ndarray], np.ndarray],
    planes: np.ndarray,
    tiling: Tiling,
    step: Callable[[float], None] = lambda fraction: None,
) -> np.ndarray:
    """What `paint` makes of `planes`, (H, W, C) float32, in tiles: (H, W, K) float32.

    `paint` takes windows (h, w, C) and returns (h, w, K) for each. Where H and W are no multiples
    of the stride, the last row and column are repeated for it. `step` is told before each tile
    which share of the area is done. Raises ValueError when a window is too small for the reach.
    """
    height, width = planes.shape[:2]
    padded = _pad(planes, tiling)
    rows, columns = (_spans(length, tiling) for length in padded.shape[:2])
    painted: np.ndarray | None = None
    done = 0
    for row in rows:
        for column in columns:
            step(done / (len(rows) * len(columns)))
            at = slice(row.begin, row.end), slice(column.begin, column.end)
            part = paint(np.ascontiguousarray(padded[at]))
            done += 1
            if len(rows) * len(columns) == 1:
                return part[:height, :width]
            if painted is None:
                painted = np.zeros((*padded.shape[:2], part.shape[2]), np.float32)
            painted[at] += part * (row.weights[:, None] * column.weights)[..., None]
    assert painted is not None
    return painted[:height, :width]


def _pad(planes: np.ndarray, tiling: Tiling) -> np.ndarray:
    height, width = (
        -(-max(length, tiling.least) // tiling.stride) * tiling.stride
        for length in planes.shape[:2]
    )
    below, right = height - planes.shape[0], width - planes.shape[1]
    if not (below or right):
        return planes
    return np.pad(planes, ((0, below), (0, right), (0, 0)), mode="edge")


def _spans(length: int, tiling: Tiling) -> list[_Span]:
    """The windows along an axis of `length` pixels, which is a multiple of the stride."""
    window = tiling.window // tiling.stride * tiling.stride
    if length <= window:
        return [_Span(0, length, np.ones(length, np.float32))]
    if tiling.reach is None:
        return _blended(length, window, tiling.stride)
    return _exact(length, window, tiling.stride, -(-tiling.reach // tiling.stride) * tiling.stride)


def _exact(length: int, window: int, stride: int, halo: int) -> list[_Span]:
    """Tiles side by side, each with `halo` around it that counts nothing."""
    inner = window - 2 * halo
    if inner < stride:
        raise ValueError(
            f"a window of {window} px has no room for {halo} px around a tile: "
            f"make it at least {2 * halo + stride} px"
        )
    count = -(-length // inner)
    if length <= 2 * (window - halo):
        count = 2  # at the ends of the axis there is nothing around
    inner = -(-length // (count * stride)) * stride
    spans = []
    for start in range(0, length, inner):
        stop = min(length, start + inner)
        begin, end = max(0, start - halo), min(length, stop + halo)
        weights = np.zeros(end - begin, np.float32)
        weights[start - begin : stop - begin] = 1
        spans.append(_Span(begin, end, weights))
    return spans


def _blended(length: int, window: int, stride: int) -> list[_Span]:
    """Windows of one size, as even as can be, whose weights fall to nothing towards their ends."""
    overlap = max(stride, round(_LEAST_OVERLAP * window))
    count = -(-(length - overlap) // (window - overlap))
    starts = np.linspace(0, length - window, count) / stride
    begins = np.rint(starts).astype(int) * stride
    # Half a sine wave: nothing at either end, and never an edge.
    wave = np.sin(np.pi * (np.arange(window) + 0.5) / window) ** 2
    weights = []
    for begin in begins:
        own = wave.copy()
        if begin == 0:
            own[: window // 2] = 1
        if begin + window == length:
            own[window // 2 :] = 1
        weights.append(own)
    total = np.zeros(length)
    for begin, own in zip(begins, weights, strict=True):
        total[begin : begin + window] += own
    return [
        _Span(
            int(begin), int(begin + window), (own / total[begin : begin + window]).astype("float32")
        )
        for begin, own in zip(begins, weights, strict=True)
    ]
