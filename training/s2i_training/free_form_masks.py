"""Free-form masks: what PI-REC's imitation phase hides of a picture."""

from __future__ import annotations

import cv2
import numpy as np

# A stroke's width and the length of its parts, as shares of the longer side.
_WIDTH = (0.04, 0.14)
_PART = (0.08, 0.35)
_POINTS_OF_PART = 8
_MOST_STROKES = 60


def free_form_mask(
    height: int, width: int, rng: np.random.Generator, most: float = 0.7
) -> np.ndarray:
    """Strokes as of a thick brush over (`height`, `width`) pixels: float32, 1 where masked.

    They cover a share drawn evenly from 0 to `most`, to less than a dab of the brush.
    """
    mask = np.zeros((height, width), np.uint8)
    wanted = float(rng.uniform(0, most)) * mask.size
    for _ in range(_MOST_STROKES):
        thickness = max(1, round(float(rng.uniform(*_WIDTH)) * max(height, width)))
        points = _stroke(height, width, rng)
        painted = _painted(mask, points, thickness)
        if np.count_nonzero(painted) > wanted:
            return _fitting(mask, points, thickness, wanted).astype(np.float32)
        mask = painted
    return mask.astype(np.float32)


def _stroke(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Points, x and y, close together on a path of a few parts that turn gently: int32 (n, 2)."""
    angle = float(rng.uniform(0, 2 * np.pi))
    # From beyond the border too, or corners would be hidden least.
    corners = [rng.uniform(-0.1, 1.1, 2) * (width, height)]
    for _ in range(int(rng.integers(1, 5))):
        angle += float(rng.uniform(-1.2, 1.2))
        step = float(rng.uniform(*_PART)) * max(height, width)
        corners.append(corners[-1] + step * np.array([np.cos(angle), np.sin(angle)]))
    corner = np.arange(len(corners))
    along = np.linspace(0, corner[-1], corner[-1] * _POINTS_OF_PART + 1)
    points = [np.interp(along, corner, axis) for axis in np.transpose(corners)]
    return np.rint(np.stack(points, axis=1)).astype(np.int32)


def _painted(mask: np.ndarray, points: np.ndarray, thickness: int) -> np.ndarray:
    return cv2.polylines(mask.copy(), [points], False, 1, thickness)


def _fitting(mask: np.ndarray, points: np.ndarray, thickness: int, wanted: float) -> np.ndarray:
    """`mask` with as much of a stroke's beginning as leaves no more than `wanted` pixels masked."""
    fitting, few, many = mask, 0, len(points)
    while many - few > 1:
        middle = (few + many) // 2
        painted = _painted(mask, points[:middle], thickness)
        if np.count_nonzero(painted) > wanted:
            many = middle
        else:
            fitting, few = painted, middle
    return fitting
