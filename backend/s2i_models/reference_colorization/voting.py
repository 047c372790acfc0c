"""Which color of the palette a region takes: the references' cells vote, by how much they are seen.

Attention takes a mean of what it sees, and between two colors a mean is a third one that the
reference does not have. A vote is for one of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

from s2i_models.coloring.snap import nearest_color
from s2i_models.coloring.view import View
from s2i_models.reference_colorization.reference import GridReference


def colors_of_tokens(grids: Sequence[GridReference], palette: np.ndarray, cell: int) -> np.ndarray:
    """What share of each token's cell has each color: (n_reference, k) float32.

    `grids`: the references in the order of their tokens; `palette`: (k, 3) float32 sRGB. What may
    not be used counts for nothing.
    """
    found = []
    for grid in grids:
        rows, columns = grid.used.shape[0] // cell, grid.used.shape[1] // cell
        nearest, _ = nearest_color(grid.taken.reshape(-1, 3), palette)
        row, column = np.indices(grid.used.shape)
        token = (row // cell) * columns + column // cell
        count = np.bincount(
            token.ravel() * len(palette) + nearest,
            weights=grid.used.ravel(),
            minlength=rows * columns * len(palette),
        )
        found.append(count.reshape(-1, len(palette)) / cell**2)
    return np.concatenate(found).astype(np.float32)


def votes_on_grid(logits: Tensor, colors: np.ndarray, view: View, cell: int) -> np.ndarray:
    """The votes for each color at each pixel of the inner grid of `view`: (h, w, k) float32.

    `logits` (1, n_sketch, n_reference) of the look that has this view; `colors` (n_reference, k).
    """
    rows, columns = view.grid_height // cell, view.grid_width // cell
    table = torch.from_numpy(colors).to(logits.device)
    votes = (logits[0].float().softmax(dim=1) @ table).reshape(rows, columns, -1).cpu().numpy()
    size = (view.grid_width, view.grid_height)
    # One color at a time: OpenCV resizes at most four channels together.
    planes = [
        cv2.resize(np.ascontiguousarray(votes[..., color]), size, interpolation=cv2.INTER_LINEAR)
        for color in range(votes.shape[2])
    ]
    return np.stack(planes, axis=2)[: view.inner_height, : view.inner_width]
