"""Aligned faces for training: the pictures of a built set of faces, placed a little differently."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from s2i_training.data.manifest import Split, read_manifest
from s2i_training.data.packed import PackedPictures

# Faces are drawn larger and off the middle, and heads are held askew.
_LARGEST = 1.3
_MOST_SHIFT = 0.06
_MOST_TURN = 8  # degrees


class FaceDataset:
    """The faces of one split at `size` pixels; an `EpochDataset`.

    An item is a dict with `color` (3, S, S), float32, sRGB 0 to 1. In the train split a face is
    mirrored, enlarged, moved and turned anew each epoch; everything random follows from (`seed`,
    epoch, index). Raises FileNotFoundError for a folder without a built set.
    """

    def __init__(self, root: Path, split: Split, size: int = 256, seed: int = 0):
        self.items = [item for item in read_manifest(root) if item.split == split]
        if not self.items:
            raise ValueError(f"no face in {root} for split {split!r}")
        self.size = size
        self._seed = seed
        self._epoch = 0
        self._augment = split == "train"
        self._pictures = PackedPictures(root)

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        face = np.ascontiguousarray(self._pictures.read(self.items[index])[0][:, :, 2::-1])
        if self._augment:
            rng = np.random.default_rng((self._seed, self._epoch, index))
            face = _placed(face, self.size, rng)
        else:
            how = cv2.INTER_AREA if self.size <= len(face) else cv2.INTER_CUBIC
            face = cv2.resize(face, (self.size, self.size), interpolation=how)
        planes = torch.from_numpy(np.ascontiguousarray(face.transpose(2, 0, 1)))
        return {"color": planes.float() / 255}


def _placed(face: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    side = len(face)
    if size <= side // 2:
        face = cv2.resize(face, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        side = len(face)
    zoom = float(rng.uniform(1.0, _LARGEST)) * size / side
    turn = float(rng.uniform(-_MOST_TURN, _MOST_TURN)) if rng.random() < 0.5 else 0.0
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), turn, zoom)
    matrix[:, 2] += size / 2 - side / 2 + size * rng.uniform(-_MOST_SHIFT, _MOST_SHIFT, 2)
    if rng.random() < 0.5:
        face = np.ascontiguousarray(face[:, ::-1])
    return cv2.warpAffine(
        face, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
