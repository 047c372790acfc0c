"""SC-PSNR: whether each part of a drawing has the color its counterpart in the reference has.

Lee et al. 2020 compare patches around corresponding key points of pairs that people annotated.
Here the reference is the drawing itself, bent, so the correspondences are known everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from s2i_training.metrics.psnr import decibels
from s2i_training.warp import Warp

# A patch reaches this many pixels from its key point; key points are this far apart.
RADIUS = 3
SPACING = 8
# A counterpart is looked for this far around the mean of its cell, and must show a place at most
# so far from the key point, in pixels.
_SEARCH = 4
_EXACT = 1.0


@dataclass(frozen=True)
class KeyPoints:
    """Corresponding pixels, (n, 2) int as (x, y): `ours` in the drawing, `theirs` in its bent
    picture."""

    ours: np.ndarray
    theirs: np.ndarray


def key_points(warp: Warp, spacing: int = SPACING) -> KeyPoints:
    """The middles of the drawing's cells of `spacing`² pixels that the bent picture shows in one
    place, each with the pixel there that shows it."""
    height, width = warp.map.shape[:2]
    places = warp.correspondence(spacing)
    rows, columns = np.nonzero(~np.isnan(places).any(axis=2))
    ours = np.stack([columns, rows], axis=1) * spacing + spacing // 2
    reach = np.arange(-_SEARCH, _SEARCH + 1)
    around = np.stack(np.meshgrid(reach, reach), axis=-1).reshape(1, -1, 2)
    near = np.rint(places[rows, columns]).astype(np.int64)[:, None] + around
    near = near.clip(0, (width - 1, height - 1))
    away = np.linalg.norm(warp.map[near[..., 1], near[..., 0]] - ours[:, None], axis=2)
    best = away.argmin(axis=1)
    every = np.arange(len(ours))
    exact = away[every, best] <= _EXACT
    return KeyPoints(ours[exact], near[every, best][exact])


def sc_psnr(
    made: np.ndarray,
    reference: np.ndarray,
    points: KeyPoints,
    measured: np.ndarray,
    measured_reference: np.ndarray,
) -> float:
    """PSNR between patches of the result and of the reference around corresponding key points.

    `made`, `reference`: (H, W, 3) sRGB, 0 to 255. `measured`, `measured_reference`: (H, W) bool,
    what to compare: painted, valid, off the ink. A key point counts when both its pixels are
    measured; in its square patches of `RADIUS`, pixels are compared with the same offset from
    their key point, where both are measured. The squared error is averaged over all of them. A
    patch of the reference is bent and that of the drawing is not, so the original itself does not
    reach infinity. NaN when no key point counts.
    """
    counted = measured[points.ours[:, 1], points.ours[:, 0]]
    counted &= measured_reference[points.theirs[:, 1], points.theirs[:, 0]]
    ours, ours_used = _patches(made, measured, points.ours[counted])
    theirs, theirs_used = _patches(reference, measured_reference, points.theirs[counted])
    both = ours_used & theirs_used
    if not both.any():
        return float("nan")
    return decibels(np.square(ours[both] - theirs[both]).mean())


def _patches(
    picture: np.ndarray, measured: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels around each point, (n, patch, 3) float64, and which of them are measured."""
    height, width = measured.shape
    reach = np.arange(-RADIUS, RADIUS + 1)
    x = points[:, 0, None, None] + reach[None, None]
    y = points[:, 1, None, None] + reach[None, :, None]
    x, y = (axis.reshape(len(points), (2 * RADIUS + 1) ** 2) for axis in np.broadcast_arrays(x, y))
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    x, y = x.clip(0, width - 1), y.clip(0, height - 1)
    return picture[y, x].astype(np.float64), measured[y, x] & inside
