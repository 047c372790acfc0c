"""Regions of a whole canvas: the search at a working size, crisp borders at full size.

Where strokes end is found on a smaller drawing. Everything that decides where a border runs (the
lines themselves, and which region a pixel under a line is nearest to) happens at full size, with
operations that touch each pixel a few times.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from s2i_models.flats.closing import find_closings
from s2i_models.flats.orientation import own_orientation
from s2i_models.flats.regions import Pieces, RegionMap, auto_gap, find_pieces, join_slivers

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
    return join_slivers(find_canvas_pieces(ink, gap, sliver, step), hinted)


def find_canvas_pieces(
    ink: np.ndarray,
    gap: float | None = None,
    sliver: float | None = None,
    step: Callable[[float, str], None] = lambda _fraction, _name: None,
) -> Pieces:
    """The part of `segment_canvas` that takes long and does not depend on hints; `join_slivers`
    does the rest."""
    ink = ink.astype(np.uint8) * 255 if ink.dtype == np.bool_ else ink
    gap = auto_gap(ink.shape) if gap is None else gap
    orientation = own_orientation(ink)
    turned = orientation.apply(ink)
    factor = max(1.0, max(ink.shape) / WORKING_SIZE)
    step(0.0, "closing gaps")
    closings = find_closings(turned if factor == 1 else _shrink(turned, factor), gap / factor)
    step(0.2, "finding regions")
    if factor > 1:
        side = 2 * int(np.ceil(factor)) - 1
        turned = cv2.morphologyEx(turned, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    step(0.3, "growing under the lines")
    return find_pieces(ink, orientation, turned, closings, gap, sliver, factor)


def _shrink(ink: np.ndarray, factor: float) -> np.ndarray:
    height, width = ink.shape
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    return cv2.threshold(small, 255 * INK_SHARE, 255, cv2.THRESH_BINARY)[1]
