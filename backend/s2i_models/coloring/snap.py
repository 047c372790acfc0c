"""From the network's soft colors to one color per region, and the shading that is left over."""

from __future__ import annotations

import cv2
import numpy as np

# Shading darker than this is the network's uncertainty at borders, not a shadow, and so is a
# difference in brightness of less than this share.
DARKEST_SHADE = 0.55
LEAST_SHADE = 0.15
# How votes for a color weigh against its distance from what was painted; of 15, 30, 60, 120 and 200
# the one that came nearest to the originals on 24 validation drawings.
FAR = 60.0
LEAST_VOTES = 1e-3


def region_colors(
    labels: np.ndarray, colors: np.ndarray, free: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """The median color of each region.

    `labels`: (h, w) int32 region ids from 0 to `count` - 1 on the network's grid. `colors`:
    (h, w, 3) float32. `free`: (h, w) bool, pixels off the ink, which speak for their region.
    Returns (count, 3) float32 and (count,) bool, the regions that had a pixel to speak for them.
    """
    flat_labels, flat_colors, flat_free = labels.ravel(), colors.reshape(-1, 3), free.ravel()
    sizes = np.bincount(flat_labels, weights=flat_free, minlength=count)
    # A region without a free pixel at this size is spoken for by all of its pixels.
    speaks = flat_free | (sizes[flat_labels] == 0)
    ids = flat_labels[speaks]
    starts = np.concatenate([[0], np.cumsum(np.bincount(ids, minlength=count))])
    seen = np.diff(starts) > 0
    middles = (starts[:-1] + starts[1:] - 1) // 2
    medians = np.zeros((count, 3), np.float32)
    # Short numbers sort faster.
    number = np.int32 if count < 2**31 // 4096 else np.int64
    for channel in range(3):
        # Sorting id and value as one number sorts values within each region.
        values = (flat_colors[speaks, channel].clip(0, 1) * 4095).astype(number)
        values = np.sort(ids.astype(number) * 4096 + values)
        medians[seen, channel] = (values[middles[seen]] % 4096) / 4095
    return medians, seen


def region_means(
    labels: np.ndarray, planes: np.ndarray, free: np.ndarray, count: int
) -> np.ndarray:
    """Means of (h, w, k) over each region's `free` pixels, float32 (count, k); 0 where it has none.

    `labels`, `free` as of `region_colors`.
    """
    ids = labels[free]
    size = np.maximum(np.bincount(ids, minlength=count), 1)
    values = planes[free]
    totals = [
        np.bincount(ids, weights=values[:, plane], minlength=count)
        for plane in range(planes.shape[2])
    ]
    return (np.stack(totals, axis=1) / size[:, None]).astype(np.float32)


def shading(smooth: np.ndarray, flat: np.ndarray, strength: float) -> np.ndarray:
    """What to multiply flat colors with to come near the smooth ones' light and dark.

    `smooth`, `flat`: (h, w, 3) float32 sRGB. Returns (h, w) float32, `DARKEST_SHADE` to 1;
    1 everywhere when `strength` is 0.
    """
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    ratio = (smooth @ weights + 0.02) / (flat @ weights + 0.02)
    ratio = cv2.GaussianBlur((ratio + LEAST_SHADE).clip(DARKEST_SHADE, 1), (0, 0), 1.5)
    return 1 - strength * (1 - ratio)


def keep_to_palette(colors: np.ndarray, palette: np.ndarray, reach: float) -> np.ndarray:
    """Move colors onto the nearest color of `palette` when it is nearer than `reach`.

    A drawing has few colors, and hints tell which: what the network painted almost like a hint is
    meant to be like it. `colors`, `palette`: (n, 3), (k, 3) float32 sRGB 0 to 1; `reach`: distance
    in CIELAB.
    """
    if len(palette) == 0 or reach <= 0:
        return colors
    nearest, distance = nearest_color(colors, palette)
    return np.where((distance < reach)[:, None], palette[nearest], colors)


def nearest_color(colors: np.ndarray, palette: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which color of `palette` is nearest to each of `colors`, and how far, in CIELAB.

    (n, 3), (k, 3) float32 sRGB 0 to 1, k > 0, to int (n,) and float32 (n,).
    """
    ours, theirs = _lab(colors), _lab(palette)
    distance = np.linalg.norm(ours[:, None] - theirs[None], axis=2)
    nearest = distance.argmin(axis=1)
    return nearest, distance[np.arange(len(colors)), nearest]


def voted_color(colors: np.ndarray, palette: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """Which color of `palette` each of `colors` becomes when others have a say in it, int (n,).

    `votes`: (n, k) float32, the share of votes for each color of the palette, all 0 where there
    are none, which leaves the nearest color. A color that is farther than `FAR` in CIELAB needs
    about twice the votes of the one that was painted.
    """
    distance = np.linalg.norm(_lab(colors)[:, None] - _lab(palette)[None], axis=2)
    worth = np.log(votes + LEAST_VOTES) - distance**2 / (2 * FAR**2)
    return np.where(votes.any(axis=1, keepdims=True), worth, -distance).argmax(axis=1)


def _lab(colors: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(colors.astype(np.float32)[None], cv2.COLOR_RGB2LAB)[0]
