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


def hog_features(squares: np.ndarray) -> np.ndarray:
    """Histograms of oriented gradients (Dalal & Triggs 2005) of the gray picture.

    `squares`: (N, HOG_SIZE, HOG_SIZE, 3) float32, 0 to 1. Cells of 16 pixels, blocks of 2 × 2, 9
    directions without sign. Returns (N, 1764), unit length.
    """
    side = (HOG_SIZE, HOG_SIZE)
    hog = cv2.HOGDescriptor(side, (32, 32), (16, 16), (16, 16), 9)
    grays = [cv2.cvtColor((s * 255).round().astype(np.uint8), cv2.COLOR_RGB2GRAY) for s in squares]
    features = np.stack([np.asarray(hog.compute(gray)).ravel() for gray in grays])
    return features / np.linalg.norm(features, axis=1, keepdims=True).clip(1e-6)


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
