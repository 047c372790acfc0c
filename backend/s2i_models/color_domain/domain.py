"""The color domain of a picture: a handful of flat colors in soft blobs, without detail.

PI-REC's preparation: a median filter takes small things away, K-means leaves a few colors, and a
second median filter rounds the borders between them.
"""

from __future__ import annotations

import cv2
import numpy as np

# K-means looks at so many pixels, more for many colors, and starts so often; measured by
# `benchmarks/prepare.py`.
_SAMPLES = 1024
_SAMPLES_PER_COLOR = 256
_ATTEMPTS = 3
_CRITERIA = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 10, 1.0)
# OpenCV's largest median kernel of 8-bit pictures.
LARGEST_KERNEL = 255


def color_domain(rgb: np.ndarray, colors: int, blur: int, soften: int, seed: int = 0) -> np.ndarray:
    """The color domain of a picture: (H, W, 3) uint8 sRGB to the same.

    `colors`: at most so many, from 1. `blur`, `soften`: kernels of the first and second median
    filter in pixels, odd; 1 leaves the picture as it is. The same `seed` gives the same colors.
    Raises ValueError for a kernel that is even or too large.
    """
    blurred = median(rgb, blur)
    found = main_colors(blurred.reshape(-1, 3), colors, seed)
    return median(found[nearest_colors(blurred, found)], soften)


def median(rgb: np.ndarray, kernel: int) -> np.ndarray:
    """A picture (H, W, 3) uint8 with each channel's median over `kernel`² pixels.

    Raises ValueError for a kernel that is even or over LARGEST_KERNEL.
    """
    if kernel % 2 == 0 or not 0 < kernel <= LARGEST_KERNEL:
        raise ValueError(f"a median kernel is odd, from 1 to {LARGEST_KERNEL}, not {kernel}")
    return cv2.medianBlur(rgb, kernel) if kernel > 1 else rgb


def main_colors(pixels: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """At most `count` colors that stand for `pixels`, by K-means on a sample of them.

    `pixels`: (n, 3) uint8, n at least 1. Returns (k, 3) uint8, no two alike.
    """
    if len(pixels) == 1:
        return pixels.copy()  # which OpenCV takes for three
    rng = np.random.default_rng(seed)
    most = max(_SAMPLES, _SAMPLES_PER_COLOR * count)
    if len(pixels) > most:
        pixels = pixels[rng.integers(0, len(pixels), most)]
    count = min(count, len(pixels))
    cv2.setRNGSeed(seed & 0x7FFFFFFF)
    _, _, centers = cv2.kmeans(
        pixels.astype(np.float32),
        count,
        None,  # type: ignore[arg-type]  # no labels to begin with
        _CRITERIA,
        _ATTEMPTS,
        cv2.KMEANS_PP_CENTERS,
    )
    return np.unique(np.rint(centers).astype(np.uint8), axis=0)


def nearest_colors(rgb: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Which of `colors` (k, 3) uint8, k at most 256, each pixel of `rgb` (H, W, 3) comes nearest
    to: uint8 (H, W)."""
    nearest = np.zeros(rgb.shape[:2], np.uint8)
    least = None
    # One color after the other: a table of all distances would be several times the picture.
    for number, color in enumerate(colors.astype(np.int32)):
        distance = np.square(rgb - color).sum(axis=-1)
        if least is None:
            least = distance
            continue
        closer = distance < least
        nearest[closer] = number
        least[closer] = distance[closer]
    return nearest
