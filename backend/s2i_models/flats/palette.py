"""Colors for regions that nobody has colored yet: soft, and easy to tell from each other."""

from __future__ import annotations

import numpy as np

# Successive multiples of the golden angle never come close to each other on the circle of hues.
GOLDEN = 0.6180339887498949


def color_of_ids(ids: np.ndarray) -> np.ndarray:
    """sRGB colors for region numbers: float32 (n, 3), 0 to 1, the same for the same number.

    Hue goes round by the golden angle in OKLCh (Björn Ottosson, 2020) at two lightnesses, so
    that neighbors in number differ in both.
    """
    hue = 2 * np.pi * ((ids * GOLDEN) % 1.0)
    lightness = np.where(ids % 2 == 0, 0.86, 0.78)
    a, b = 0.09 * np.cos(hue), 0.09 * np.sin(hue)
    lms = (
        np.stack(
            [
                lightness + 0.3963377774 * a + 0.2158037573 * b,
                lightness - 0.1055613458 * a - 0.0638541728 * b,
                lightness - 0.0894841775 * a - 1.2914855480 * b,
            ],
            axis=1,
        )
        ** 3
    )
    to_linear = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = np.clip(lms @ to_linear.T, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return encoded.astype(np.float32)
