"""A contact sheet of a built set of faces: for looking at it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from s2i_training.data.manifest import Split, read_manifest
from s2i_training.data.packed import PackedPictures

# So many faces are enough for a mean that shows how they are aligned.
_OF_MEAN = 256


def face_sheet(
    root: Path, split: Split = "train", rows: int = 6, columns: int = 8, size: int = 160
) -> np.ndarray:
    """Faces of a split, spread evenly over it, in a grid; the first cell is the mean of its faces.

    The sharper eyes, nose and mouth are in the mean, the better the faces are aligned. Returns
    (H, W, 3) uint8 RGB. Raises FileNotFoundError for a folder without a built set, ValueError for
    a split without faces.
    """
    items = [item for item in read_manifest(root) if item.split == split]
    if not items:
        raise ValueError(f"no face in {root} for split {split!r}")
    pictures = PackedPictures(root)

    def cell(index: int) -> np.ndarray:
        face = cv2.cvtColor(pictures.read(items[index])[0], cv2.COLOR_BGRA2RGB)
        smaller = size < pictures.side
        interpolation = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
        return cv2.resize(face, (size, size), interpolation=interpolation)

    mean = np.mean([cell(index) for index in _spread(len(items), _OF_MEAN)], axis=0)
    cells = [mean.round().astype(np.uint8)]
    cells += [cell(index) for index in _spread(len(items), rows * columns - 1)]
    cells += [np.full((size, size, 3), 255, np.uint8)] * (-len(cells) % columns)
    return np.vstack([np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)])


def _spread(count: int, wanted: int) -> list[int]:
    """Up to `wanted` different indices below `count`."""
    return [int(i) for i in np.linspace(0, count - 1, min(count, wanted))]
