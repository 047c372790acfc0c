"""What the network looks at: one square picture, the same from a sketch, a layer or a file."""

from __future__ import annotations

import cv2
import numpy as np

from s2i_models.find_reference.framing import frame
from s2i_models.layers import convert_depth
from s2i_models.lineart import binary_ink, ink_strength

# What larger pictures are reduced to before they are looked at closely, times the square's side.
CLOSE = 4


class Blank(ValueError):
    """Nothing is on the sketch or picture."""


def sketch_square(sketch: np.ndarray, size: int) -> np.ndarray:
    """A sketch, a layer of any depth and 1 to 4 channels, as the network takes it.

    Returns float32 (size, size, 3): its ink from 0, black, to 1, white paper, whatever color, depth
    or paper it was drawn on. Raises `Blank` when there is no ink, or no pixel.
    """
    if not sketch.size:
        raise Blank
    strength = ink_strength(sketch)
    if not binary_ink(strength).any():
        raise Blank
    return frame(np.rint((1 - strength) * 255).astype(np.uint8), size)


def picture_square(picture: np.ndarray, size: int) -> np.ndarray:
    """A picture, a layer of any depth and 1 to 4 channels, as the network takes it.

    Returns float32 RGB 0 to 1, (size, size, 3). Raises `Blank` when all of it is transparent, or it
    has no pixel.
    """
    if not picture.size:
        raise Blank
    return frame(_on_white(picture, CLOSE * size), size)


def _on_white(picture: np.ndarray, side: int) -> np.ndarray:
    """uint8, gray or RGB, reduced to `side` where it is longer."""
    if picture.ndim == 2:
        picture = picture[..., None]
    # First coarsely, then by area: of a large canvas, few pixels are converted.
    coarse = max(1, max(picture.shape[:2]) // (4 * side))
    values = convert_depth(picture[::coarse, ::coarse], np.dtype(np.float32))
    values = np.nan_to_num(values).clip(0, 1)
    height, width, channels = values.shape
    if channels in (2, 4):
        alpha = values[..., -1:]
        if not alpha.any():
            raise Blank
        values = values[..., :-1] * alpha + (1 - alpha)
    scale = side / max(height, width)
    if scale < 1:
        sides = (max(1, round(width * scale)), max(1, round(height * scale)))
        values = cv2.resize(values, sides, interpolation=cv2.INTER_AREA)
    return np.rint(values.clip(0, 1) * 255).astype(np.uint8)
