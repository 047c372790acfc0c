"""Geodesic watershed: each pixel goes to the seed that is nearest on a way through open space."""

from __future__ import annotations

import cv2
import numpy as np


def flood(seeds: np.ndarray, open_space: np.ndarray) -> np.ndarray:
    """Grow `seeds` (int32, height x width, 0 where none) over `open_space` (bool).

    All fronts advance together, by turns to the 4 and to the 8 neighbors, so a front is an
    octagon: distances are at most 8 % off the straight ones. No front slips diagonally between
    two closed pixels. Returns int32, 0 where no seed gets to. One step of the loop advances every
    front by one pixel.
    """
    height, width = seeds.shape
    labels = np.pad(seeds, 1).ravel()
    allowed = np.pad(open_space, 1).ravel()
    row = width + 2
    straight = ((-row, 0, 0), (-1, 0, 0), (1, 0, 0), (row, 0, 0))
    diagonal = tuple((dy * row + dx, dy * row, dx) for dy in (-1, 1) for dx in (-1, 1))
    # Pixels around which nothing is left to reach need not move.
    open_pixels = (allowed & (labels == 0)).view(np.uint8).reshape(height + 2, row)
    near = cv2.dilate(open_pixels, np.ones((3, 3), np.uint8)).ravel()
    front = np.flatnonzero((labels > 0) & (near > 0))
    turn = 0
    while front.size:
        reached = []
        for step, over_row, over_column in straight + diagonal * (turn % 2):
            target = front + step
            free = allowed[target] & (labels[target] == 0)
            if over_row:
                free &= allowed[front + over_row] | allowed[front + over_column]
            target = target[free]
            labels[target] = labels[front[free]]
            reached.append(target)
        # Pixels that only a diagonal step can still get to keep their place in the front.
        if turn % 2 == 0:
            reached.append(front)
        elif not sum(part.size for part in reached):
            break
        front = np.concatenate(reached)
        turn += 1
    return labels.reshape(height + 2, width + 2)[1:-1, 1:-1].copy()
