"""What artists draw as PI-REC's networks know it: edges one pixel wide, and a color everywhere.

Edges are thinned once, at the largest size, and shrunk from there to the others: each stroke is one
line at all of them, never a line here and its two sides there.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from s2i_models.flats.thinning import thin
from s2i_models.layers import convert_depth
from s2i_models.lineart import (
    binary_ink,
    ink_distance,
    nearest_zero,
    solid_blacks,
    stroke_width,
)

Size = tuple[int, int]  # height, width

# Ink that is this many times as wide as the drawing's strokes is an area, whose outline counts; but
# nothing narrower than the first of these shares of the longer side is, and all is that is wider
# than the second: 3 and 6 of 128 pixels. The networks were trained with lines of up to 5 pixels.
_AREA_WIDTHS = 4.0
_AREA_SHARES = (3 / 128, 6 / 128)
# More ink than this is paper: light lines on a dark ground, as the paper's own files of edges are.
_MOST_INK = 0.5
# A pixel is painted where it is at least so opaque, relative to the most opaque one: the soft end
# of a brush has its color, but not its place.
_LEAST_OPACITY = 0.5
# What is less opaque than this everywhere is not painted.
_INVISIBLE = 0.02
# A pixel of the grid is painted when this share of it is, so that a thin stroke counts.
_LEAST_COVERED = 0.03
# Kernel of the median filter that rounds the blobs, as the paper's second one.
_SOFTEN = 3
WHITE = np.ones(3, np.float32)


def read_edges(strength: np.ndarray, size: Size) -> np.ndarray:
    """Edges on a grid of `size`: bool, true where an edge is.

    `strength`: (H, W) float32, how much each pixel is ink, 0 to 1, see `lineart.ink_strength`.
    Strokes become their middle lines, areas of ink their outlines; nothing is lost, however thin.
    A layer that is all ink has no edges.
    """
    ink = binary_ink(strength)
    if np.count_nonzero(ink) > _MOST_INK * ink.size:
        ink = binary_ink(1 - strength)
    ink = _strongest(ink, size)
    if not ink.any():
        return np.zeros(size, bool)
    least, most = (share * max(size) / _AREA_WIDTHS for share in _AREA_SHARES)
    areas = solid_blacks(ink, min(max(stroke_width(ink), least), most), _AREA_WIDTHS)
    # Only the inside goes: what is left is a rim that the strokes still hang on.
    ink[areas & (ink_distance(ink) > 1.5)] = 0
    return _thinned(ink)


def shrink_edges(edges: np.ndarray, size: Size) -> np.ndarray:
    """Edges on a smaller grid: bool (H, W) to bool of `size`, one pixel wide again."""
    if edges.shape == size:
        return edges
    return _thinned(_strongest(edges.view(np.uint8), size))


def read_colors(
    layer: np.ndarray | None, shape: tuple[int, ...], offset: tuple[int, int], size: Size
) -> tuple[np.ndarray, np.ndarray]:
    """Blobs of color on a grid of `size` over a canvas of `shape` (height, width, …).

    `layer`: of any depth, as in `Layer.pixels`, or None; `offset`: where its top left pixel lies
    on the canvas, x and y; beside the canvas nothing counts. A layer without alpha is painted
    everywhere. Returns colors (h, w, 3) float32 sRGB, white where there is none, and bool (h, w),
    where there is one.
    """
    colors = np.ones((*size, 3), np.float32)
    painted = np.zeros(size, bool)
    if layer is None or layer.size == 0:
        return colors, painted
    layer = layer[..., None] if layer.ndim == 2 else layer
    least = _least_alpha(layer)
    columns = _starts(shape[1], size[1])
    for row, strip in enumerate(_strips(layer, shape, offset, size[0])):
        values = np.zeros((*strip.shape[:2], 4), np.float32)
        given = convert_depth(strip, np.dtype(np.float32))
        values[..., 3] = given[..., -1] >= least
        values[..., :3] = np.nan_to_num(given[..., :-1]).clip(0, 1) * values[..., 3:]
        total = np.add.reduceat(values.sum(axis=0), columns, axis=0)
        cells = strip.shape[0] * np.maximum(np.diff([*columns, shape[1]]), 1)
        painted[row] = total[:, 3] > _LEAST_COVERED * cells
        colors[row, painted[row]] = total[painted[row], :3] / total[painted[row], 3:]
    return colors, painted


def fill_colors(colors: np.ndarray, painted: np.ndarray, *, spread: bool = True) -> np.ndarray:
    """A color everywhere: (h, w, 3) float32 and bool (h, w) to (h, w, 3).

    `spread`: what is not painted takes the nearest color; else it is white. It is white all over
    when nothing is painted.
    """
    if not painted.any():
        return np.ones_like(colors)
    if painted.all():
        return colors
    distance, nearest = nearest_zero((~painted).view(np.uint8))
    filled = colors[painted][nearest]
    if spread:
        return filled
    # One pixel more on either side lets thin strokes outlast `soften`.
    return np.where((distance < 2)[..., None], filled, WHITE)


def soften(colors: np.ndarray) -> np.ndarray:
    """Blobs of color (h, w, 3) float32 with rounded borders, by the paper's second median."""
    return cv2.medianBlur(np.ascontiguousarray(colors), _SOFTEN)


def _thinned(ink: np.ndarray) -> np.ndarray:
    """Lines one pixel wide. What is so thin already stays, steps and all, as Canny's edges are."""
    wide = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    beside_wide = cv2.dilate(wide, np.ones((3, 3), np.uint8))
    lines = thin(ink, rounds=max(ink.shape)) > 0
    return lines | ((ink > 0) & (beside_wide == 0))


def _strongest(ink: np.ndarray, size: Size) -> np.ndarray:
    """The largest value in each cell of a grid, or the one it lies in where the grid is finer."""
    rows, columns = (_starts(length, cells) for length, cells in zip(ink.shape, size, strict=True))
    return np.maximum.reduceat(np.maximum.reduceat(ink, rows, axis=0), columns, axis=1)


def _starts(length: int, cells: int) -> np.ndarray:
    """Where each of so many cells begins along an axis; several at once where it is shorter."""
    return np.arange(cells) * length // cells


def _least_alpha(layer: np.ndarray) -> float:
    """Which alpha, 0 to 1, is paint in a layer; one without alpha is opaque."""
    if layer.shape[2] in (1, 3):
        return _LEAST_OPACITY
    alpha = layer[..., -1]
    full = np.iinfo(alpha.dtype).max if alpha.dtype.kind == "u" else 1
    strongest = float(np.nan_to_num(alpha).max()) / full
    return _LEAST_OPACITY * strongest if strongest > _INVISIBLE else 2.0


def _strips(
    layer: np.ndarray, shape: tuple[int, ...], offset: tuple[int, int], count: int
) -> Iterator[np.ndarray]:
    """The canvas's rows in `count` strips, (h, width, 2 or 4) with alpha, clear beside the layer.

    A strip may be met again where there are more of them than rows.
    """
    channels = layer.shape[2]
    left, top = offset
    starts = _starts(shape[0], count)
    stops = np.maximum(np.append(starts[1:], shape[0]), starts + 1)
    first, last = max(0, left), min(shape[1], left + layer.shape[1])
    for start, stop in zip(starts, stops, strict=True):
        strip = np.zeros((stop - start, shape[1], channels + channels % 2), layer.dtype)
        above, below = max(start, top), min(stop, top + layer.shape[0])
        if above < below and first < last:
            part = layer[above - top : below - top, first - left : last - left]
            inner = strip[above - start : below - start, first:last]
            inner[..., :channels] = part
            if channels % 2:
                inner[..., -1] = np.iinfo(layer.dtype).max if layer.dtype.kind == "u" else 1
        yield strip
