"""How colorful a picture is: gray is 0, a child's painting about 100."""

from __future__ import annotations

import numpy as np


def colorfulness(picture: np.ndarray) -> float:
    """The M of Hasler & Süsstrunk, "Measuring colorfulness in natural images" (2003).

    `picture`: (H, W, 3) sRGB, 0 to 255, any number type. The authors' scale: 15 slightly,
    33 moderately, 59 quite, 109 extremely colorful.
    """
    red, green, blue = np.moveaxis(np.asarray(picture, np.float64), -1, 0)
    red_green = red - green
    yellow_blue = (red + green) / 2 - blue
    spread = np.hypot(red_green.std(), yellow_blue.std())
    return float(spread + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()))
