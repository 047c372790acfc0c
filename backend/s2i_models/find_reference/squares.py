"""What the network looks at: one square picture, the same from a sketch, a layer or a file.

Sketches and pictures on an even ground are cut to what they show, with a margin, so that neither
the size of the canvas nor the place on it matters. What is transparent lies on white.
"""

from __future__ import annotations

import cv2
import numpy as np

from s2i_models.layers import convert_depth
from s2i_models.lineart import binary_ink, ink_strength

MARGIN = 0.06  # of the longer side of what is shown, as Auto-painter's
# An 8-bit value farther than this from the ground's is content; JPEG's noise is nearer.
DIFFERENCE = 24
# The ground is even where so much of the border has its color.
EVEN_SHARE = 0.9
# Pictures are reduced to so many times the square before they are looked at closely.
CLOSE = 4


class Blank(ValueError):
    """Nothing is on the sketch or picture."""


def sketch_square(sketch: np.ndarray, size: int) -> np.ndarray:
    """A sketch, a layer of any depth and 1 to 4 channels, as the network takes it.

    Returns uint8 (size, size, 3): its ink from black to white paper, whatever color, depth or paper
    it was drawn on. Raises `Blank` when there is no ink.
    """
    strength = ink_strength(sketch)
    ink = binary_ink(strength)
    if not ink.any():
        raise Blank
    gray = np.rint((1 - strength) * 255).astype(np.uint8)
    return np.repeat(_square(gray, ink, 255, size)[..., None], 3, axis=2)


def picture_square(picture: np.ndarray, size: int) -> np.ndarray:
    """A picture, a layer of any depth and 1 to 4 channels, as the network takes it.

    Returns uint8 RGB (size, size, 3). Raises `Blank` when all of it is transparent.
    """
    colors = _on_white(picture, size)
    border = np.concatenate([colors[0], colors[-1], colors[:, 0], colors[:, -1]])
    ground = np.median(border, axis=0)
    even = (np.abs(border - ground).max(axis=1) <= DIFFERENCE).mean() >= EVEN_SHARE
    if not even:
        return _square(colors, None, 255, size)
    content = np.abs(colors - ground.astype(np.float32)).max(axis=2) > DIFFERENCE
    return _square(colors, content.view(np.uint8), ground, size)


def _on_white(picture: np.ndarray, size: int) -> np.ndarray:
    """uint8 RGB (h, w, 3), reduced towards `CLOSE` times `size`."""
    if picture.ndim == 2:
        picture = picture[..., None]
    longest = max(picture.shape[:2])
    # First coarsely, then by area: of a large canvas, few pixels are converted.
    picture = picture[:: max(1, longest // (4 * CLOSE * size))]
    picture = picture[:, :: max(1, longest // (4 * CLOSE * size))]
    values = convert_depth(picture, np.dtype(np.float32))
    if picture.dtype.kind == "f":
        values = np.nan_to_num(values).clip(0, 1)
    scale = CLOSE * size / max(values.shape[:2])
    colors = values[..., :1] if values.shape[2] <= 2 else values[..., :3]
    if values.shape[2] in (2, 4):
        alpha = values[..., -1:]
        if not alpha.any():
            raise Blank
        colors = colors * alpha + (1 - alpha)
    if scale < 1:
        height, width = values.shape[:2]
        sides = (max(1, round(width * scale)), max(1, round(height * scale)))
        colors = cv2.resize(colors, sides, interpolation=cv2.INTER_AREA)
        colors = colors if colors.ndim == 3 else colors[..., None]
    colors = np.broadcast_to(colors, (*colors.shape[:2], 3))
    return np.rint(colors * 255).astype(np.uint8)


def _square(
    values: np.ndarray, content: np.ndarray | None, ground: np.ndarray | int, size: int
) -> np.ndarray:
    """`values`, uint8 (h, w) or (h, w, 3), cut to `content` (uint8 (h, w)) where it is given and
    has any, in the middle of a square filled with `ground`."""
    left, top, width, height = 0, 0, values.shape[1], values.shape[0]
    if content is not None and content.any():
        left, top, width, height = cv2.boundingRect(content)
        margin = max(1, round(MARGIN * max(width, height)))
        left, top, width, height = (
            left - margin,
            top - margin,
            width + 2 * margin,
            height + 2 * margin,
        )
    side = max(width, height)
    left -= (side - width) // 2
    top -= (side - height) // 2
    part = values[max(0, top) : top + side, max(0, left) : left + side]
    scale = size / side
    sides = [max(1, round(length * scale)) for length in (part.shape[1], part.shape[0])]
    how = cv2.INTER_AREA if scale <= 1 else cv2.INTER_LINEAR
    small = cv2.resize(part, sides, interpolation=how)
    x = min(round(max(0, -left) * scale), size - sides[0])
    y = min(round(max(0, -top) * scale), size - sides[1])
    square = np.empty((size, size, *values.shape[2:]), np.uint8)
    square[...] = np.rint(ground).astype(np.uint8)
    square[y : y + sides[1], x : x + sides[0]] = small
    return square
