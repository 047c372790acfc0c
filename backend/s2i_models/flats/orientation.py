"""A drawing's own orientation, so that turned and mirrored drawings get the same regions.

Thinning and the breaking of ties depend on the order in which pixels are visited. Instead of
making each step symmetric, the drawing is turned into an orientation that only its content
decides, segmented there, and the result is turned back.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Orientation:
    """One of the eight ways to turn and mirror a picture."""

    transpose: bool
    flip_y: bool
    flip_x: bool

    def apply(self, picture: np.ndarray) -> np.ndarray:
        """Turn `picture` (height, width, …) into this orientation; a contiguous array."""
        flipped = picture[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1]
        return np.ascontiguousarray(flipped.swapaxes(0, 1) if self.transpose else flipped)

    def undo(self, picture: np.ndarray) -> np.ndarray:
        """Turn a picture in this orientation back."""
        turned = picture.swapaxes(0, 1) if self.transpose else picture
        return np.ascontiguousarray(
            turned[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1]
        )


def own_orientation(ink: np.ndarray) -> Orientation:
    """The orientation in which `ink` (uint8, height x width) has its projections in order.

    The ink's sums over columns and over rows are compared with their reverse, then with each
    other, as words in a dictionary. All eight versions of a drawing get the same picture out of
    `apply`, unless its projections are symmetric.
    """
    columns = cv2.reduce(ink & 1, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()
    rows = cv2.reduce(ink & 1, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()
    flip_x = _later(columns, columns[::-1])
    flip_y = _later(rows, rows[::-1])
    columns = columns[::-1] if flip_x else columns
    rows = rows[::-1] if flip_y else rows
    transpose = len(rows) > len(columns) or (len(rows) == len(columns) and _later(columns, rows))
    return Orientation(transpose, flip_y, flip_x)


def _later(word: np.ndarray, other: np.ndarray) -> bool:
    different = np.flatnonzero(word != other)
    return bool(different.size and word[different[0]] > other[different[0]])
