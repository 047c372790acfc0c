"""What retrieval is compared with: HOG, and a network as ImageNet made it."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from s2i_models.find_reference.network import Body
from s2i_training.data.imagenet_weights import body_state, published_state

HOG_SIZE = 128
IMAGENET_SIZE = 224

_CELL = 16
_DIRECTIONS = 9


def hog_features(squares: np.ndarray) -> np.ndarray:
    """Histograms of oriented gradients (Dalal & Triggs 2005) of the gray pictures.

    `squares`: (N, HOG_SIZE, HOG_SIZE, 3) float32, 0 to 1. As in the paper: 9 directions without
    sign, a gradient shared between the two nearest, blocks of 2 × 2 cells that overlap by half,
    L2-Hys; cells are 16 pixels, for that size of picture. Returns (N, 1764), unit length.
    """
    features = np.stack([_hog(cv2.cvtColor(square, cv2.COLOR_RGB2GRAY)) for square in squares])
    return features / np.linalg.norm(features, axis=1, keepdims=True).clip(1e-6)


def _hog(gray: np.ndarray) -> np.ndarray:
    across = cv2.filter2D(gray, cv2.CV_32F, np.array([[-1.0, 0.0, 1.0]]))
    down = cv2.filter2D(gray, cv2.CV_32F, np.array([[-1.0], [0.0], [1.0]]))
    strength = np.hypot(across, down)
    direction = (np.arctan2(down, across) / np.pi % 1.0) * _DIRECTIONS
    nearest = np.floor(direction).astype(int)
    share = direction - nearest
    votes = np.zeros((*gray.shape, _DIRECTIONS), np.float32)
    rows, columns = np.indices(gray.shape)
    votes[rows, columns, nearest % _DIRECTIONS] = strength * (1 - share)
    votes[rows, columns, (nearest + 1) % _DIRECTIONS] += strength * share
    count = HOG_SIZE // _CELL
    cells = votes.reshape(count, _CELL, count, _CELL, _DIRECTIONS).sum(axis=(1, 3))
    blocks = np.concatenate(
        [cells[:-1, :-1], cells[:-1, 1:], cells[1:, :-1], cells[1:, 1:]], axis=2
    )
    # L2-Hys: normalize, cut off at 0.2, normalize again.
    return _normalized(_normalized(blocks).clip(max=0.2)).ravel()


def _normalized(blocks: np.ndarray) -> np.ndarray:
    return blocks / np.sqrt(np.square(blocks).sum(axis=2, keepdims=True) + 1e-4)


class ImageNetFeatures:
    """The averaged last features of EfficientNet-Lite0, untouched, at the size it was made for."""

    def __init__(self) -> None:
        self.body = Body()
        self.body.load_state_dict(body_state(published_state()))
        self.body.eval()

    @torch.no_grad()
    def __call__(self, squares: np.ndarray) -> np.ndarray:
        """`squares`: (N, IMAGENET_SIZE, IMAGENET_SIZE, 3) float32, 0 to 1. Returns (N, 1280),
        unit length."""
        pictures = torch.from_numpy(np.ascontiguousarray(squares.transpose(0, 3, 1, 2)))
        return F.normalize(self.body(pictures), dim=1).numpy()
