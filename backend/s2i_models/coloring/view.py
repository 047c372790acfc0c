"""Between the canvas and the network's grid: the drawing's own window, shrunk to working size.

Margins are cut off before shrinking, so a small drawing on a large canvas is seen as large as it
was in training; the network's colors are put back into that window.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

MARGIN = 0.06  # of the longer side, as the drawings of the training set have on average
HINT_COVERAGE = 0.03  # share of a grid pixel that a hint must cover to count


@dataclass(frozen=True)
class View:
    """A window of the canvas and the grid it is shrunk to, all in pixels.

    `left`, `top`, `width`, `height`: the window; it may reach outside of the canvas, where there
    is paper. `inner_width`, `inner_height`: its size on the grid; `grid_width`, `grid_height`: the
    grid, padded to the right and below to what the network needs.
    """

    left: int
    top: int
    width: int
    height: int
    inner_width: int
    inner_height: int
    grid_width: int
    grid_height: int

    def shrink(self, plane: np.ndarray, paper: float = 0.0) -> np.ndarray:
        """A canvas plane (H, W) or (H, W, C), float32, on the grid; `paper` fills the outside."""
        height, width = plane.shape[:2]
        part = plane[
            max(0, self.top) : min(height, self.top + self.height),
            max(0, self.left) : min(width, self.left + self.width),
        ]
        above, left = max(0, -self.top), max(0, -self.left)
        below = self.height - part.shape[0] - above
        right = self.width - part.shape[1] - left
        sides = (above, below, left, right)
        if any(sides):
            border = (paper,) * 4
            part = cv2.copyMakeBorder(part, *sides, cv2.BORDER_CONSTANT, value=border)
        shrinks = self.inner_width <= self.width
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        small = cv2.resize(part, (self.inner_width, self.inner_height), interpolation=how)
        return cv2.copyMakeBorder(
            small,
            0,
            self.grid_height - self.inner_height,
            0,
            self.grid_width - self.inner_width,
            cv2.BORDER_CONSTANT,
            value=(paper,) * 4,
        )

    def enlarge(self, grid: np.ndarray, width: int, height: int) -> np.ndarray:
        """Grid values (h, w, C) float32 on a canvas of that size, smoothly; edges continue."""
        scale_x, scale_y = self.inner_width / self.width, self.inner_height / self.height
        # Pixel centers: canvas x + ½ lies at (x + ½ − left)·scale on the grid.
        matrix = np.array(
            [
                [scale_x, 0, (0.5 - self.left) * scale_x - 0.5],
                [0, scale_y, (0.5 - self.top) * scale_y - 0.5],
            ],
            np.float32,
        )
        inner = np.ascontiguousarray(grid[: self.inner_height, : self.inner_width])
        return cv2.warpAffine(
            inner,
            matrix,
            (width, height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )

    def positions(self, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Canvas rows (h,) and columns (w,) under the middles of the inner grid's pixels, moved
        onto a canvas of `shape` where they lie outside of it."""
        y = self.top + (np.arange(self.inner_height) + 0.5) * self.height / self.inner_height
        x = self.left + (np.arange(self.inner_width) + 0.5) * self.width / self.inner_width
        rows = np.clip(np.floor(y).astype(np.int64), 0, shape[0] - 1)
        return rows, np.clip(np.floor(x).astype(np.int64), 0, shape[1] - 1)

    def grid_positions(self, y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of the inner grid's pixels that hold canvas positions `y`, `x`."""
        row = (y - self.top) * self.inner_height // self.height
        column = (x - self.left) * self.inner_width // self.width
        row = np.clip(row, 0, self.inner_height - 1)
        return row, np.clip(column, 0, self.inner_width - 1)


def view_of(content: np.ndarray, size: int, stride: int) -> View:
    """The window around a drawing's content, fitted to a grid of at most `size` pixels.

    `content`: (H, W) bool or uint8, true where there is ink or a hint. `stride`: what grid sides
    must be multiples of. Without content the window is the whole canvas.
    """
    height, width = content.shape
    mask = content.view(np.uint8) if content.dtype == np.bool_ else content
    left, top, content_width, content_height = cv2.boundingRect(mask)
    right, bottom = left + content_width, top + content_height
    if content_width == 0:
        left, top, right, bottom = 0, 0, width, height
    else:
        margin = max(2, round(MARGIN * max(right - left, bottom - top)))
        left, top, right, bottom = left - margin, top - margin, right + margin, bottom + margin
    window_width, window_height = right - left, bottom - top
    scale = size / max(window_width, window_height)
    inner_width = max(1, round(window_width * scale))
    inner_height = max(1, round(window_height * scale))
    return View(
        left,
        top,
        window_width,
        window_height,
        inner_width,
        inner_height,
        -(-inner_width // stride) * stride,
        -(-inner_height // stride) * stride,
    )


def shrink_hints(y: np.ndarray, x: np.ndarray, colors: np.ndarray, view: View) -> np.ndarray:
    """Hint pixels on the grid as the network takes them.

    `y`, `x`: canvas positions, int (n,); `colors`: (n, 3) float32, sRGB 0 to 1. Returns (h, w, 4)
    float32: the mean color where hints cover enough of a grid pixel, else 0, and the mask 0 or 1.
    """
    grid = np.zeros((view.grid_height, view.grid_width, 4), np.float32)
    if len(y) == 0:
        return grid
    scale_x, scale_y = view.inner_width / view.width, view.inner_height / view.height
    # A hint pixel covers one grid pixel, or several when the canvas is smaller than the grid.
    spread_x, spread_y = max(1, math.ceil(scale_x)), max(1, math.ceil(scale_y))
    left = np.floor((x - view.left) * scale_x).astype(np.int64)
    top = np.floor((y - view.top) * scale_y).astype(np.int64)
    cells = grid.shape[0] * grid.shape[1]
    total = np.zeros((4, cells))
    for down in range(spread_y):
        for right in range(spread_x):
            column = np.minimum(left + right, view.inner_width - 1)
            row = np.minimum(top + down, view.inner_height - 1)
            cell = row * grid.shape[1] + column
            for channel in range(3):
                total[channel] += np.bincount(cell, colors[:, channel], minlength=cells)
            total[3] += np.bincount(cell, minlength=cells)
    pixels_per_cell = max(1.0, 1 / (scale_x * scale_y))
    seen = total[3] > HINT_COVERAGE * pixels_per_cell
    flat = grid.reshape(-1, 4)
    flat[seen, :3] = (total[:3, seen] / total[3, seen]).T
    flat[seen, 3] = 1
    return grid
