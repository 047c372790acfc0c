"""A hand that retrieval is never trained on, to measure with.

`rough_hand.py` bends the lines of a drawing smoothly and shifts them by Gaussian noise. This hand
works otherwise: it draws the borders of a drawing's colors anew with straight strokes, and what it
puts on the canvas is seen in perspective and bent in waves. Lines are float32 (H, W), 0 ink to 1
paper; drawings are as in `lines.py`.
"""

from __future__ import annotations

import cv2
import numpy as np

_COLORS = 6
# Shares of the side.
_LEAST_LENGTH = 0.06
_UNSTEADY = 0.007


def redrawn(drawing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The borders of a drawing's main colors in straight, unsteady strokes that overshoot.

    `drawing`: (H, W, 4). Curves become polygons; one stroke in twelve is missing.
    """
    side = max(drawing.shape[:2])
    paper = np.full(drawing.shape[:2], 255, np.uint8)
    areas = _main_colors(drawing)
    for number in range(int(areas.max()) + 1):
        mask = cv2.medianBlur((areas == number).astype(np.uint8), 5)
        contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        for contour in contours:
            if cv2.arcLength(contour, True) < _LEAST_LENGTH * side or _is_sheet(contour, side):
                continue
            corners = cv2.approxPolyDP(contour, float(rng.uniform(0.006, 0.016)) * side, True)
            _draw_strokes(paper, corners[:, 0].astype(np.float64), rng)
    return paper.astype(np.float32) / 255


def _is_sheet(contour: np.ndarray, side: int) -> bool:
    """Whether it is the rim of the paper, which nobody draws."""
    _, _, width, height = cv2.boundingRect(contour)
    return min(width, height) >= side - 2


def _main_colors(drawing: np.ndarray) -> np.ndarray:
    """The number of its main color for each pixel, (H, W) int32."""
    height, width = drawing.shape[:2]
    lab = cv2.cvtColor(np.ascontiguousarray(drawing[:, :, :3]), cv2.COLOR_RGB2LAB)
    values = np.dstack([lab, 100 * drawing[:, :, 3]]).astype(np.float32)
    coarse = cv2.resize(values, (96, 96), interpolation=cv2.INTER_AREA).reshape(-1, 4)
    stop = (cv2.TERM_CRITERIA_MAX_ITER, 12, 0.0)
    cv2.setRNGSeed(0)
    start = np.zeros((len(coarse), 1), np.int32)
    _, _, centers = cv2.kmeans(coarse, _COLORS, start, stop, 1, cv2.KMEANS_PP_CENTERS)
    pixels = values.reshape(-1, 4)
    distances = np.stack([np.square(pixels - center).sum(axis=1) for center in centers])
    return distances.argmin(axis=0).astype(np.int32).reshape(height, width)


def _draw_strokes(paper: np.ndarray, corners: np.ndarray, rng: np.random.Generator) -> None:
    side = max(paper.shape)
    corners = corners + rng.normal(0, _UNSTEADY * side, corners.shape)
    for begin, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if rng.random() < 1 / 12:
            continue
        beyond = (end - begin) * rng.uniform(0, 0.08, 2)[:, None]
        ends = np.stack([begin - beyond[0], end + beyond[1]]).round().astype(int)
        (x0, y0), (x1, y1) = ends.tolist()
        cv2.line(paper, (x0, y0), (x1, y1), int(rng.integers(0, 70)), 2, cv2.LINE_AA)


def on_canvas(lines: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lines somewhere on a larger canvas, smaller or larger, in perspective and bent in waves.

    Returns (S, S) with S 1.5 times the longer side; all of the drawing stays on it.
    """
    side = round(1.5 * max(lines.shape))
    height, width = lines.shape
    large = float(rng.uniform(0.45, 0.85)) * side
    left, top = rng.uniform(0, side - large, 2)
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    corners = square * large + [left, top] + rng.uniform(-0.06, 0.06, (4, 2)) * large
    source = (square * [width, height]).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(source, corners.astype(np.float32))
    placed = cv2.warpPerspective(lines, matrix, (side, side), borderValue=1.0)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    for _ in range(2):
        length, phase = rng.uniform(0.35, 0.9) * large, rng.uniform(0, 2 * np.pi, 2)
        height_of_wave = rng.uniform(0.006, 0.02) * large
        x = x + np.float32(height_of_wave) * np.sin(y * (2 * np.pi / length) + phase[0])
        y = y + np.float32(height_of_wave) * np.sin(x * (2 * np.pi / length) + phase[1])
    places = (x.astype(np.float32), y.astype(np.float32))
    return cv2.remap(placed, *places, cv2.INTER_LINEAR, borderValue=1.0)
