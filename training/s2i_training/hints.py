"""Color hints as an artist would give them: none, a few dabs, or strokes.

The paper copies squares of the blurred target into the sketch; here dabs and strokes of the
target's own color go into a picture of their own, with a mask, because a white hint is not the
same as no hint.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class HintSampler:
    """How hints are drawn for training.

    `none` and `strokes`: shares of drawings without any hint, and of hints that are strokes.
    `most`: the largest number of hints; numbers are log-uniform from 1 to it.
    `radius`: smallest and largest brush radius as a share of the picture's side.
    `background`: share of drawings in which hints may lie on unpainted paper too.
    """

    none: float = 0.25
    strokes: float = 0.35
    most: int = 50
    radius: tuple[float, float] = (0.004, 0.02)
    background: float = 0.1

    def __call__(
        self,
        color: np.ndarray,
        painted: np.ndarray,
        lines: np.ndarray,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Sample hints for one drawing.

        `color`: (H, W, 3) float32 sRGB 0 to 1; `painted`: (H, W) coverage 0 to 1; `lines`:
        (H, W), 0 ink to 1 paper. Returns (H, W, 4) float32: color where there is a hint, else 0,
        and the mask, 0 or 1.
        """
        height, width = painted.shape
        hints = np.zeros((height, width, 4), np.float32)
        if rng.random() < self.none:
            return hints
        allowed = lines > 0.6
        if rng.random() >= self.background:
            allowed &= painted > 0.9
        rows, columns = np.nonzero(allowed)
        if len(rows) == 0:
            return hints
        count = round(float(np.exp(rng.uniform(0, np.log(self.most)))))
        side = max(height, width)
        for pick in rng.integers(0, len(rows), count):
            start = (int(columns[pick]), int(rows[pick]))
            radius = max(1, round(rng.uniform(*self.radius) * side))
            mark = np.zeros((height, width), np.uint8)
            if rng.random() < self.strokes:
                path = _walk(start, side * rng.uniform(0.03, 0.15), rng)
                cv2.polylines(mark, [path], False, 1, thickness=2 * radius)
            else:
                cv2.circle(mark, start, radius, 1, -1)
            value = color[start[1], start[0]]
            # A brush stays inside the area it colors: drop what ran over into another color.
            mark[np.abs(color - value).max(axis=2) > 0.1] = 0
            inside = mark > 0
            hints[inside, :3] = value
            hints[inside, 3] = 1
        return hints


def _walk(start: tuple[int, int], length: float, rng: np.random.Generator) -> np.ndarray:
    """A gently bending path of five points, int32 (5, 1, 2) as OpenCV draws it."""
    angle = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.5, 4))
    offsets = np.cumsum(np.stack([np.cos(angle), np.sin(angle)], axis=1) * length / 4, axis=0)
    points = np.concatenate([[[0.0, 0.0]], offsets]) + np.asarray(start)
    return points.round().astype(np.int32)[:, None, :]
