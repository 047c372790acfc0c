"""A contact sheet of a built set: for looking at it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from s2i_training.data.lineart import LineArtDataset
from s2i_training.data.manifest import Split
from s2i_training.lines import STYLES

_CAPTION = 22


def contact_sheet(
    root: Path,
    split: Split = "train",
    rows: int = 12,
    size: int = 192,
    sources: tuple[str, ...] | None = None,
) -> np.ndarray:
    """Drawings of a split in rows: color, two samples as training sees them, each line style.

    Drawings without an ink layer leave the column of true lines empty. Returns (H, W, 3) uint8 RGB.
    """
    plain = LineArtDataset(root, split, size, augment=False, sources=sources)
    augmented = LineArtDataset(root, split, size, augment=True, sources=sources)
    styled = {
        style: LineArtDataset(root, split, size, style=style, augment=False, sources=sources)
        for style in STYLES
        if style != "true"
    }
    titles = ["color", "as trained on", "", "true lines", *styled]
    lines = [_captions(titles, size)]
    for index in np.linspace(0, len(plain) - 1, min(rows, len(plain))).astype(int):
        sample, training = plain[int(index)], augmented[int(index)]
        inked = plain.items[int(index)].lines is not None
        blank = np.ones((1, size, size), np.float32)
        cells = [sample["color"], training["lines"], training["color"]]
        styles = [dataset[int(index)]["lines"] for dataset in styled.values()]
        cells = [*cells, sample["lines"] if inked else blank, *styles]
        lines.append(np.hstack([_cell(np.asarray(cell)) for cell in cells]))
    return np.vstack(lines)


def _cell(planes: np.ndarray) -> np.ndarray:
    """(1 or 3, S, S) float to (S, S, 3) uint8 with a thin frame."""
    full = np.broadcast_to(planes, (3, *planes.shape[1:])).transpose(1, 2, 0)
    cell = (full.clip(0, 1) * 255).round().astype(np.uint8)
    cell[:, -1] = cell[-1] = 200
    return cell


def _captions(titles: Sequence[str], size: int) -> np.ndarray:
    strip = np.full((_CAPTION, size * len(titles), 3), 255, np.uint8)
    for column, title in enumerate(titles):
        place = (column * size + 6, _CAPTION - 7)
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(strip, title, place, font, 0.45, (40, 40, 40), 1, cv2.LINE_AA)
    return strip
