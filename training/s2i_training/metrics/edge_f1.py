"""Whether a picture has the edges that it was to have: precision, recall and F1 of edge maps."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np


class EdgeMatch(NamedTuple):
    """`precision`: share of the edges found that were asked for; `recall`: share of those asked
    for that were found; both 0 to 1."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Their harmonic mean."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def edge_match(found: np.ndarray, asked: np.ndarray, tolerance: float = 2.0) -> EdgeMatch:
    """How edges (H, W) bool, `found`, agree with those `asked` for, of the same shape.

    A pixel counts when the nearest of the other map is at most `tolerance` pixels away, so one
    pixel may answer for several: maps should have lines one pixel wide. Two empty maps agree; of
    one empty and one not, the empty one has no wrong pixel and the other none that is right.
    """
    precision, recall = _share_near(found, asked, tolerance), _share_near(asked, found, tolerance)
    return EdgeMatch(precision, recall)


def edge_f1(found: np.ndarray, asked: np.ndarray, tolerance: float = 2.0) -> float:
    """F1 of `edge_match`: 1 when the maps agree, 0 when no pixel does."""
    return edge_match(found, asked, tolerance).f1


def _share_near(edges: np.ndarray, others: np.ndarray, tolerance: float) -> float:
    if not edges.any():
        return 1.0
    if not others.any():
        return 0.0
    away = cv2.distanceTransform((~others).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float((away[edges] <= tolerance).mean())
