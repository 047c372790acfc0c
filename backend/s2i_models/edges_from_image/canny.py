"""Canny's edges (1986) as PI-REC prepares them: few, rough, and one pixel wide.

The paper's code calls scikit-image's `canny` with its default thresholds; this is the same
computation with OpenCV, and the edges agree but for single pixels.
"""

from __future__ import annotations

import cv2
import numpy as np

# Red, green, blue in scikit-image's `rgb2gray` (ITU-R 709).
GRAY = np.array([[0.2125, 0.7154, 0.0721]], np.float32)
# Of gradients of pictures from 0 to 1, by Sobel kernels that are not normalized.
LOW, HIGH = 0.1, 0.2
# OpenCV takes gradients as 16-bit integers; a Sobel kernel answers at most 4 to a step of 1.
_SCALE = 8000


def canny(rgb: np.ndarray, sigma: float, scale: float = 1.0) -> np.ndarray:
    """Edges of a picture: (H, W, 3) uint8 sRGB to bool (H, W), true where an edge is.

    `sigma`: of the Gaussian blur before, in pixels, over 0; the larger, the fewer edges. Beyond
    its border the picture counts as going on as it is there, so the border is no edge.

    `scale`: how many times as large as at the size that `sigma` was chosen for the picture is.
    Blur and thresholds go with it, so that a picture has much the same edges at every size.
    """
    gray = cv2.transform(rgb.astype(np.float32), GRAY / 255)
    smooth = cv2.GaussianBlur(gray, (0, 0), sigma * scale, borderType=cv2.BORDER_REPLICATE)
    right, down = (
        cv2.Sobel(smooth, cv2.CV_32F, *order, borderType=cv2.BORDER_REPLICATE)
        for order in ((1, 0), (0, 1))
    )
    right, down = (np.rint(gradient * _SCALE).astype(np.int16) for gradient in (right, down))
    edges = cv2.Canny(right, down, LOW * _SCALE / scale, HIGH * _SCALE / scale, L2gradient=True)
    return edges > 0
