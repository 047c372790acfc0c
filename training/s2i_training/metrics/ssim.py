"""SSIM: whether two pictures have the same structure, as the eye takes it from small windows."""

from __future__ import annotations

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
    if made.shape != original.shape or min(made.shape[:2]) < WINDOW:
        raise ValueError(
            f"pictures of {made.shape} and {original.shape}: SSIM compares two of one shape, of "
            f"at least {WINDOW}×{WINDOW} px"
        )
    ours, theirs = np.asarray(made, np.float64), np.asarray(original, np.float64)
    mean1, mean2 = _mean(ours), _mean(theirs)
    variance1 = _mean(ours * ours) - mean1**2
    variance2 = _mean(theirs * theirs) - mean2**2
    covariance = _mean(ours * theirs) - mean1 * mean2
    similarity = (2 * mean1 * mean2 + _C1) * (2 * covariance + _C2)
    similarity /= (mean1**2 + mean2**2 + _C1) * (variance1 + variance2 + _C2)
    return float(similarity.mean())


def _mean(plane: np.ndarray) -> np.ndarray:
    """The mean in each whole window, weighted by a Gaussian."""
    blurred = cv2.GaussianBlur(plane, (WINDOW, WINDOW), SIGMA)
    edge = WINDOW // 2
    return blurred[edge : len(plane) - edge, edge : plane.shape[1] - edge]
