"""Edges as a hand draws them, which Canny never finds: (H, W) bool to the same.

Edges are one pixel wide, and stay so; every function draws its randomness from `rng`.
"""

from __future__ import annotations

import cv2
import numpy as np

from s2i_models.lineart import connected_pieces
from s2i_training.rough_hand import field

# The paper's share, which it takes out in training.
DROPPED = 0.08
_NEIGHBORS = ((0, 1), (1, 0), (1, 1), (1, -1))


def jittered(edges: np.ndarray, rng: np.random.Generator, away: float = 1.5) -> np.ndarray:
    """Strokes displaced smoothly by about `away` pixels, and as whole as before."""
    cells = max(2, max(edges.shape) // 16)
    # The field bends between its cells' corners, so it is scaled to what it turned out to be.
    moves = field(edges.shape, cells, 1.0, rng)
    moves *= away / max(float(np.hypot(*np.moveaxis(moves, -1, 0)).mean()), 1e-6)
    rows, columns = np.nonzero(edges)
    drawn = np.zeros(edges.shape, np.uint8)
    to = np.zeros((*edges.shape, 2), np.int32)
    to[rows, columns] = np.rint(np.stack([columns, rows], axis=1) + moves[rows, columns])
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        here = tuple(map(int, to[row, column]))
        cv2.line(drawn, here, here, 1, 1)
        for down, right in _NEIGHBORS:
            below, beside = row + down, column + right
            within = below < edges.shape[0] and 0 <= beside < edges.shape[1]
            if within and edges[below, beside]:
                cv2.line(drawn, here, tuple(map(int, to[below, beside])), 1, 1)
    return drawn > 0


def broken(edges: np.ndarray, rng: np.random.Generator, every: float = 24.0) -> np.ndarray:
    """Strokes with a gap of 3 to 7 pixels about `every` so many pixels."""
    rows, columns = np.nonzero(edges)
    gaps = np.zeros(edges.shape, np.uint8)
    for pick in rng.integers(0, max(len(rows), 1), round(len(rows) / every)):
        place = (int(columns[pick]), int(rows[pick]))
        cv2.circle(gaps, place, int(rng.integers(1, 4)), 1, -1)
    return edges & (gaps == 0)


def dropped(edges: np.ndarray, rng: np.random.Generator, share: float = DROPPED) -> np.ndarray:
    """Each pixel taken out with a probability of `share`."""
    return edges & (rng.random(edges.shape) >= share)


def strokes_missing(edges: np.ndarray, rng: np.random.Generator, share: float = 0.25) -> np.ndarray:
    """Whole strokes left out with a probability of `share`; a stroke ends where lines meet."""
    neighbors = cv2.boxFilter(
        edges.astype(np.float32), -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT
    )
    meeting = cv2.dilate((edges & (neighbors > 3.5)).astype(np.uint8), np.ones((3, 3), np.uint8))
    count, strokes = connected_pieces((edges & (meeting == 0)).astype(np.uint8), corners=True)
    left_out = rng.random(count) < share
    left_out[0] = False
    # Where lines meet goes with the strokes that it joined, if all of them go.
    kept = (strokes > 0) & ~left_out[strokes]
    joins, places = connected_pieces((edges & (meeting > 0)).astype(np.uint8), corners=True)
    beside = cv2.dilate(kept.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    held = np.bincount(places[beside], minlength=joins) > 0
    held[0] = False
    return kept | held[places]


def by_hand(edges: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """All of it, fewer of each: displaced strokes, some missing, some broken."""
    drawn = strokes_missing(edges, rng, share=0.12)
    return broken(jittered(drawn, rng), rng, every=40.0)
