"""The held-out drawings that colorization is measured on, and pictures made comparable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from s2i_training.data.lineart import LineArtDataset

SIZE = 512


@dataclass(frozen=True)
class Drawing:
    """A held-out drawing at SIZE².

    `sketch`: (H, W) uint8 gray, 0 ink to 255 paper. `color`: (H, W, 3) uint8 on white paper.
    `painted`: (H, W) bool; `measured`: painted pixels off the ink. `own_lines`: whether the lines
    are the artist's own.
    """

    sketch: np.ndarray
    color: np.ndarray
    painted: np.ndarray
    measured: np.ndarray
    own_lines: bool


def held_out_indices(data: Path, count: int) -> list[int]:
    """Where the drawings of `held_out` stand in the test split."""
    items = LineArtDataset(data, "test", SIZE).items
    subjects: set[str] = set()
    chosen: list[int] = []
    for index in sorted(range(len(items)), key=lambda i: (items[i].lines is None, i)):
        if len(chosen) < count and items[index].subject not in subjects:
            subjects.add(items[index].subject)
            chosen.append(index)
    if len(chosen) < count:
        raise ValueError(
            f"{data} holds {len(chosen)} held-out subjects, {count} were asked for: "
            "build more with `s2i-train data build lineart`, or pass a smaller --drawings"
        )
    return chosen


def held_out(data: Path, count: int) -> list[Drawing]:
    """`count` test drawings, no subject twice: those with the artist's own lines come first.

    Drawings without a line layer get the outlines of their colors. Raises ValueError when the set
    holds fewer.
    """
    dataset = LineArtDataset(data, "test", SIZE)
    return [
        as_drawing(dataset[index], dataset.items[index].lines is not None)
        for index in held_out_indices(data, count)
    ]


def as_drawing(item: Mapping[str, Any], own_lines: bool) -> Drawing:
    """An item of `LineArtDataset` as a drawing to measure on."""
    sketch = (item["lines"][0].numpy() * 255).round().astype(np.uint8)
    color = (item["color"].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    free = cv2.erode((sketch > 200).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    coverage = item["painted"][0].numpy()
    return Drawing(sketch, color, coverage > 0.5, (coverage > 0.98) & free, own_lines)


def in_silhouette(picture: np.ndarray, drawing: Drawing) -> np.ndarray:
    """Colors (H, W, 3) uint8 within the original's silhouette, on white, the lines on top."""
    picture = np.where(drawing.painted[..., None], picture, 255)
    return (picture * (drawing.sketch[..., None] / 255.0)).round().astype(np.uint8)


def on_white(layer: np.ndarray) -> np.ndarray:
    """A layer (H, W, 4) uint8 with straight alpha, laid on white paper: (H, W, 3) uint8."""
    alpha = layer[..., 3:].astype(np.float32) / 255
    return (layer[..., :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)


def write_sheet(
    path: Path, columns: list[list[np.ndarray]], rows: int = 12, size: int = 192
) -> None:
    """A contact sheet: `columns` of pictures (H, W, 3) uint8, at most `rows` of them evenly."""
    step = max(1, len(columns[0]) // rows)
    sheet = [
        np.concatenate(
            [cv2.resize(c[i], (size, size), interpolation=cv2.INTER_AREA) for c in columns], axis=1
        )
        for i in range(0, len(columns[0]), step)
    ][:rows]
    Image.fromarray(np.concatenate(sheet)).save(path)
