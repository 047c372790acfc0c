"""From what a network painted on its grid to layers of the canvas, one color per region."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from s2i_models.coloring.looks import Painting
from s2i_models.coloring.snap import (
    keep_to_palette,
    nearest_color,
    region_colors,
    region_means,
    shading,
    voted_color,
)
from s2i_models.coloring.view import View
from s2i_models.flats.hints import HintedRegions
from s2i_models.layers import color_labels, convert_depth, stack

# Regions are looked for on at most this many samples per side when colors are assigned.
SAMPLES = 1024
# A closed region that the network covers less than this is a hole, such as a handle's.
LEAST_COVERAGE = 0.25


@dataclass(frozen=True)
class Laying:
    """How colors are laid; what is not said leaves them as painted.

    `palette`: (k, 3) in any depth, the only colors for what has no hint. `votes`: gives the votes
    for each of them at each pixel of the painting's inner grid, (h, w, k) float32; what became a
    hint's color is not voted on. `keep_to_hints`: CIELAB distance within which a color becomes a
    hint's. `saturation`: 0 gray, 1 as painted. `shading`: strength of the shade, 0 to 1.
    """

    palette: np.ndarray | None = None
    votes: Callable[[Painting], np.ndarray] | None = None
    keep_to_hints: float = 0.0
    saturation: float = 1.0
    shading: float = 0.0


def color_layers(
    painting: Painting,
    hinted: HintedRegions,
    laying: Laying,
    depth: np.dtype,
    outputs: tuple[str, ...],
) -> dict[str, np.ndarray]:
    """`flats` (H, W, 4) and, where asked for, `shade` (H, W) and `smooth` (H, W, 3), in `depth`."""
    regions, view = hinted.regions, painting.view
    labels = regions.labels
    height, width = labels.shape
    table, colors, kept = _color_table(painting, hinted, laying, depth)
    locked = table
    if laying.palette is not None:
        palette = laying.palette
        chosen = _choose(painting, hinted, laying, colors)
        snapped = ~hinted.hinted & (table[:, 3] > 0)
        if laying.votes is not None:
            snapped &= ~kept
        locked = table.copy()
        locked[snapped, :3] = convert_depth(palette, depth)[chosen[snapped]]
    layers = {"flats": color_labels(labels, locked)}

    if {"shade", "color"} & set(outputs):
        small = labels[_under(view, labels)]
        # Relative to what was painted: else a palette's darker color would be lightened again.
        flat = convert_depth(table[small, :3], np.dtype(np.float32))
        shade = shading(painting.colors, flat, laying.shading)
        shade[table[small, 3] == 0] = 1
        plane = view.enlarge(convert_depth(shade, _warpable(depth)), width, height)
        layers["shade"] = convert_depth(plane, depth)
    if "smooth" in outputs:
        soft = view.enlarge(convert_depth(painting.colors, _warpable(depth)), width, height)
        layers["smooth"] = convert_depth(soft, depth)
    return layers


def _choose(
    painting: Painting, hinted: HintedRegions, laying: Laying, colors: np.ndarray
) -> np.ndarray:
    """For each region the color of the palette that it takes, int (count,)."""
    assert laying.palette is not None
    palette = convert_depth(laying.palette, np.dtype(np.float32))
    if laying.votes is None:
        return nearest_color(colors, palette)[0]
    labels = hinted.regions.labels
    small = labels[_under(painting.view, labels)]
    votes = region_means(small, laying.votes(painting), painting.lines > 0.5, len(colors))
    return voted_color(colors, palette, votes)


def stack_channels(layers: dict[str, np.ndarray], outputs: tuple[str, ...]) -> None:
    """Make RGBA of the layers that are asked for, with the alpha of `flats`."""
    alpha = layers["flats"][..., 3]
    if "shade" in outputs:
        layers["shade"] = stack(*[layers["shade"]] * 3, alpha)
    if "smooth" in outputs:
        layers["smooth"] = stack(*np.moveaxis(layers["smooth"], 2, 0), alpha)
    if "lines" in outputs and layers["lines"].shape[2] == 2:
        gray, cover = np.moveaxis(layers["lines"], 2, 0)
        layers["lines"] = stack(gray, gray, gray, cover)


def _color_table(
    painting: Painting, hinted: HintedRegions, laying: Laying, depth: np.dtype
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """RGBA of each region in `depth`; the colors without exact hints, float32 (count, 3); and
    which of these became a hint's, bool (count,)."""
    regions = hinted.regions
    colors = _colors_of_regions(painting, regions.labels, regions.count)
    colors = _saturate(colors, laying.saturation)
    hint_colors = convert_depth(hinted.colors[hinted.hinted], np.dtype(np.float32))
    hint_colors = np.broadcast_to(hint_colors, (len(hint_colors), 3))
    painted = colors
    colors = keep_to_palette(painted, hint_colors, laying.keep_to_hints)
    kept = (colors != painted).any(axis=1)
    table = np.zeros((regions.count, 4), depth)
    table[:, :3] = convert_depth(colors, depth)
    table[hinted.hinted, :3] = convert_depth(hinted.colors[hinted.hinted], depth)
    table[:, 3] = convert_depth(np.ones(1, np.float32), depth)
    covered = _coverage_of_regions(painting, regions.labels, regions.count)
    empty = regions.background | (covered < LEAST_COVERAGE)
    table[empty & ~hinted.hinted] = 0
    return table, colors, kept


def _colors_of_regions(painting: Painting, labels: np.ndarray, count: int) -> np.ndarray:
    """(count, 3) float32: what the network painted most in each region."""
    view = painting.view
    small = labels[_under(view, labels)]
    colors, seen = region_colors(small, painting.colors, painting.lines > 0.5, count)
    if seen.all():
        return colors
    # Regions smaller than a grid pixel take the color of the grid pixel they lie in.
    stride = max(1, -(-max(labels.shape) // SAMPLES))
    dense = labels[stride // 2 :: stride, stride // 2 :: stride]
    place = np.full(count, -1)
    place[dense.ravel()] = np.arange(dense.size)
    lost = np.flatnonzero(~seen & (place >= 0))
    y, x = np.divmod(place[lost], dense.shape[1])
    row, column = view.grid_positions(y * stride + stride // 2, x * stride + stride // 2)
    colors[lost] = painting.colors[row, column]
    return colors


def _coverage_of_regions(painting: Painting, labels: np.ndarray, count: int) -> np.ndarray:
    """(count,) mean coverage off the ink; 1 for regions too small to tell."""
    small = labels[_under(painting.view, labels)].ravel()
    free = (painting.lines > 0.5).ravel().astype(np.float32)
    size = np.bincount(small, weights=free, minlength=count)
    total = np.bincount(small, weights=free * painting.coverage.ravel(), minlength=count)
    return np.where(size > 0, total / np.maximum(size, 1), 1.0)


def _under(view: View, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of the label under each inner pixel of the grid."""
    rows, columns = view.positions(labels.shape)
    return rows[:, None], columns


def _saturate(colors: np.ndarray, amount: float) -> np.ndarray:
    gray = colors @ np.array([0.299, 0.587, 0.114], np.float32)
    return (gray[:, None] + amount * (colors - gray[:, None])).clip(0, 1)


def _warpable(depth: np.dtype) -> np.dtype:
    """The depth nearest to `depth` that OpenCV resamples."""
    return np.dtype(np.float32) if depth == np.float16 else depth
