"""Sketches as people make them who look for a picture: recognizable, and nowhere exact.

`hand.py` varies how lines look; here their geometry is wrong too. Lines are float32 (H, W), 0 ink
to 1 paper; drawings are as in `lines.py`; every function draws its randomness from `rng`.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from s2i_training.hand import roughen
from s2i_training.lines import XDOG_PRESETS, gray_of, outlines, thicken, xdog

# Styles of lines that retrieval is trained on. "dark_masses" and "pencil" of `lines.STYLES` are
# left out on purpose: retrieval is measured with them.
TRAINED_PRESETS = ("auto_painter", "ink", "soft")
HELD_OUT_STYLES = ("dark_masses", "pencil")
_INKED = {"true": 0.6, "outline": 0.1, "xdog": 0.3}
_FLAT = {"outline": 0.6, "xdog": 0.4}


def rough_sketch(
    drawing: np.ndarray, true_lines: np.ndarray | None, rng: np.random.Generator
) -> np.ndarray:
    """A sketch of a drawing by a hand that is not exact: (H, W), 0 ink to 1 paper.

    `drawing`: (H, W, 4); `true_lines`: (H, W) or None.
    """
    lines = _lines(drawing, true_lines, rng)
    if rng.random() < 0.85:
        lines = misplace(lines, rng)
    if rng.random() < 0.25:
        lines = np.minimum(lines, wobble(lines, rng, 0.012))  # the stroke, and once again
    if rng.random() < 0.25:
        lines = overshoot(lines, rng)
    if rng.random() < 0.12:
        lines = leave_out(lines, rng)
    return roughen(lines, rng)


def _lines(
    drawing: np.ndarray, true_lines: np.ndarray | None, rng: np.random.Generator
) -> np.ndarray:
    shares = _FLAT if true_lines is None else _INKED
    style = str(rng.choice(list(shares), p=list(shares.values())))
    if style == "outline":
        width = float(rng.uniform(3.0, 8.0))
        return outlines(drawing, width, inked=true_lines is not None and rng.random() < 0.7)
    if style == "xdog":
        preset = XDOG_PRESETS[str(rng.choice(TRAINED_PRESETS))]
        preset = replace(preset, sigma=preset.sigma * float(rng.uniform(0.8, 2.2)))
        return xdog(gray_of(drawing), preset)
    assert true_lines is not None
    return thicken(true_lines, float(rng.uniform(-0.6, 1.5)))


def misplace(lines: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turned, stretched and sheared a little, parts too large or too small, strokes unsteady."""
    height, width = lines.shape
    angle = np.deg2rad(rng.normal(0, 6))
    stretch = np.exp(rng.normal(0, 0.1))
    shear = rng.normal(0, 0.06)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.array([[stretch, shear], [0, 1 / stretch]])
    y, x = np.mgrid[:height, :width].astype(np.float32)
    away = np.stack([x - width / 2, y - height / 2], axis=-1) @ linear.T.astype(np.float32)
    proportions = field(lines.shape, int(rng.integers(3, 6)), float(rng.uniform(0, 0.05)), rng)
    tremor = field(lines.shape, int(rng.integers(10, 24)), float(rng.uniform(0, 0.008)), rng)
    moved = away + np.array([width / 2, height / 2], np.float32) + proportions + tremor
    return _sample(lines, moved)


def wobble(lines: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Strokes moved aside smoothly; `strength`: typical distance as a share of the side."""
    height, width = lines.shape
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)
    moved = grid.astype(np.float32) + field(lines.shape, int(rng.integers(4, 9)), strength, rng)
    return _sample(lines, moved)


def overshoot(lines: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A few straight strokes that go on along the line where it should have ended or turned."""
    rows, columns = np.nonzero(lines < 0.4)
    if len(rows) == 0:
        return lines
    drawn = lines.copy()
    soft = cv2.GaussianBlur(lines, (0, 0), 1.5)
    across_x, across_y = cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    for pick in rng.integers(0, len(rows), int(rng.integers(1, 7))):
        row, column = int(rows[pick]), int(columns[pick])
        along = np.array([-across_y[row, column], across_x[row, column]])
        norm = float(np.hypot(*along))
        if norm < 1e-3:
            continue
        length = float(rng.uniform(0.03, 0.12)) * max(lines.shape) * float(rng.choice([-1, 1]))
        end = np.array([column, row]) + along / norm * length
        to = (round(float(end[0])), round(float(end[1])))
        cv2.line(drawn, (column, row), to, 0.1, 1, cv2.LINE_AA)
    return drawn


def leave_out(lines: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """With a corner or a spot of the drawing not done."""
    height, width = lines.shape
    keep = np.zeros(lines.shape, np.float32)
    middle = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
    axes = (int(rng.uniform(0.08, 0.25) * width), int(rng.uniform(0.08, 0.25) * height))
    cv2.ellipse(keep, middle, axes, float(rng.uniform(0, 180)), 0, 360, 1.0, -1)
    return np.maximum(lines, keep)


def field(
    shape: tuple[int, ...], cells: int, strength: float, rng: np.random.Generator
) -> np.ndarray:
    """Smooth random displacements, (H, W, 2) float32 in pixels, with so many cells a side.

    `strength`: their standard deviation at a cell's corner, as a share of the longer side.
    """
    coarse = rng.standard_normal((cells, cells, 2), dtype=np.float32) * strength * max(shape)
    return cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)


def _sample(lines: np.ndarray, places: np.ndarray) -> np.ndarray:
    places = places.astype(np.float32)
    return cv2.remap(lines, places, None, cv2.INTER_LINEAR, borderValue=1.0)  # type: ignore[call-overload]
