"""Where the colors of a spot of the sketch come from: attention, put back onto the reference."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from s2i_models.coloring.view import View

# A reference is darkened to this share where nothing was taken from.
_DARK = 0.15


def weights_of_spots(y: np.ndarray, x: np.ndarray, view: View, cell: int) -> np.ndarray:
    """What share of the spots lies on each token of the sketch: float32 (n_sketch,), 1 in all.

    `y`, `x`: canvas positions of the spots' pixels, int (n,), n > 0.
    """
    rows, columns = view.grid_height // cell, view.grid_width // cell
    row, column = view.grid_positions(y, x)
    token = (row // cell) * columns + column // cell
    return (np.bincount(token, minlength=rows * columns) / len(token)).astype(np.float32)


def taken_from(logits: Tensor, weights: np.ndarray) -> np.ndarray:
    """What share of the spots' color comes from each token of the references.

    `logits` (1, n_sketch, n_reference), `weights` (n_sketch,) to float32 (n_reference,), 1 in all.
    """
    attention = logits[0].float().softmax(dim=1)
    return (torch.from_numpy(weights).to(attention.device) @ attention).cpu().numpy()


def on_picture(taken: np.ndarray, view: View, cell: int, shape: tuple[int, ...]) -> np.ndarray:
    """What was taken from the tokens of one reference, as a picture of `shape` (height, width, …).

    `taken`: (n,) float32; `view`: the reference's window. Returns (height, width) float32, smooth
    between the tokens' middles and 0 outside of the window.
    """
    tokens = taken.reshape(view.grid_height // cell, view.grid_width // cell)
    size = (view.grid_width, view.grid_height)
    grid = cv2.resize(tokens, size, interpolation=cv2.INTER_LINEAR)
    whole = view.enlarge(grid, shape[1], shape[0])
    inside = np.zeros(whole.shape, bool)
    top, left = max(0, view.top), max(0, view.left)
    inside[top : view.top + view.height, left : view.left + view.width] = True
    return np.where(inside, whole, np.float32(0))


def darken(color: np.ndarray, attention: np.ndarray, most: float) -> np.ndarray:
    """A reference, uint8 (h, w, 3), dark except where attention (h, w) comes near `most`."""
    light = np.sqrt((attention / max(most, 1e-12)).clip(0, 1))  # the eye sees small shares too
    shown = color * (_DARK + (1 - _DARK) * light)[..., None]
    return np.rint(shown).astype(np.uint8)
