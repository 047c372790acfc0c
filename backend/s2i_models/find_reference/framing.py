"""What the embedder gets to see: the drawing itself, filling a square, whatever paper is around.

The same is done to sketches and to pictures, in training, for the index and for queries, so where
on the canvas someone drew, and how large, does not matter.
"""

from __future__ import annotations

import cv2
import numpy as np

# Of the framed square, on each side.
MARGIN = 0.06
# Differences from the paper below this are its grain (of 255).
_GRAIN = 26
# A picture whose border is less even than this has no paper around it.
_EVEN = 0.75
_LONGEST = 512


def frame(picture: np.ndarray, size: int) -> np.ndarray:
    """The drawn part of a picture on its own paper, as a square: (size, size, 3) float32, 0 to 1.

    `picture`: (H, W, 1, 3 or 4) or (H, W), uint8 or float of 0 to 1, sRGB; transparent parts count
    as white paper. A picture that fills its canvas, such as a photograph, stays whole; sides of
    different length are filled up with its paper, or the mean color of its border.
    """
    pixels = _on_white(picture)
    inside = drawn_box(pixels)
    paper = np.median(_border(pixels), axis=0)
    left, top, right, bottom = inside or (0, 0, pixels.shape[1], pixels.shape[0])
    longest = max(right - left, bottom - top)
    side = round(longest * (1 + 2 * MARGIN)) if inside else longest
    square = np.empty((side, side, 3), np.uint8)
    square[:] = paper.round().astype(np.uint8)
    x, y = (side - (right - left)) // 2, (side - (bottom - top)) // 2
    square[y : y + bottom - top, x : x + right - left] = pixels[top:bottom, left:right]
    interpolation = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return cv2.resize(square, (size, size), interpolation=interpolation).astype(np.float32) / 255


def drawn_box(pixels: np.ndarray) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom of what is drawn on even paper, right and bottom excluded.

    `pixels`: (H, W, 3) uint8. None when there is no even paper around it, or nothing on it.
    """
    border = _border(pixels)
    paper = np.median(border, axis=0)
    if (np.abs(border - paper).max(axis=1) < _GRAIN).mean() < _EVEN:
        return None
    paper_picture = np.broadcast_to(paper.round().astype(np.uint8), pixels.shape)
    red, green, blue = cv2.split(cv2.absdiff(pixels, np.ascontiguousarray(paper_picture)))
    marks = (cv2.max(cv2.max(red, green), blue) >= _GRAIN).astype(np.uint8)
    # A lone pixel is a speck; what is drawn, be it a hairline, has neighbors.
    around = cv2.boxFilter(marks, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    marks = cv2.min(marks, (around >= 3).astype(np.uint8))
    columns = np.flatnonzero(cv2.reduce(marks, 0, cv2.REDUCE_MAX))
    rows = np.flatnonzero(cv2.reduce(marks, 1, cv2.REDUCE_MAX))
    if len(rows) == 0:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _on_white(picture: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8, made smaller when it is large."""
    pixels = picture if picture.ndim == 3 else picture[:, :, None]
    longest = max(pixels.shape[:2])
    if longest > _LONGEST:
        height, width = (max(1, round(n * _LONGEST / longest)) for n in pixels.shape[:2])
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
        pixels = pixels if pixels.ndim == 3 else pixels[:, :, None]
    values = pixels.astype(np.float32) / (255 if pixels.dtype == np.uint8 else 1)
    if values.shape[2] in {2, 4}:
        alpha = values[:, :, -1:]
        values = values[:, :, :-1] * alpha + (1 - alpha)
    values = np.repeat(values, 3, axis=2) if values.shape[2] == 1 else values
    return (values.clip(0, 1) * 255).round().astype(np.uint8)


def _border(pixels: np.ndarray) -> np.ndarray:
    """The pixels of the rim, (N, 3) float32."""
    rim = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
    return np.concatenate(rim).astype(np.float32)
