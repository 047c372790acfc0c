"""How far apart the colors of two pictures are, wherever they stand."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.cluster.vq import kmeans2

from s2i_training.metrics.color_difference import srgb_to_lab

COLORS = 12
# Colors are looked for among at most this many pixels, evenly chosen.
_SAMPLES = 4096


@dataclass(frozen=True)
class Palette:
    """`colors` (k, 3) CIELAB and `shares` (k,), positive, of sum 1."""

    colors: np.ndarray
    shares: np.ndarray


def palette_of(picture: np.ndarray, where: np.ndarray, most: int = COLORS) -> Palette:
    """The palette of the pixels `where` (H, W) bool of `picture` (H, W, 3), sRGB 0 to 255.

    k-means in CIELAB, begun with colors far from each other. A picture with at most `most`
    colors gives just these. Raises ValueError when there is no pixel.
    """
    pixels = picture[where]
    if len(pixels) == 0:
        raise ValueError("no pixel is painted: there is no palette")
    pixels = pixels[np.linspace(0, len(pixels) - 1, min(_SAMPLES, len(pixels))).round().astype(int)]
    distinct, numbers = np.unique(pixels, axis=0, return_inverse=True)
    if len(distinct) <= most:
        counts = np.bincount(numbers.reshape(-1))
        return Palette(srgb_to_lab(distinct / 255), counts / counts.sum())
    lab = srgb_to_lab(pixels / 255)
    centers, numbers = kmeans2(lab, _apart(lab, most), minit="matrix")
    counts = np.bincount(numbers, minlength=most)
    used = counts > 0
    return Palette(centers[used], counts[used] / counts.sum())


def palette_distance(ours: Palette, theirs: Palette) -> float:
    """The Earth mover's distance: mean CIELAB distance that colors travel to become the others."""
    made, _, _ = cv2.EMD(_signature(ours), _signature(theirs), cv2.DIST_L2)
    return float(made)


def _apart(lab: np.ndarray, count: int) -> np.ndarray:
    """`count` of the colors (n, 3): the one nearest the mean, and each time the one farthest from
    those already chosen."""
    chosen = [int(np.linalg.norm(lab - lab.mean(axis=0), axis=1).argmin())]
    distance = np.full(len(lab), np.inf)
    while len(chosen) < count:
        distance = np.minimum(distance, np.linalg.norm(lab - lab[chosen[-1]], axis=1))
        chosen.append(int(distance.argmax()))
    return lab[chosen]


def _signature(palette: Palette) -> np.ndarray:
    return np.column_stack([palette.shares, palette.colors]).astype(np.float32)
