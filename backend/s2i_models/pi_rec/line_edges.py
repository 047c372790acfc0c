"""From drawn lines of any width to edges as PI-REC's networks know them: one pixel wide."""

from __future__ import annotations

import math

import cv2
import numpy as np

from s2i_models.flats.thinning import thin

# How much of full ink a pixel must have to be a line; soft brushes and pencil count.
_INK = 0.4
# Strokes wider than this on the grid are areas, and areas have edges only where they end.
_WIDEST_STROKE = 5


def edges_of_ink(strength: np.ndarray, height: int, width: int) -> np.ndarray:
    """Edges on a grid of (`height`, `width`) pixels: bool, true where an edge is.

    `strength`: (H, W) float32, how much each pixel is ink, 0 to 1. Strokes become their middle
    lines, areas of ink their outlines; no stroke is lost, however thin it is on the grid.
    """
    scale = max(strength.shape[0] / height, strength.shape[1] / width)
    if scale > 1:
        # The strongest ink within a grid pixel, not the mean, in which hairlines would fade.
        kernel = np.ones((math.ceil(scale), math.ceil(scale)), np.uint8)
        strength = cv2.dilate(strength, kernel)
        how = cv2.INTER_NEAREST
    else:
        how = cv2.INTER_LINEAR
    ink = (cv2.resize(strength, (width, height), interpolation=how) > _INK).view(np.uint8)
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_WIDEST_STROKE + 2, _WIDEST_STROKE + 2))
    areas = cv2.morphologyEx(ink, cv2.MORPH_OPEN, disk)
    inside = cv2.erode(areas, np.ones((3, 3), np.uint8))
    return thin(ink & ~(inside & 1), rounds=_WIDEST_STROKE).view(bool)
