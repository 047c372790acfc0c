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
from s2i_models.flats.orientation import own_orientation

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


def segment(ink: np.ndarray, gap: float | None = None, sliver: float | None = None) -> RegionMap:
    """Segment `ink` (bool or uint8, height x width, true where ink) at its own size.

    `gap`: gaps up to this many px are closed; 0 closes none. `sliver`: regions under this many px²
    join a neighbor. Both follow the canvas size when absent. For canvases over 1024 px use
    `refine.segment_canvas`. The same regions come for turned and mirrored drawings.
    """
    ink = ink.astype(np.uint8) * 255 if ink.dtype == np.bool_ else ink
    gap = auto_gap(ink.shape) if gap is None else gap
    orientation = own_orientation(ink)
    turned = orientation.apply(ink)
    regions = label_regions(turned, find_closings(turned, gap), 1.0, gap, sliver)
    return RegionMap(
        orientation.undo(regions.labels),
        regions.background,
        regions.areas,
        ink,
        regions.gap,
        regions.sliver,
    )


def label_regions(
    ink: np.ndarray, closings: np.ndarray, scale: float, gap: float, sliver: float | None
) -> RegionMap:
    """The regions that `ink` (uint8) and `closings` (in px `scale` times as large) enclose."""
    sliver = auto_sliver(ink.shape) if sliver is None else sliver
    barrier = ink
    if len(closings):
        barrier = ink.copy()
        draw_closings(barrier, closings, scale)
    free = cv2.bitwise_not(barrier)
    count, labels = cv2.connectedComponents(free, connectivity=4)
    if count == 1:  # ink all over
        areas = np.array([labels.size])
        return RegionMap(labels, np.ones(1, bool), areas, ink, gap, sliver)
    edge, corner = _edge_pixels(labels, count)
    grow_under_lines(labels, free)
    areas = np.bincount(labels.ravel(), minlength=count)
    root = _merge_slivers(labels, areas, sliver)
    # A region is background for what it was at the edge itself, not for slivers that joined it.
    edge[root != np.arange(count)] = 0
    corner &= root == np.arange(count)
    main = int(edge.argmax()) if edge.any() else 0
    kept = np.flatnonzero((root == np.arange(count)) & (np.arange(count) > 0))
    kept = np.concatenate([[main], kept[kept != main]])
    new = np.zeros(count, np.int32)
    new[kept] = np.arange(len(kept))
    table = new[root]
    labels = np.take(table, labels)
    background = corner[kept]
    background[0] = True
    merged = np.bincount(table, weights=areas, minlength=len(kept)).astype(np.int64)
    return RegionMap(labels, background, merged, ink, gap, sliver)


def grow_under_lines(labels: np.ndarray, free: np.ndarray) -> None:
    """Give each pixel that is not `free` (uint8, 255 where free) the nearest free pixel's label.

    Changes `labels` (int32) in place. Every region stays one piece, joined over pixel edges: each
    pixel hangs on a neighbor that is nearer to its region.
    """
    covered = cv2.bitwise_not(free)
    if not covered.any():
        return
    distance, nearest = cv2.distanceTransformWithLabels(
        covered, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    seeds = np.flatnonzero(free)
    table = np.zeros(int(nearest.max()) + 1, np.int32)
    table[nearest.ravel()[seeds]] = labels.ravel()[seeds]
    flat = labels.ravel()
    pixels = np.flatnonzero(covered)
    flat[pixels] = table[nearest.ravel()[pixels]]
    _hang_on(labels, distance, pixels)


def _hang_on(labels: np.ndarray, distance: np.ndarray, pixels: np.ndarray) -> None:
    """Where no edge neighbor nearer to free space has a pixel's label, take the nearest one's."""
    padded = cv2.copyMakeBorder(labels, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=-1)
    far = cv2.copyMakeBorder(distance, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=float("inf"))
    flat, depth = padded.ravel(), far.ravel()
    width = labels.shape[1]
    pixels = (pixels // width + 1) * (width + 2) + pixels % width + 1
    steps = np.array([-width - 2, -1, 1, width + 2])
    changed = False
    while pixels.size:
        held = np.zeros(len(pixels), bool)
        for step in steps:
            beside = pixels + step
            held |= (flat[beside] == flat[pixels]) & (depth[beside] < depth[pixels])
        loose = pixels[~held]
        if not loose.size:
            break
        beside = loose[:, None] + steps
        best = beside[np.arange(len(loose)), depth[beside].argmin(axis=1)]
        moved = flat[best] != flat[loose]
        flat[loose] = flat[best]
        changed = True
        # Whoever hung on a pixel that changed is looked at again.
        again = (loose[moved][:, None] + steps).ravel()
        pixels = np.unique(again[(depth[again] > 0) & np.isfinite(depth[again])])
    if changed:
        labels[:] = padded[1:-1, 1:-1]


def _edge_pixels(labels: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Free pixels on the canvas edge by component, and whether it holds a corner."""
    around = np.concatenate([labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]])
    edge = np.bincount(around, minlength=count)
    corner = np.zeros(count, bool)
    corner[labels[[0, 0, -1, -1], [0, -1, 0, -1]]] = True
    edge[0], corner[0] = 0, False
    return edge, corner


def _merge_slivers(labels: np.ndarray, areas: np.ndarray, sliver: float) -> np.ndarray:
    """The label that each label joins: its own, or the neighbor with the longest shared border."""
    root = np.arange(len(areas))
    total = areas.astype(np.int64).copy()
    small = (total > 0) & (total < sliver)
    if not small.any():
        return root
    first, second, length = _borders(labels, small)
    while True:
        small = (total > 0) & (total < sliver) & (root == np.arange(len(root)))
        a, b = root[first], root[second]
        # Only toward larger neighbors (the lower label among equals), so that no two swap places.
        larger = (total[b] > total[a]) | ((total[b] == total[a]) & (b < a))
        use = small[a] & (a != b) & larger
        if not use.any():
            return root
        pair, shared = np.unique(a[use] * len(root) + b[use], return_inverse=True)
        borders = np.bincount(shared, weights=length[use])
        order = np.lexsort((-total[pair % len(root)], -borders, pair // len(root)))
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
