"""The color domain of a picture: a handful of flat colors in soft blobs, without detail.

PI-REC's preparation: a median filter takes small things away, K-means leaves a few colors, and a
second median filter rounds the borders between them.
"""

from __future__ import annotations

import cv2
import numpy as np

# K-means looks at so many pixels and starts so often; more changed no color by a visible amount.
_SAMPLES = 1024
_ATTEMPTS = 3
_CRITERIA = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 10, 1.0)
# OpenCV's largest median kernel of 8-bit pictures.
_LARGEST_KERNEL = 255


def color_domain(
    rgb: np.ndarray, colors: int, blur: int, soften: int, seed: int = 0
) -> np.ndarray:
    """The color domain of a picture: (H, W, 3) uint8 sRGB to the same.

    `colors`: at most so many, from 1. `blur`, `soften`: kernels of the first and second median
    filter in pixels, odd; 1 leaves the picture as it is. The same `seed` gives the same colors.
    Raises ValueError for a kernel that is even or too large.
    """
    blurred = _median(rgb, blur)
    return _median(_quantize(blurred, colors, seed), soften)


def _median(rgb: np.ndarray, kernel: int) -> np.ndarray:
    if kernel % 2 == 0 or not 0 < kernel <= _LARGEST_KERNEL:
        raise ValueError(f"a median kernel is odd, from 1 to {_LARGEST_KERNEL}, not {kernel}")
    return cv2.medianBlur(rgb, kernel) if kernel > 1 else rgb


def _quantize(rgb: np.ndarray, colors: int, seed: int) -> np.ndarray:
    """Each pixel in the nearest of `colors` mean colors, found by K-means on a sample."""
    pixels = rgb.reshape(-1, 3)
    rng = np.random.default_rng(seed)
    sample = pixels
    if len(pixels) > _SAMPLES:
        sample = pixels[rng.integers(0, len(pixels), _SAMPLES)]
    sample = sample.astype(np.float32)
    cv2.setRNGSeed(seed & 0x7FFFFFFF)
    _, _, centers = cv2.kmeans(
        sample,
        min(colors, len(sample)),
        None,  # type: ignore[arg-type]  # no labels to begin with
        _CRITERIA,
        _ATTEMPTS,
        cv2.KMEANS_PP_CENTERS,
    )
    centers = centers.astype(np.uint8)
    nearest = np.zeros(len(pixels), np.intp)
    least = None
    # One color after the other: a table of all distances would be several times the picture.
    for number, center in enumerate(centers.astype(np.int32)):
        distance = np.square(pixels - center).sum(axis=1)
        if least is None:
            least = distance
            continue
        closer = distance < least
        nearest[closer] = number
        least[closer] = distance[closer]
    return centers[nearest].reshape(rgb.shape)
