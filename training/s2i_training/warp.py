"""Thin-plate-spline warps that tell where every point went.

The reference of a training triple is its own drawing, bent (Lee et al. 2020, section 3.1). The
warp is kept, because it says which part of the reference each part of the sketch should take its
color from.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

# A cell of which less than this share of its pixels is seen in the warped picture has left it.
_LEAST_SEEN = 0.15


@dataclass(frozen=True)
class Warp:
    """From a picture to a bent one of the same size.

    `map`: (H, W, 2) float32; for each pixel of the bent picture the position (x, y), in pixels,
    of the original that it shows; it may lie outside.
    """

    map: np.ndarray

    @property
    def valid(self) -> np.ndarray:
        """(H, W) bool: pixels of the bent picture that show something of the original."""
        height, width = self.map.shape[:2]
        x, y = self.map[..., 0], self.map[..., 1]
        return (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)

    def apply(
        self,
        picture: np.ndarray,
        border: tuple[float, ...] = (0, 0, 0, 0),
        *,
        reflect: bool = False,
    ) -> np.ndarray:
        """The bent picture, (H, W) or (H, W, C) as `picture`.

        What lies outside is `border`, a value for each channel, or with `reflect` mirrored.
        """
        return cv2.remap(
            picture,
            np.ascontiguousarray(self.map[..., 0]),
            np.ascontiguousarray(self.map[..., 1]),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101 if reflect else cv2.BORDER_CONSTANT,
            borderValue=border,
        )

    def correspondence(self, cell: int) -> np.ndarray:
        """Where each cell of the original is in the bent picture.

        Returns (H / cell, W / cell, 2) float32: the mean position (x, y), in pixels, of what shows
        the cell; NaN where nothing does, or where a fold shows it in two places far apart.
        """
        height, width = self.map.shape[:2]
        rows, columns = height // cell, width // cell
        valid = self.valid
        x = np.floor((self.map[..., 0][valid] + 0.5) / cell).astype(np.int64)
        y = np.floor((self.map[..., 1][valid] + 0.5) / cell).astype(np.int64)
        place = np.minimum(y, rows - 1) * columns + np.minimum(x, columns - 1)
        seen_y, seen_x = (axis.astype(np.float64) for axis in np.nonzero(valid))
        count = np.bincount(place, minlength=rows * columns)
        most = np.maximum(count, 1)
        mean, spread = [], np.zeros(rows * columns)
        for position in (seen_x, seen_y):
            average = np.bincount(place, position, rows * columns) / most
            square = np.bincount(place, position**2, rows * columns) / most
            mean.append(average)
            spread += np.maximum(square - average**2, 0)
        found = np.stack(mean, axis=1).astype(np.float32)
        # A cell twice as large in the bent picture spreads by 2 · cell / √6.
        found[(count < _LEAST_SEEN * cell**2) | (spread > (1.5 * cell) ** 2)] = np.nan
        return found.reshape(rows, columns, 2)


def thin_plate(
    size: int,
    sources: np.ndarray,
    targets: np.ndarray,
    affine: np.ndarray | None = None,
) -> Warp:
    """The warp of a `size`² picture that shows what lies at `sources` at `targets`.

    `sources`, `targets`: (n, 2) positions (x, y) from 0 to 1. The spline goes through all of them
    and bends least between (kernel r² log r, Bookstein 1989). `affine`: (2, 3), in the same units,
    applied to the position in the bent picture before the spline.
    """
    grid = (np.stack(np.meshgrid(np.arange(size), np.arange(size)), axis=-1) + 0.5) / size
    points = grid.reshape(-1, 2)
    if affine is not None:
        points = points @ affine[:, :2].T + affine[:, 2]
    count = len(targets)
    corner = np.zeros((3, 3))
    ones = np.concatenate([np.ones((count, 1)), targets], axis=1)
    system = np.block([[_kernel(targets, targets), ones], [ones.T, corner]])
    solved = np.linalg.solve(system, np.concatenate([sources, np.zeros((3, 2))]))
    moved = _kernel(points, targets) @ solved[:count]
    moved += np.concatenate([np.ones((len(points), 1)), points], axis=1) @ solved[count:]
    return Warp((moved.reshape(size, size, 2) * size - 0.5).astype(np.float32))


def random_thin_plate(
    size: int,
    rng: np.random.Generator,
    *,
    grid: int = 3,
    reach: float = 0.25,
    affine: np.ndarray | None = None,
) -> Warp:
    """A spline on a `grid`×`grid` of points, each moved by up to `reach` of the side both ways and
    kept within the picture, as the public implementations bend their references."""
    line = np.linspace(0, 1, grid)
    targets = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    sources = np.clip(targets + rng.uniform(-reach, reach, targets.shape), 0, 1)
    return thin_plate(size, sources, targets, affine)


def random_affine(rng: np.random.Generator, *, mirror: float = 0.3) -> np.ndarray:
    """Turn, size, place and, with chance `mirror`, left and right: (2, 3), positions 0 to 1."""
    angle = np.deg2rad(rng.uniform(-20, 20))
    zoom = np.exp(rng.uniform(-0.3, 0.3))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * zoom
    if rng.random() < mirror:
        turn = turn @ np.diag([-1.0, 1.0])
    middle = np.array([0.5, 0.5])
    shift = middle - turn @ middle + rng.uniform(-0.1, 0.1, 2)
    return np.concatenate([turn, shift[:, None]], axis=1)


def _kernel(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    squared = np.square(ours[:, None] - theirs[None]).sum(axis=2)
    return 0.5 * squared * np.log(squared + 1e-12)
