"""Areas found on a small copy, at a canvas's size, with smooth borders instead of stairs."""

from __future__ import annotations

import cv2
import numpy as np

# Of the Gaussian that makes curves of the stairs between two areas, in pixels of the small copy.
_ROUND = 1.2
# Rows of the canvas at a time.
_STRIP = 256


def enlarge_areas(labels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Labels, uint8 (h, w), on a canvas of `size` (height, width): uint8 (height, width).

    Each pixel takes the label that has most of its surroundings. No label comes up anew.
    """
    if labels.shape == size:
        return labels
    shares = {
        int(label): cv2.GaussianBlur(np.where(labels == label, np.float32(255), 0), (0, 0), _ROUND)
        for label in np.unique(labels)
    }
    enlarged = np.empty(size, np.uint8)
    down, right = np.divide(labels.shape, size)
    for top in range(0, size[0], _STRIP):
        rows = enlarged[top : top + _STRIP]
        # From pixels of the canvas to those of the small copy, by their centers.
        place = np.array(
            [[right, 0, (right - 1) / 2], [0, down, (down - 1) / 2 + top * down]], np.float64
        )
        most = np.full(rows.shape, -1, np.float32)
        for label, share in shares.items():
            here = cv2.warpAffine(
                share,
                place,
                rows.shape[::-1],
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            )
            more = here > most
            rows[more] = label
            np.maximum(most, here, out=most)
    return enlarged
