"""Color hints: which region gets which exact color.

A hint colors the regions it lies in. Where hints of different colors lie in one region, the
region is split between them by a geodesic watershed: each pixel goes to the hint that is nearest
on a way that stays inside the region and off the lines.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from s2i_models.flats.flood import flood
from s2i_models.flats.regions import RegionMap
from s2i_models.layers import look_up
from s2i_models.lineart import connected_pieces, nearest_zero

# A stroke colors a region with at least this share of it, or when it covers that share of the
# region: what slips over a line by a few pixels is not meant.
STROKE_SHARE = 0.15
COVERED_SHARE = 0.3
# Colors that differ less than this in every channel (0 to 1) are one color, drawn by a soft brush.
SAME_COLOR = 6 / 255
MOST_COLORS = 256
# Splits are found on at most this many pixels per side.
SPLIT_SIZE = 512


@dataclass(frozen=True)
class Hints:
    """Hint pixels on a canvas: `y`, `x` int (n,); `color` int (n,), index into `colors`, which is
    (k, 1 or 3) in the hint layer's own depth, most frequent first."""

    y: np.ndarray
    x: np.ndarray
    color: np.ndarray
    colors: np.ndarray

    def mask(self, shape: tuple[int, ...]) -> np.ndarray:
        """uint8 (height, width), 255 where there is a hint."""
        where = np.zeros(shape[:2], np.uint8)
        where[self.y, self.x] = 255
        return where


@dataclass(frozen=True)
class HintedRegions:
    """`regions`, with split ones apart; `hinted` bool (count,), which have a color from a hint;
    `colors` (count, 1 or 3) in the hint layer's depth, zero where not hinted."""

    regions: RegionMap
    hinted: np.ndarray
    colors: np.ndarray


def read_hints(
    pixels: np.ndarray, shape: tuple[int, ...], offset: tuple[int, int] = (0, 0)
) -> Hints:
    """The hints of a layer, placed on a canvas of `shape` (height, width, …).

    `pixels`: a layer of any depth, as in `Layer.pixels`, transparent where there is no hint; in a
    layer without alpha, white is no hint. `offset`: where its top left pixel lies on the canvas,
    x and y. Hints beside the canvas move to its nearest pixel.
    """
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    channels = 1 if pixels.shape[2] <= 2 else 3
    full = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1.0
    if pixels.shape[2] in (2, 4):
        alpha = np.ascontiguousarray(pixels[..., -1])
        strongest = float(alpha.max()) if alpha.size else 0.0
        where = alpha > 0.5 * strongest if strongest > 0.02 * full else np.zeros(alpha.shape, bool)
    else:
        where = (pixels < full).any(axis=2)
    y, x = np.nonzero(where)
    color, colors = _common_colors(pixels[y, x, :channels], float(full))
    return Hints(
        np.clip(y + offset[1], 0, shape[0] - 1),
        np.clip(x + offset[0], 0, shape[1] - 1),
        color,
        colors,
    )


def apply_hints(regions: RegionMap, hints: Hints) -> HintedRegions:
    """Give regions the colors of the hints in them, and split those with several."""
    claims = _claims(regions, hints)
    hinted = np.zeros(regions.count, bool)
    colors = np.zeros((regions.count, hints.colors.shape[1]), hints.colors.dtype)
    claimed, first, number = np.unique(claims[:, 0], return_index=True, return_counts=True)
    hinted[claimed] = True
    colors[claimed] = hints.colors[claims[first, 1]]
    to_split = claimed[number > 1]
    if not to_split.size:
        return HintedRegions(regions, hinted, colors)
    labels = regions.labels.copy()
    new_colors, background = [colors], [regions.background]
    count = regions.count
    region_of_hint = regions.labels[hints.y, hints.x]
    for region in to_split.tolist():
        wanted = claims[claims[:, 0] == region, 1]
        here = np.flatnonzero((region_of_hint == region) & np.isin(hints.color, wanted))
        parts, part_colors = _split(labels, regions.ink, region, hints, here)
        # The first part keeps the region's number.
        numbers = np.concatenate([[-1, region], count + np.arange(len(part_colors) - 1)])
        inside, box = parts
        target = labels[box]
        target[inside > 0] = numbers[inside[inside > 0]]
        colors[region] = hints.colors[part_colors[0]]
        new_colors.append(hints.colors[part_colors[1:]])
        background.append(np.full(len(part_colors) - 1, regions.background[region]))
        count += len(part_colors) - 1
    all_colors = np.concatenate(new_colors)
    split = replace(
        regions,
        labels=labels,
        areas=np.bincount(labels.ravel(), minlength=count),
        background=np.concatenate(background),
    )
    return HintedRegions(split, np.append(hinted, np.ones(count - len(hinted), bool)), all_colors)


def _common_colors(values: np.ndarray, full: float) -> tuple[np.ndarray, np.ndarray]:
    """Index per pixel into the exact colors that occur, near-equal ones counted as one."""
    code = np.zeros(len(values), np.int64)
    for channel in range(values.shape[1]):
        levels, index = np.unique(values[:, channel], return_inverse=True)
        code = code * len(levels) + index
        code = np.unique(code, return_inverse=True)[1]  # stays below the number of pixels
    _, first, of_pixel, count = np.unique(
        code, return_index=True, return_inverse=True, return_counts=True
    )
    exact = values[first]
    unit = exact.astype(np.float32) / full
    joined = np.full(len(exact), -1)
    kept: list[int] = []
    for candidate in np.argsort(-count, kind="stable"):
        if joined[candidate] >= 0 or len(kept) == MOST_COLORS:
            continue
        near = (np.abs(unit - unit[candidate]) <= SAME_COLOR).all(axis=1) & (joined < 0)
        joined[near] = len(kept)
        kept.append(int(candidate))
    for rest in np.flatnonzero(joined < 0):  # more colors than a palette has: the nearest one
        joined[rest] = int(np.abs(unit[kept] - unit[rest]).max(axis=1).argmin())
    return joined[of_pixel], exact[kept]


def _claims(regions: RegionMap, hints: Hints) -> np.ndarray:
    """Pairs of region and color index that hold: int (n, 2), sorted by region, the color with
    most pixels first."""
    if not len(hints.y):
        return np.zeros((0, 2), np.int64)
    stroke = _strokes(hints, regions.labels.shape)
    strokes = int(stroke.max()) + 1
    free = regions.ink[hints.y, hints.x] == 0
    # Only strokes that lie on ink altogether count there: they go to the nearest region.
    has_free = np.bincount(stroke, weights=free, minlength=strokes) > 0
    counts = free | ~has_free[stroke]
    region = regions.labels[hints.y, hints.x].astype(np.int64)
    pair, index, pixels = np.unique(
        (stroke * regions.count + region)[counts], return_index=True, return_counts=True
    )
    color = hints.color[counts][index]
    of_stroke, of_region = pair // regions.count, pair % regions.count
    size = np.bincount(of_stroke, weights=pixels, minlength=strokes)
    area = regions.areas[of_region]
    holds = (
        (pixels >= STROKE_SHARE * size[of_stroke])
        | (pixels >= COVERED_SHARE * area)
        | (area < regions.sliver)
    )
    claim, position = np.unique(
        of_region[holds] * len(hints.colors) + color[holds], return_inverse=True
    )
    weight = np.bincount(position, weights=pixels[holds])
    order = np.lexsort((-weight, claim // len(hints.colors)))
    return np.stack([claim // len(hints.colors), claim % len(hints.colors)], axis=1)[order]


def _strokes(hints: Hints, shape: tuple[int, ...]) -> np.ndarray:
    """Number of the connected stroke of one color that each hint pixel belongs to: int (n,).

    A few pixels of a color of their own at the edge of a stroke are that stroke's soft edge.
    """
    index = np.full((shape[0] + 2, shape[1] + 2), -1, np.int32)
    here = np.arange(len(hints.y))
    index[hints.y + 1, hints.x + 1] = here
    links = []
    for dy, dx in ((0, 1), (1, -1), (1, 0), (1, 1)):
        beside = index[hints.y + 1 + dy, hints.x + 1 + dx]
        same = (beside >= 0) & (hints.color[beside] == hints.color)
        links.append(np.stack([here[same], beside[same]]))
    # Hints that share a pixel (they were moved in from beside the canvas) are one stroke.
    owner = index[hints.y + 1, hints.x + 1]
    links.append(np.stack([here, np.where(hints.color[owner] == hints.color, owner, here)]))
    a, b = np.concatenate(links, axis=1)
    graph = coo_array((np.ones(len(a), bool), (a, b)), shape=(len(here), len(here)))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _split(
    labels: np.ndarray, ink: np.ndarray, region: int, hints: Hints, here: np.ndarray
) -> tuple[tuple[np.ndarray, tuple[slice, slice]], np.ndarray]:
    """Split one region between the hint pixels `here`.

    Returns parts (int32, 0 outside the region, from 1 inside) with the box they lie in, and the
    color index of each part. Each part is one piece.
    """
    x, y, width, height = cv2.boundingRect((labels == region).view(np.uint8))
    box = (slice(y, y + height), slice(x, x + width))
    mask = labels[box] == region
    factor = max(1.0, max(mask.shape) / SPLIT_SIZE)
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    small = cv2.resize(mask.view(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    lined = cv2.resize(ink[box], size, interpolation=cv2.INTER_AREA) > 63
    rows = np.minimum(((hints.y[here] - y) / factor).astype(int), size[1] - 1)
    columns = np.minimum(((hints.x[here] - x) / factor).astype(int), size[0] - 1)
    seeds = np.zeros(small.shape, np.int32)
    colors = np.unique(hints.color[here])
    seeds[rows, columns] = np.searchsorted(colors, hints.color[here]) + 1
    found = _flood_all(seeds, small & ~lined)
    if factor > 1:
        found = _enlarge(found, mask.shape, len(colors))
    found = np.where(mask, found, 0)
    return _pieces(found, len(colors), (hints.y[here] - y, hints.x[here] - x), box, colors)


def _flood_all(seeds: np.ndarray, open_space: np.ndarray) -> np.ndarray:
    """Flood `open_space` from `seeds` (int32, from 1); everything else goes to the nearest."""
    result = flood(seeds, open_space)
    empty = result == 0
    if empty.any() and not empty.all():
        _, nearest = nearest_zero(empty.view(np.uint8))
        result[empty] = result[~empty][nearest[empty]]
    return result


def _enlarge(found: np.ndarray, shape: tuple[int, ...], count: int) -> np.ndarray:
    """Parts at full size with smooth borders: the part whose share, interpolated, is largest."""
    best = np.zeros(shape, np.float32)
    result = np.ones(shape, np.int32)
    for part in range(1, count + 1):
        share = (found == part).astype(np.float32)
        share = cv2.resize(share, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
        better = share > best
        result[better] = part
        best[better] = share[better]
    return result


def _pieces(
    found: np.ndarray,
    count: int,
    at: tuple[np.ndarray, np.ndarray],
    box: tuple[slice, slice],
    colors: np.ndarray,
) -> tuple[tuple[np.ndarray, tuple[slice, slice]], np.ndarray]:
    """Number the connected pieces that hold a hint; the rest joins the nearest of them."""
    parts = np.zeros(found.shape, np.int32)
    part_colors: list[int] = []
    for color in range(1, count + 1):
        number, pieces = connected_pieces(found == color)
        held = np.zeros(number, np.int32)
        held[pieces[at]] = 1
        held[0] = 0
        kept = np.flatnonzero(held)
        held[kept] = len(part_colors) + 1 + np.arange(len(kept))
        parts += look_up(held, pieces)
        part_colors += [int(colors[color - 1])] * len(kept)
    inside = found > 0
    if (inside & (parts == 0)).any():
        parts = np.where(inside, _flood_all(parts, inside), 0)
    return (parts, box), np.array(part_colors)
