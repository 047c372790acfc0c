"""Folders of pictures and a network for them that needs no weights."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from s2i_models.find_reference.library import Embedding

SIZE = 32


def embed(squares: np.ndarray) -> np.ndarray:
    """The picture itself, coarsely: float32 (n, SIZE, SIZE, 3) to unit length (n, 192)."""
    assert squares.dtype == np.float32
    assert squares.shape[1:] == (SIZE, SIZE, 3)
    small = [cv2.resize(square, (8, 8), interpolation=cv2.INTER_AREA) for square in squares]
    flat = np.stack(small).reshape(len(squares), -1) + 0.001
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)


class Counting:
    """`embed`, with a count of the pictures it was given."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, squares: np.ndarray) -> np.ndarray:
        self.count += len(squares)
        return embed(squares)

    def taken(self) -> int:
        """How many since the last time."""
        count, self.count = self.count, 0
        return count

    def embedding(self, model: str = "first") -> Embedding:
        return Embedding(self, SIZE, 192, model)


def shape_picture(number: int, side: int = 64) -> np.ndarray:
    """RGB uint8 (side, side, 3), another for each number: a colored bar on white."""
    picture = np.full((side, side, 3), 255, np.uint8)
    color = np.random.default_rng(number).integers(0, 200, 3).tolist()
    angle = 0.7 * number
    reach = side * 0.4 * np.array([np.cos(angle), np.sin(angle)])
    one, other = side / 2 + reach, side / 2 - reach * (0.2 + 0.05 * (number % 9))
    start = round(float(one[0])), round(float(one[1]))
    end = round(float(other[0])), round(float(other[1]))
    cv2.line(picture, start, end, color, side // 6)
    return picture


def write(path: Path, picture: np.ndarray) -> Path:
    """Write RGB(A) as the kind of file that the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    order = [2, 1, 0, 3][: picture.shape[2]] if picture.shape[2] > 1 else [0]
    assert cv2.imwrite(str(path), picture[..., order])
    return path


def fill(folder: Path, count: int) -> Path:
    """A folder of `count` pictures, 000.png and on."""
    for number in range(count):
        write(folder / f"{number:03}.png", shape_picture(number))
    return folder
