"""Pairs for retrieval: a rough sketch of a drawing, its picture, the subject by another hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from s2i_models.find_reference.framing import MARGIN, drawn_box
from s2i_training.data.manifest import Item, Split, read_manifest
from s2i_training.data.packed import PackedPictures
from s2i_training.rough_hand import rough_sketch

# Drawings are varied at this size and shrunk afterwards.
_SIDE = 192


class SketchPairs:
    """The drawings of one split of several sets, as an `EpochDataset`.

    An item is a dict of `sketch`, `picture` and `other`, each (3, S, S) float32, 0 to 1, and of
    `subject`, int64. `sketch` and `picture` show the same drawing; `other` is a sketch or a
    picture of the same subject, from another source if there is one. Everything random follows
    from (`seed`, epoch, index). Raises FileNotFoundError for a folder without a built set and
    ValueError when the split is empty.
    """

    def __init__(self, roots: Sequence[Path], split: Split, size: int, seed: int = 0):
        self.items: list[Item] = []
        self._root: list[int] = []
        for number, root in enumerate(roots):
            mine = [item for item in read_manifest(root) if item.split == split]
            self.items += mine
            self._root += [number] * len(mine)
        if not self.items:
            raise ValueError(f"no drawing for split {split!r} in {', '.join(map(str, roots))}")
        names = sorted({item.subject for item in self.items})
        number_of = {name: number for number, name in enumerate(names)}
        self.subjects = [number_of[item.subject] for item in self.items]
        self._members: dict[int, list[int]] = defaultdict(list)
        for index, subject in enumerate(self.subjects):
            self._members[subject].append(index)
        self._pictures = [PackedPictures(root) for root in roots]
        self.size = size
        self._seed = seed
        self._epoch = 0

    def __len__(self) -> int:
        return len(self.items)

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng = np.random.default_rng((self._seed, self._epoch, index, 2))
        mirrored = bool(rng.random() < 0.5)
        color, ink = self._read(index, mirrored)
        views = {
            "sketch": self._sketch(color, ink, rng),
            "picture": self._picture(color, rng),
        }
        color, ink = self._read(self.another(index, rng), mirrored)
        if rng.random() < 0.5:
            views["other"] = self._sketch(color, ink, rng)
        else:
            views["other"] = self._picture(color, rng)
        item = {
            name: torch.from_numpy(np.ascontiguousarray(view.transpose(2, 0, 1)))
            for name, view in views.items()
        }
        item["subject"] = torch.tensor(self.subjects[index])
        return item

    def another(self, index: int, rng: np.random.Generator) -> int:
        """A random drawing of the same subject by another hand, else the same drawing."""
        source = self.items[index].source
        members = self._members[self.subjects[index]]
        others = [member for member in members if self.items[member].source != source]
        return int(rng.choice(others)) if others else index

    def _read(self, index: int, mirrored: bool) -> tuple[np.ndarray, np.ndarray | None]:
        """Drawing (H, W, 4) float32 and lines (H, W) or None at the working size."""
        color, ink = self._pictures[self._root[index]].read(self.items[index])
        drawing = cv2.cvtColor(_shrink(color, _SIDE), cv2.COLOR_BGRA2RGBA)
        drawing = drawing.astype(np.float32) / 255
        lines = None if ink is None else _shrink(ink, _SIDE).astype(np.float32) / 255
        if mirrored:
            drawing = np.ascontiguousarray(drawing[:, ::-1])
            lines = None if lines is None else np.ascontiguousarray(lines[:, ::-1])
        return drawing, lines

    def _sketch(
        self, drawing: np.ndarray, ink: np.ndarray | None, rng: np.random.Generator
    ) -> np.ndarray:
        lines = np.repeat(rough_sketch(drawing, ink, rng)[:, :, None], 3, axis=2)
        return _framed(lines, self.size, rng)

    def _picture(self, drawing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        color, coverage = recolor(drawing[:, :, :3], rng), drawing[:, :, 3:]
        if rng.random() < 0.35:
            # The drawing's color lies over white: take the white of the uncovered part away.
            back = _background(color.shape[:2], rng)
            color = color - (1 - coverage) + back * (1 - coverage)
        return _framed(color.clip(0, 1), self.size, rng)


def recolor(color: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Colors (H, W, 3) of another mood: gray at times, hue, saturation and light changed."""
    if rng.random() < 0.15:
        gray = cv2.cvtColor(color, cv2.COLOR_RGB2GRAY)
        color = np.repeat(gray[:, :, None], 3, axis=2)
    elif rng.random() < 0.7:
        hsv = cv2.cvtColor(color, cv2.COLOR_RGB2HSV)  # hue 0 to 360
        turn = rng.uniform(-180, 180) if rng.random() < 0.3 else rng.normal(0, 12)
        hsv[:, :, 0] = (hsv[:, :, 0] + np.float32(turn)) % 360
        hsv[:, :, 1] = np.clip(hsv[:, :, 1] * np.float32(rng.uniform(0.3, 1.3)), 0, 1)
        color = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    if rng.random() < 0.5:
        color = color ** np.float32(np.exp(rng.normal(0, 0.3)))
    return color


def _background(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """An even tone, a gradient or soft clouds of color, (H, W, 3)."""
    cells = int(rng.choice([1, 2, 4]))
    coarse = rng.uniform(0, 1, (cells, cells, 3)).astype(np.float32)
    return cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)


def _framed(picture: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """The drawn part on its own paper, not framed as exactly as `framing.frame` does it."""
    height, width = picture.shape[:2]
    box = drawn_box((picture * 255).astype(np.uint8))
    left, top, right, bottom = box or (0, 0, width, height)
    side = max(right - left, bottom - top, 8)
    if rng.random() < 0.1:
        side *= rng.uniform(1.1, 1.6)  # stray marks made the frame too large
    zoom = size / (side * (1 + 2 * MARGIN) * rng.uniform(0.92, 1.08))
    stretch = np.exp(rng.normal(0, 0.04))
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    middle = middle + rng.normal(0, 0.025, 2) * side
    linear = np.diag([zoom * stretch, zoom / stretch])
    shift = np.array([size / 2, size / 2]) - linear @ middle
    paper = np.median(np.concatenate([picture[0], picture[-1]]), axis=0)
    if zoom < 0.6:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.4 / zoom)
    matrix = np.concatenate([linear, shift[:, None]], axis=1)
    flags = cv2.INTER_LINEAR if zoom < 1 else cv2.INTER_CUBIC
    framed = cv2.warpAffine(
        picture, matrix, (size, size), flags=flags, borderValue=[float(v) for v in paper]
    )
    return framed.clip(0, 1).astype(np.float32)


def _shrink(picture: np.ndarray, side: int) -> np.ndarray:
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
