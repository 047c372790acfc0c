"""Regions of a whole canvas: the search at a working size, crisp borders at full size.

Where strokes end is found on a smaller drawing. Everything that decides where a border runs (the
lines themselves, and which region a pixel under a line is nearest to) happens at full size, with
operations that touch each pixel a few times.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from s2i_models.flats.closing import find_closings
from s2i_models.flats.orientation import own_orientation
from s2i_models.flats.regions import RegionMap, auto_gap, label_regions, segment

# Longest side, px, of the drawing in which strokes' ends are searched.
WORKING_SIZE = 1024
# Share of a working pixel that must be ink to count: thin lines are not to break.
INK_SHARE = 0.25


def segment_canvas(
    ink: np.ndarray,
    gap: float | None = None,
    sliver: float | None = None,
    hinted: np.ndarray | None = None,
    step: Callable[[float, str], None] = lambda _fraction, _name: None,
) -> RegionMap:
    """Segment `ink` (bool or uint8, height x width, true where ink) of any size.

    `gap` in canvas px, `sliver` in canvas px²; see `regions.segment`. `step` is called between
    pieces of work with the share done. Openings under two working pixels (8 px at 4096 px) always
    count as closed: nothing that small can be told from a line there.
    """
    factor = max(ink.shape) / WORKING_SIZE
    if factor <= 1:
        step(0.0, "finding regions")
        return segment(ink, gap, sliver, hinted)
    ink = ink.astype(np.uint8) * 255 if ink.dtype == np.bool_ else ink
    gap = auto_gap(ink.shape) if gap is None else gap
    step(0.0, "closing gaps")
    orientation = own_orientation(ink)
    turned = orientation.apply(ink)
    closings = find_closings(_shrink(turned, factor), gap / factor)
    step(0.2, "finding regions")
    side = 2 * int(np.ceil(factor)) - 1
    sealed = cv2.morphologyEx(turned, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    turned_hinted = None if hinted is None else orientation.apply(hinted)
    step(0.3, "growing under the lines")
    regions = label_regions(sealed, closings, factor, gap, sliver, turned_hinted)
    step(0.9, "turning back")
    return replace(regions, labels=orientation.undo(regions.labels), ink=ink)


def _shrink(ink: np.ndarray, factor: float) -> np.ndarray:
    height, width = ink.shape
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    return cv2.threshold(small, 255 * INK_SHARE, 255, cv2.THRESH_BINARY)[1]
