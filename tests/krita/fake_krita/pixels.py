"""Where a node keeps its pixels, and how nodes lie over each other."""

from __future__ import annotations

import numpy as np

from .colors import Space, convert, decode, encode, pixel_size
from .qt import QtCore

Rectangle = tuple[int, int, int, int]  # x, y, width, height


class Device:
    """Pixels of any extent; 0 where none were written."""

    def __init__(self, space: Space):
        self.space = space
        self.left = self.top = 0
        self.pixels = np.zeros((0, 0, pixel_size(space)), np.uint8)

    def copy(self) -> Device:
        copied = Device(self.space)
        copied.left, copied.top, copied.pixels = self.left, self.top, self.pixels.copy()
        return copied

    def read(self, x: int, y: int, width: int, height: int) -> bytes:
        result = np.zeros((height, width, pixel_size(self.space)), np.uint8)
        rows, columns = self.pixels.shape[:2]
        left, right = max(x, self.left), min(x + width, self.left + columns)
        top, bottom = max(y, self.top), min(y + height, self.top + rows)
        if left < right and top < bottom:
            result[top - y : bottom - y, left - x : right - x] = self.pixels[
                top - self.top : bottom - self.top, left - self.left : right - self.left
            ]
        return result.tobytes()

    def write(self, data: bytes, x: int, y: int, width: int, height: int) -> None:
        """Too little data is ignored without a word, as Krita does before 5.3."""
        size = pixel_size(self.space)
        if len(data) < width * height * size:
            return
        if self.pixels.size:
            self._grow(x, y, width, height)
        else:
            self.left, self.top = x, y
            self.pixels = np.zeros((height, width, size), np.uint8)
        written = np.frombuffer(data[: width * height * size], np.uint8)
        row, column = y - self.top, x - self.left
        self.pixels[row : row + height, column : column + width] = written.reshape(
            height, width, size
        )

    def _grow(self, x: int, y: int, width: int, height: int) -> None:
        rows, columns = self.pixels.shape[:2]
        left, top = min(x, self.left), min(y, self.top)
        right = max(x + width, self.left + columns)
        bottom = max(y + height, self.top + rows)
        grown = self.read(left, top, right - left, bottom - top)
        self.left, self.top = left, top
        shape = (bottom - top, right - left, pixel_size(self.space))
        self.pixels = np.frombuffer(grown, np.uint8).reshape(shape).copy()

    def bounds(self) -> Rectangle:
        """Around all pixels that are not 0."""
        rows, columns = np.nonzero(self.pixels.any(axis=2))
        if not len(rows):
            return 0, 0, 0, 0
        left, top = int(columns.min()), int(rows.min())
        width, height = int(columns.max()) - left + 1, int(rows.max()) - top + 1
        return left + self.left, top + self.top, width, height

    def convert(self, space: Space) -> None:
        rows, columns = self.pixels.shape[:2]
        converted = convert(self.pixels.tobytes(), self.space, space)
        self.space = space
        shape = (rows, columns, pixel_size(space))
        self.pixels = np.frombuffer(converted, np.uint8).reshape(shape).copy()


def as_bytes(data: object) -> bytes:
    """What Krita takes for a QByteArray; a memoryview is refused."""
    if isinstance(data, QtCore.QByteArray):
        return data.data()
    if isinstance(data, bytes | bytearray):
        return bytes(data)
    raise TypeError(f"argument 1 has unexpected type {type(data).__name__!r}")


def lay_over(below: np.ndarray, above: np.ndarray, opacity: float, blending: str) -> np.ndarray:
    """Linear RGBA over linear RGBA; "normal" and "multiply", where there is something below."""
    alpha = above[:, 3:] * opacity
    color = above[:, :3]
    if blending == "multiply":
        color = color * (below[:, :3] * below[:, 3:] + 1 - below[:, 3:])
    total = alpha + below[:, 3:] * (1 - alpha)
    mixed = color * alpha + below[:, :3] * below[:, 3:] * (1 - alpha)
    return np.concatenate([mixed / np.where(total > 0, total, 1), total], axis=1)


__all__ = ["Device", "Rectangle", "as_bytes", "decode", "encode", "lay_over"]
