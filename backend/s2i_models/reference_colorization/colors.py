"""The palette of a reference: its few main colors, the same ones whenever it is the same picture.

k-means in CIELAB, with nothing random in it: the first center is the most frequent color, each
next one what is most frequent and farthest from all before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from s2i_models.reference_colorization.reference import Reference

# Colors are counted in so many steps per channel.
_LEVELS = 32
# Pixels whose surroundings differ by less than this, in every channel, fill areas; others are
# lines and soft edges, whose colors nobody chose.
_FLAT = 10 / 255
# If less than this share is flat, as in a painting, every pixel counts.
_LEAST_FLAT = 0.2
_ROUNDS = 12
# No two colors of a palette are nearer than this (CIELAB distance) when it begins.
_NEAREST = 5.0
# A color with a smaller share of the picture is no color of the palette.
_LEAST_SHARE = 5e-4


@dataclass(frozen=True)
class ColorCounts:
    """The colors of a picture: `colors` (n, 3) float32 sRGB and the `share` (n,) of each."""

    colors: np.ndarray
    share: np.ndarray


def count_colors(reference: Reference) -> ColorCounts:
    """The colors of what is used and painted of a reference; of all that is used where it shows
    nothing but paper."""
    weight = np.where(reference.paper, 0, reference.used)
    if not weight.any():
        weight = reference.used
    colored = np.where(reference.ink, 0, weight)
    if colored.any():
        weight = colored
    kernel = np.ones((3, 3), np.uint8)
    varies = cv2.morphologyEx(reference.color, cv2.MORPH_GRADIENT, kernel).max(axis=2)
    flat = np.where(varies < _FLAT, weight, 0)
    if flat.sum() >= _LEAST_FLAT * weight.sum():
        weight = flat
    at = np.flatnonzero(weight)
    colors, weights = reference.color.reshape(-1, 3)[at], weight.ravel()[at].astype(np.float64)
    level = np.minimum((colors * _LEVELS).astype(np.int64), _LEVELS - 1)
    code = (level[:, 0] * _LEVELS + level[:, 1]) * _LEVELS + level[:, 2]
    total = np.bincount(code, weights, _LEVELS**3)
    seen = np.flatnonzero(total)
    mean = [np.bincount(code, weights * colors[:, c], _LEVELS**3)[seen] for c in range(3)]
    found = np.stack(mean, axis=1) / total[seen][:, None]
    return ColorCounts(found.astype(np.float32), total[seen] / total.sum())


def palette_of(pictures: Sequence[ColorCounts], weights: Sequence[float], most: int) -> np.ndarray:
    """At most `most` colors of one or several pictures, each counting by its weight: (k, 3)
    float32 sRGB, k > 0, the most frequent first. Each is a color that the pictures have."""
    colors = np.concatenate([picture.colors for picture in pictures])
    share = np.concatenate(
        [weight * picture.share for picture, weight in zip(pictures, weights, strict=True)]
    )
    share = share / share.sum()
    lab = cv2.cvtColor(colors[None], cv2.COLOR_RGB2LAB)[0]
    centers = _first_centers(lab, share, most)
    nearest = np.zeros(len(lab), np.int64)
    for _ in range(_ROUNDS):
        distance = np.linalg.norm(lab[:, None] - centers[None], axis=2)
        nearest = distance.argmin(axis=1)
        size = np.bincount(nearest, share, len(centers))
        kept = size > 0
        for channel in range(3):
            mean = np.bincount(nearest, share * lab[:, channel], len(centers))
            centers[kept, channel] = (mean[kept] / size[kept]).astype(np.float32)
    size = np.bincount(nearest, share, len(centers))
    order = [group for group in np.argsort(-size, kind="stable") if size[group] > 0]
    chosen = []
    for group in order:
        members = np.flatnonzero(nearest == group)
        chosen.append(colors[members[share[members].argmax()]])
    return np.stack(chosen)


def _first_centers(lab: np.ndarray, share: np.ndarray, most: int) -> np.ndarray:
    """Frequent colors far from each other, at least one: (k, 3)."""
    common = share >= min(_LEAST_SHARE, float(share.max()))
    candidates, weight = lab[common], share[common]
    chosen = [int(weight.argmax())]
    distance = np.linalg.norm(candidates - candidates[chosen[0]], axis=1)
    while len(chosen) < most and distance.max() >= _NEAREST:
        far = np.where(distance >= _NEAREST, distance, 0)
        # The square root lets small parts, such as eyes, have their color too.
        chosen.append(int((np.sqrt(weight) * far**2).argmax()))
        apart = np.linalg.norm(candidates - candidates[chosen[-1]], axis=1)
        distance = np.minimum(distance, apart)
    return candidates[chosen].copy()
