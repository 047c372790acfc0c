"""A small copy of a picture of any size and depth, for what is found on few pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from s2i_client.declaration import InvalidRequest
from s2i_models.layers import STRIP_ROWS, convert_depth

# The size, in pixels of the longer side, at which PI-REC counts blurs and kernels.
COUNTED_AT = 128


@dataclass(frozen=True)
class SmallCopy:
    """`premultiplied`: uint8 (h, w, 4), sRGB colors times alpha, and alpha."""

    premultiplied: np.ndarray

    @property
    def scale(self) -> float:
        """How many times as large it is as the size at which blurs and kernels are counted."""
        return max(self.premultiplied.shape[:2]) / COUNTED_AT

    @property
    def alpha(self) -> np.ndarray:
        """uint8 (h, w)."""
        return self.premultiplied[..., 3]

    def on_white(self) -> np.ndarray:
        """uint8 (h, w, 3)."""
        return self.premultiplied[..., :3] + (255 - self.premultiplied[..., 3:])

    def straight(self) -> np.ndarray:
        """Colors as they are without alpha: uint8 (h, w, 3), black where alpha is 0."""
        if self.alpha.min() == 255:
            return np.ascontiguousarray(self.premultiplied[..., :3])
        color = self.premultiplied[..., :3].astype(np.float32)
        color *= 255 / np.maximum(self.premultiplied[..., 3:], 1)
        return np.rint(color.clip(0, 255)).astype(np.uint8)


def small_copy(name: str, pixels: np.ndarray, longest: int) -> SmallCopy:
    """The picture `pixels`, as in `Layer.pixels`, with no side of more than `longest` pixels.

    Raises `InvalidRequest` for the input called `name` when it has no pixels.
    """
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if not pixels.size:
        raise InvalidRequest(name, "a picture without pixels", "a picture with something in it")
    height, width = pixels.shape[:2]
    # In 8 bits: a quarter of what floats would take on a large canvas.
    whole = np.empty((height, width, 4), np.uint8)
    for top in range(0, height, STRIP_ROWS):
        rows = slice(top, top + STRIP_ROWS)
        whole[rows] = _premultiplied(pixels[rows])
    factor = longest / max(height, width)
    if factor < 1:
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        whole = cv2.resize(whole, size, interpolation=cv2.INTER_AREA)
    return SmallCopy(whole)


def _premultiplied(pixels: np.ndarray) -> np.ndarray:
    made = np.full((*pixels.shape[:2], 4), 255, np.uint8)
    if pixels.shape[2] in (1, 3):
        made[..., :3] = _unit(pixels) * 255 + 0.5 if pixels.dtype != np.uint8 else pixels
        return made
    alpha = _unit(pixels[..., -1:])
    made[..., :3] = _unit(pixels[..., :-1]) * alpha * 255 + 0.5
    made[..., 3:] = alpha * 255 + 0.5
    # What can be seen at all is not nothing, however faint.
    made[..., 3:][(alpha > 0) & (made[..., 3:] == 0)] = 1
    return made


def _unit(values: np.ndarray) -> np.ndarray:
    unit = convert_depth(values, np.dtype(np.float32))
    return np.nan_to_num(unit).clip(0, 1) if values.dtype.kind == "f" else unit
