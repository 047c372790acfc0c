"""What hands, pencils and scanners do to lines: variations for training.

Lines are float32 (H, W), 0 ink to 1 paper; every function draws its randomness from `rng`.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from s2i_training.lines import (
    REFERENCE_SIDE,
    XDOG_PRESETS,
    draw_lines_as,
    gray_of,
    outlines,
    thicken,
    xdog,
)

# Shares of the styles for drawings with ink of their own and for those without.
_INKED = {"true": 0.8, "xdog": 0.15, "pencil": 0.05}
_FLAT = {"outline": 0.7, "xdog": 0.2, "pencil": 0.1}


def draw_lines(
    drawing: np.ndarray, true_lines: np.ndarray | None, rng: np.random.Generator
) -> np.ndarray:
    """Lines of a drawing in a random style with random faults, for training.

    `drawing`: (H, W, 4), sRGB over white paper and coverage; `true_lines`: (H, W), 0 ink to 1
    paper, or None. Returns float32 (H, W), 0 ink to 1 paper.
    """
    shares = _FLAT if true_lines is None else _INKED
    style = str(rng.choice(list(shares), p=list(shares.values())))
    if style == "outline":
        lines = outlines(drawing, width=float(rng.uniform(2.0, 7.0)))
    elif style == "xdog":
        preset = XDOG_PRESETS[str(rng.choice(list(XDOG_PRESETS)))]
        preset = replace(preset, sigma=preset.sigma * float(rng.uniform(0.8, 1.6)))
        lines = xdog(gray_of(drawing), preset)
    else:
        lines = draw_lines_as(style, drawing, true_lines)
        if style == "true":
            lines = thicken(lines, float(rng.uniform(-1.2, 1.2)))
    return roughen(lines, rng)


def roughen(lines: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each fault with its own chance: gaps, missing strokes, gray tone, blur, paper and noise."""
    if rng.random() < 0.15:
        lines = drop_strokes(lines, rng)
    if rng.random() < 0.35:
        lines = cut_gaps(lines, rng)
    if rng.random() < 0.3:
        lines = pencil_tone(lines, rng)
    if rng.random() < 0.25:
        lines = cv2.GaussianBlur(lines, (0, 0), float(rng.uniform(0.4, 0.9)))
    if rng.random() < 0.2:
        lines = on_paper(lines, rng)
    return np.clip(lines, 0, 1).astype(np.float32)


def cut_gaps(lines: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Strokes broken at a few places, each gap about as long as the stroke is wide or twice."""
    rows, columns = np.nonzero(lines < 0.4)
    if len(rows) == 0:
        return lines
    keep = np.zeros(lines.shape, np.float32)
    scale = max(lines.shape) / REFERENCE_SIDE
    for pick in rng.integers(0, len(rows), int(rng.integers(1, 12))):
        radius = max(1, round(float(rng.uniform(3, 10)) * scale))
        cv2.circle(keep, (int(columns[pick]), int(rows[pick])), radius, 1.0, -1, cv2.LINE_AA)
    return np.maximum(lines, keep)


def drop_strokes(lines: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Without some of the strokes that touch no other; the largest always stays."""
    ink = (lines < 0.6).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    if count <= 2:
        return lines
    dropped = rng.random(count) < rng.uniform(0.1, 0.5)
    dropped[0] = False
    dropped[1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())] = False
    # One pixel more, so that the soft rim of a stroke goes with it.
    mask = cv2.dilate(dropped[labels.astype(np.intp)].astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.where(mask > 0, np.float32(1), lines)


def pencil_tone(lines: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Strokes gray instead of black, unevenly pressed."""
    dark = float(rng.uniform(0.35, 0.85))
    pressure = _clouds(lines.shape, int(rng.integers(4, 17)), rng)
    return 1 - (1 - lines) * np.clip(dark + 0.35 * pressure, 0.15, 1)


def on_paper(lines: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """On paper that is not white: an even tone, clouds and grain."""
    tone = float(rng.uniform(0.86, 1.0)) + 0.03 * _clouds(lines.shape, 4, rng)
    grain = rng.standard_normal(lines.shape, dtype=np.float32) * float(rng.uniform(0.0, 0.03))
    return lines * tone + grain


def _clouds(shape: tuple[int, ...], cells: int, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise, about -1 to 1, with so many cells a side."""
    coarse = rng.uniform(-1, 1, (cells, cells)).astype(np.float32)
    return cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
