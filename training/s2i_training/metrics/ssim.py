"""SSIM: whether two pictures have the same structure, as the eye takes it from small windows."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

# Of the paper: an 11×11 Gaussian window of σ 1.5, and K₁, K₂ for values from 0 to 255.
WINDOW, SIGMA = 11, 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(made: np.ndarray, original: np.ndarray) -> float:
    """Mean structural similarity (Wang, Bovik, Sheikh & Simoncelli 2004, eq. 13): 1 when equal.

    `made`, `original`: (H, W, C) or (H, W), 0 to 255, any number type, of one shape, at least
    11×11. Each channel is compared alone and the mean is of all; only windows that lie within the
    picture count. Raises ValueError for pictures that do not fit.
    """
    return ssim_to(original)(made)


def ssim_to(original: np.ndarray) -> Callable[[np.ndarray], float]:
    """`ssim` with this original, for several pictures: what concerns it alone is found once."""
    shape = original.shape
    if min(shape[:2]) < WINDOW:
        raise ValueError(f"a picture of {shape}: SSIM needs at least {WINDOW}×{WINDOW} px")
    theirs = np.asarray(original, np.float64)
    mean2, square2 = _mean(theirs), theirs * theirs

    def compare(made: np.ndarray) -> float:
        if made.shape != shape:
            raise ValueError(
                f"pictures of {made.shape} and {shape}: SSIM compares two of one shape"
            )
        ours = np.asarray(made, np.float64)
        mean1 = _mean(ours)
        product, squares = mean1 * mean2, mean1 * mean1 + mean2 * mean2
        # Both variances together: only their sum is asked for.
        variances = _mean(ours * ours + square2) - squares
        covariance = _mean(ours * theirs) - product
        similarity = (2 * product + _C1) * (2 * covariance + _C2)
        similarity /= (squares + _C1) * (variances + _C2)
        return float(similarity.mean())

    return compare


def _mean(plane: np.ndarray) -> np.ndarray:
    """The mean in each whole window, weighted by a Gaussian."""
    blurred = cv2.GaussianBlur(plane, (WINDOW, WINDOW), SIGMA)
    edge = WINDOW // 2
    return blurred[edge : len(plane) - edge, edge : plane.shape[1] - edge]
