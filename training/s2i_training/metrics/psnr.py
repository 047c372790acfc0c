"""PSNR: how far two pictures are apart, pixel by pixel, in decibels."""

from __future__ import annotations

import numpy as np


def psnr(made: np.ndarray, original: np.ndarray, where: np.ndarray | None = None) -> float:
    """10 · log₁₀(255² / mean squared error) over all channels; higher is nearer, equal ones inf.

    `made`, `original`: (H, W, C) or (H, W), 0 to 255, any number type, of one shape. `where`:
    (H, W) bool, the pixels to compare, all when absent; NaN when it holds none.
    """
    difference = np.asarray(made, np.float64) - np.asarray(original, np.float64)
    if where is not None:
        difference = difference[where]
    return decibels(np.square(difference).mean()) if difference.size else float("nan")


def decibels(mean_squared_error: float) -> float:
    """PSNR of a mean squared error of values from 0 to 255."""
    if mean_squared_error == 0:
        return float("inf")
    return float(10 * np.log10(255**2 / mean_squared_error))
