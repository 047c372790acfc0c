"""Line art for training: lines, color and coverage of each drawing of a built set."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from s2i_training.data.manifest import Item, Split, read_manifest
from s2i_training.data.packed import PackedPictures
from s2i_training.hand import draw_lines
from s2i_training.lines import draw_lines_as

# Share of drawings whose hue, saturation and value are shifted a little. Skin, leaves and sky keep
# the colors a painter expects: they are what there is to learn.
_JITTERED = 0.2


class LineArtDataset(Dataset[dict[str, Tensor | int]]):
    """The drawings of one split at `size` pixels.

    An item is a dict: `lines` (1, S, S), 0 ink to 1 paper; `color` (3, S, S) sRGB on white paper;
    `painted` (1, S, S), coverage; all float32, 0 to 1; `index`, the int it was asked for with.

    In the train split a drawing is placed, turned, mirrored and drawn anew each epoch; everything
    random follows from (`seed`, epoch, index). In the other splits, or with `augment` False, it is
    the drawing as it is with its own ink, or outlines where it has none. `style`, one of
    `lines.STYLES`, draws all lines in that style without faults. `sources` keeps only drawings of
    those, `true_lines_only` those with an ink layer. Raises FileNotFoundError for a folder without
    a built set and ValueError for a selection that is empty.
    """

    def __init__(
        self,
        root: Path,
        split: Split,
        size: int = 256,
        seed: int = 0,
        *,
        style: str | None = None,
        augment: bool | None = None,
        sources: tuple[str, ...] | None = None,
        true_lines_only: bool = False,
    ):
        every = read_manifest(root)
        self.items: list[Item] = [
            item
            for item in every
            if item.split == split
            and (sources is None or item.source in sources)
            and (item.lines is not None or not (true_lines_only or style == "true"))
        ]
        if not self.items:
            raise ValueError(f"no drawing in {root} for split {split!r}, sources {sources}")
        self.size = size
        self._seed = seed
        self._epoch = 0
        self._style = style
        self._augment = split == "train" if augment is None else augment
        self._pictures = PackedPictures(root)

    def set_epoch(self, epoch: int) -> None:
        """Choose which augmentations are drawn; call it before the epoch's first item."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> dict[str, Tensor | int]:
        color, ink = self._pictures.read(self.items[index])
        rng = np.random.default_rng((self._seed, self._epoch, index))
        if self._augment:
            matrix = _random_placement(color.shape[0], self.size, rng)
            color = _warp(color, matrix, self.size, (255, 255, 255, 0))
            ink = None if ink is None else _warp(ink, matrix, self.size, 255)
            if rng.random() < _JITTERED:
                color = _jitter(color, rng)
        else:
            color = _resize(color, self.size)
            ink = None if ink is None else _resize(ink, self.size)
        return self._tensors(color, ink, rng, index)

    def _tensors(
        self, color: np.ndarray, ink: np.ndarray | None, rng: np.random.Generator, index: int
    ) -> dict[str, Tensor | int]:
        drawing = cv2.cvtColor(color, cv2.COLOR_BGRA2RGBA).astype(np.float32) / 255
        true_lines = None if ink is None else ink.astype(np.float32) / 255
        if self._style is not None:
            lines = draw_lines_as(self._style, drawing, true_lines)
        elif self._augment:
            lines = draw_lines(drawing, true_lines, rng)
        else:
            lines = draw_lines_as("outline" if ink is None else "true", drawing, true_lines)
        planes = np.ascontiguousarray(drawing.transpose(2, 0, 1))
        return {
            "lines": torch.from_numpy(np.ascontiguousarray(lines, np.float32)[None]),
            "color": torch.from_numpy(planes[:3]),
            "painted": torch.from_numpy(planes[3:]),
            "index": index,
        }


def _random_placement(source: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """A random map from the packed picture to the sample, (2, 3).

    Mirrored half the time; 0.7 to 1.3 times as large, sometimes much smaller; aspect changed by up
    to 12 %; turned by up to 8 degrees, sometimes 30; moved so that the middle of the drawing stays
    on the canvas.
    """
    zoom = rng.uniform(0.4, 0.7) if rng.random() < 0.12 else rng.uniform(0.72, 1.35)
    stretch = rng.uniform(0.94, 1.06)
    flip = -1.0 if rng.random() < 0.5 else 1.0
    angle = np.deg2rad(rng.uniform(-30, 30) if rng.random() < 0.15 else rng.uniform(-8, 8))
    scale = zoom * size / source
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([flip * scale * stretch, scale / stretch])
    free = 0.5 * abs(1 - zoom) + 0.06
    middle = size * (0.5 + rng.uniform(-free, free, 2))
    shift = middle - linear @ np.array([source / 2, source / 2])
    return np.concatenate([linear, shift[:, None]], axis=1)


def _warp(
    picture: np.ndarray, matrix: np.ndarray, size: int, border: int | tuple[int, ...]
) -> np.ndarray:
    shrink = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if shrink < 0.6:
        # Linear sampling would skip pixels of thin lines: halve first.
        picture = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        matrix = matrix @ np.diag([2.0, 2.0, 1.0])
    value = border if isinstance(border, tuple) else (border,)
    return cv2.warpAffine(
        picture,
        matrix,
        (size, size),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=value,
    )


def _resize(picture: np.ndarray, size: int) -> np.ndarray:
    larger = size > picture.shape[0]
    interpolation = cv2.INTER_CUBIC if larger else cv2.INTER_AREA
    return cv2.resize(picture, (size, size), interpolation=interpolation)


def _jitter(color: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Hue moved by up to 8 degrees, saturation and value by up to 15 %; white stays white."""
    hsv = cv2.cvtColor(color[:, :, :3], cv2.COLOR_BGR2HSV)
    hue = (np.arange(256) + rng.uniform(-4, 4)) % 180  # OpenCV counts hue in steps of 2 degrees
    saturation = np.arange(256) * rng.uniform(0.85, 1.15)
    value = 255 * (np.arange(256) / 255) ** rng.uniform(0.87, 1.15)
    table = np.stack([hue, saturation, value], axis=1).clip(0, 255).round().astype(np.uint8)
    changed = cv2.cvtColor(cv2.LUT(hsv, table[None]), cv2.COLOR_HSV2BGR)
    return np.dstack([changed, color[:, :, 3]])
