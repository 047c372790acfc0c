"""Regions of line art: every pixel of the canvas belongs to one closed, one-piece region.

Strokes' ends are joined with the ink they almost reach (`closing`), what is enclosed then is a
region, slivers join the neighbor they share the longest border with, and ink takes the region
that is nearest, so that fills meet in the middle of the lines.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from s2i_models.flats.closing import draw_closings, find_closings
from s2i_models.flats.orientation import Orientation, own_orientation
from s2i_models.layers import look_up
from s2i_models.lineart import connected_pieces, nearest_zero

# Of the canvas's shorter side: the widest gap that is closed, and the side of a square as large
# as the smallest region. 0.5 to 1 % is usual for gaps.
AUTO_GAP = 0.01
AUTO_SLIVER = 0.006


@dataclass(frozen=True)
class RegionMap:
    """Which region each pixel belongs to.

    `labels`: int32 (height, width), 0 to `count` - 1. Label 0 is the background: the region with
    the longest share of the canvas edge; no pixel has it when ink closes the edge all around.
    `background`: bool (count,), true for label 0 and for other regions that hold a free corner of
    the canvas (a figure from top to bottom has background on both sides).
    `areas`: int64 (count,), pixels.
    `ink`: uint8 (height, width), 255 where ink, as it was segmented (closings not drawn in).
    `gap`, `sliver`: px and px² that were used, at this map's size.
    """

    labels: np.ndarray
    background: np.ndarray
    areas: np.ndarray
    ink: np.ndarray
    gap: float
    sliver: float

    @property
    def count(self) -> int:
        """Number of labels, label 0 included even where no pixel has it."""
        return len(self.areas)


def auto_gap(shape: tuple[int, ...]) -> float:
    """The gap that is closed when none is asked for, px."""
    return max(2.0, AUTO_GAP * min(shape[:2]))


def auto_sliver(shape: tuple[int, ...]) -> float:
    """The area under which a region is a sliver when none is asked for, px²."""
    return max(4.0, (AUTO_SLIVER * min(shape[:2])) ** 2)


def segment(
    ink: np.ndarray,
    gap: float | None = None,
    sliver: float | None = None,
    hinted: np.ndarray | None = None,
) -> RegionMap:
    """Segment `ink` (bool or uint8, height x width, true where ink) at its own size.

    `gap`: gaps up to this many px are closed; 0 closes none. `sliver`: regions under this many px²
    join a neighbor, unless `hinted` (uint8, height x width) is nonzero in them. Both follow the
    canvas size when absent. For canvases over 1024 px use
    `refine.segment_canvas`. The same regions come for turned and mirrored drawings.
    """
    ink = ink.astype(np.uint8) * 255 if ink.dtype == np.bool_ else ink
    gap = auto_gap(ink.shape) if gap is None else gap
    orientation = own_orientation(ink)
    turned = orientation.apply(ink)
    closings = find_closings(turned, gap)
    return join_slivers(find_pieces(ink, orientation, turned, closings, gap, sliver), hinted)


@dataclass(frozen=True)
class Pieces:
    """What ink and gap closings enclose, before slivers join a neighbor.

    All that does not depend on hints. `labels`: int32 (height, width), grown under the lines, 0
    only where ink is all there is. `free`: uint8 (height, width), 255 off ink and closings. Both
    are turned as `orientation` says; `ink` is as the canvas has it. By label: `areas` px, `edge`
    px of the canvas edge, `corner` whether it holds a corner of the canvas. `borders`: pairs of
    touching labels and their shared length, of all that may be slivers.
    """

    ink: np.ndarray
    orientation: Orientation
    labels: np.ndarray
    free: np.ndarray
    areas: np.ndarray
    edge: np.ndarray
    corner: np.ndarray
    borders: tuple[np.ndarray, np.ndarray, np.ndarray]
    gap: float
    sliver: float


def find_pieces(
    ink: np.ndarray,
    orientation: Orientation,
    turned: np.ndarray,
    closings: np.ndarray,
    gap: float,
    sliver: float | None = None,
    scale: float = 1.0,
) -> Pieces:
    """What `turned` (uint8, the ink in that orientation) and `closings` enclose.

    `closings` are in px `scale` times as large.
    """
    sliver = auto_sliver(ink.shape) if sliver is None else sliver
    barrier = turned
    if len(closings):
        barrier = turned.copy()
        draw_closings(barrier, closings, scale)
    free = cv2.bitwise_not(barrier)
    count, labels = connected_pieces(free)
    edge, corner = _edge_pixels(labels, count)
    if count > 1:  # else ink is all over
        grow_under_lines(labels, free)
    areas = np.bincount(labels.ravel(), minlength=count)
    borders = _borders(labels, (areas > 0) & (areas < sliver))
    return Pieces(ink, orientation, labels, free, areas, edge, corner, borders, gap, sliver)


def join_slivers(pieces: Pieces, hinted: np.ndarray | None = None) -> RegionMap:
    """The regions of a canvas: slivers join a neighbor, unless `hinted` (uint8, height x width,
    as the canvas has it) is nonzero in them."""
    ink, labels, areas, count = pieces.ink, pieces.labels, pieces.areas, len(pieces.areas)
    if count == 1:
        labels = pieces.orientation.undo(labels)
        return RegionMap(labels, np.ones(1, bool), areas, ink, pieces.gap, pieces.sliver)
    protected = np.zeros(count, bool)
    if hinted is not None:
        # What lies under the lines belongs to no region yet.
        here = cv2.bitwise_and(pieces.orientation.apply(hinted), pieces.free)
        protected[labels[here > 0]] = True
    root = _merge_slivers(areas, pieces.borders, pieces.sliver, protected)
    # A region is background for what it was at the edge itself, not for slivers that joined it.
    edge = np.where(root == np.arange(count), pieces.edge, 0)
    corner = pieces.corner & (root == np.arange(count))
    main = int(edge.argmax()) if edge.any() else 0
    kept = np.flatnonzero((root == np.arange(count)) & (np.arange(count) > 0))
    kept = np.concatenate([[main], kept[kept != main]])
    new = np.zeros(count, np.int32)
    new[kept] = np.arange(len(kept))
    table = new[root]
    labels = pieces.orientation.undo(look_up(table, labels))
    background = corner[kept]
    background[0] = True
    merged = np.bincount(table, weights=areas, minlength=len(kept)).astype(np.int64)
    return RegionMap(labels, background, merged, ink, pieces.gap, pieces.sliver)


def grow_under_lines(labels: np.ndarray, free: np.ndarray) -> None:
    """Give each pixel that is not `free` (uint8, 255 where free) the nearest free pixel's label.

    Changes `labels` (int32) in place. Every region stays one piece, joined over pixel edges: each
    pixel hangs on a neighbor that is nearer to its region.
    """
    covered = cv2.bitwise_not(free)
    if not covered.any():
        return
    distance, nearest = nearest_zero(covered)
    pixels = np.flatnonzero(covered)
    flat = labels.reshape(-1)
    flat[pixels] = labels[free > 0][nearest.reshape(-1)[pixels]]
    del nearest
    _hang_on(flat, distance.reshape(-1), pixels, labels.shape)


def _hang_on(
    labels: np.ndarray, distance: np.ndarray, pixels: np.ndarray, shape: tuple[int, ...]
) -> None:
    """Where no edge neighbor nearer to free space has a pixel's label, take the nearest one's."""
    height, width = shape

    def neighbors(at: np.ndarray) -> list[np.ndarray]:
        column = at % width
        return [
            np.where(at >= width, at - width, at),
            np.where(column > 0, at - 1, at),
            np.where(column < width - 1, at + 1, at),
            np.where(at < (height - 1) * width, at + width, at),
        ]

    while pixels.size:
        held = np.zeros(len(pixels), bool)
        own_label, own_distance = labels[pixels], distance[pixels]
        for beside in neighbors(pixels):
            held |= (labels[beside] == own_label) & (distance[beside] < own_distance)
        loose = pixels[~held]
        if not loose.size:
            return
        beside = np.stack(neighbors(loose), axis=1)
        best = beside[np.arange(len(loose)), distance[beside].argmin(axis=1)]
        moved = loose[labels[best] != labels[loose]]
        labels[loose] = labels[best]
        # Whoever hung on a pixel that changed is looked at again.
        again = np.unique(np.concatenate([moved, *neighbors(moved)]))
        pixels = again[distance[again] > 0]


def _edge_pixels(labels: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Free pixels on the canvas edge by component, and whether it holds a corner."""
    around = np.concatenate([labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]])
    edge = np.bincount(around, minlength=count)
    corner = np.zeros(count, bool)
    corner[labels[[0, 0, -1, -1], [0, -1, 0, -1]]] = True
    edge[0], corner[0] = 0, False
    return edge, corner


def _merge_slivers(
    areas: np.ndarray,
    borders: tuple[np.ndarray, np.ndarray, np.ndarray],
    sliver: float,
    protected: np.ndarray,
) -> np.ndarray:
    """The label that each label joins: its own, or the neighbor with the longest shared border."""
    root = np.arange(len(areas))
    total = areas.astype(np.int64)
    small = (total > 0) & (total < sliver) & ~protected
    if not small.any():
        return root
    first, second, length = borders
    while True:
        small = (total > 0) & (total < sliver) & (root == np.arange(len(root))) & ~protected
        a, b = root[first], root[second]
        # Only toward larger neighbors (the lower label among equals), so that no two swap places.
        larger = (total[b] > total[a]) | ((total[b] == total[a]) & (b < a))
        use = small[a] & (a != b) & larger
        if not use.any():
            return root
        pair, shared = np.unique(a[use] * len(root) + b[use], return_inverse=True)
        shares = np.bincount(shared, weights=length[use])
        order = np.lexsort((-total[pair % len(root)], -shares, pair // len(root)))
        joining, index = np.unique(pair[order] // len(root), return_index=True)
        step = np.arange(len(root))
        step[joining] = pair[order][index] % len(root)
        while True:
            further = step[step]
            if (further == step).all():
                break
            step = further
        root = step[root]
        total = np.bincount(step, weights=total, minlength=len(root)).astype(np.int64)


def _borders(labels: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of touching labels, both ways round, with how many pixel edges they share; only
    pairs in which the first one is `wanted`."""
    codes = []
    count = len(wanted)
    for here, beside in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])):
        differ = here != beside
        a, b = here[differ].astype(np.int64), beside[differ].astype(np.int64)
        codes += [(a * count + b)[wanted[a]], (b * count + a)[wanted[b]]]
    pairs, length = np.unique(np.concatenate(codes), return_counts=True)
    return pairs // count, pairs % count, length
