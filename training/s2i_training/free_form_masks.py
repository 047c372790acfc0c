"""Free-form masks: what PI-REC's imitation phase hides of a picture."""

from __future__ import annotations

import cv2
import numpy as np

# A stroke's width and the length of its parts, as shares of the longer side.
_WIDTH = (0.04, 0.14)
_PART = (0.08, 0.35)
_MOST_STROKES = 40


def free_form_mask(
    height: int, width: int, rng: np.random.Generator, most: float = 0.7
) -> np.ndarray:
    """Strokes as of a thick brush over (`height`, `width`) pixels: float32, 1 where masked.

    They cover a share drawn evenly from 0 to `most`, and a stroke's excess at most.
    """
    mask = np.zeros((height, width), np.uint8)
    wanted = float(rng.uniform(0, most))
    side = max(height, width)
    for _ in range(_MOST_STROKES):
        if mask.mean() >= wanted:
            break
        thickness = max(1, round(float(rng.uniform(*_WIDTH)) * side))
        angle = float(rng.uniform(0, 2 * np.pi))
        points = [rng.uniform(0, 1, 2) * (width, height)]
        for _ in range(int(rng.integers(1, 5))):
            angle += float(rng.uniform(-1.2, 1.2))
            step = float(rng.uniform(*_PART)) * side
            points.append(points[-1] + step * np.array([np.cos(angle), np.sin(angle)]))
        line = np.rint(points).astype(np.int32)
        cv2.polylines(mask, [line], False, 1, thickness)
    return mask.astype(np.float32)
