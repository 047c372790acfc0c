"""What painting from edges and blobs of color is measured against: methods without learning.

All take a color domain (H, W, 3) uint8 sRGB and edges (H, W) bool, true where an edge is, and give
a picture (H, W, 3) uint8.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy import sparse
from scipy.sparse.linalg import cg

from s2i_training.baselines import trapped_ball

# How much a pixel holds on to its color beside each of its neighbors, and the radius of the first
# ball: of those tried at 128² on 60 validation pictures of each domain the ones with the lowest
# LPIPS, or, for drawings, within 0.003 of it.
SCREENING = 0.003
BALL = 3
_TOLERANCE = 1e-3  # of the residual; steps of 255 are far larger


def with_edges(colors: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The colors with the edges drawn on them in black."""
    return np.where(edges[..., None], 0, colors).astype(np.uint8)


def screened_poisson(
    colors: np.ndarray, edges: np.ndarray, screening: float = SCREENING
) -> np.ndarray:
    """The smoothest picture near the colors that may only change at the edges.

    Minimizes screening · Σ |u − colors|² + Σ |u_p − u_q|² over neighbors p, q that are no edge (a
    screened Poisson equation with the edges as barriers): a blob that reaches over an edge takes
    the color of the side where most of it is, and where no edge is blobs melt into each other.
    An edge is the mean of what is beside it.
    """
    free = ~edges
    given = colors.reshape(-1, 3).astype(np.float64)
    matrix = _laplacian(free) + screening * sparse.identity(free.size, format="csr")
    channels = [
        cg(matrix, screening * given[:, c], x0=given[:, c], rtol=_TOLERANCE)[0] for c in range(3)
    ]
    filled = np.stack(channels, axis=1).reshape(colors.shape)
    return _across_edges(filled, free).round().clip(0, 255).astype(np.uint8)


def flat_regions(colors: np.ndarray, edges: np.ndarray, radius: int = BALL) -> np.ndarray:
    """Each region between the edges in the mean of its colors; regions by trapped balls."""
    regions = trapped_ball(edges, radius).ravel()
    count = np.maximum(np.bincount(regions), 1)
    channels = [(np.bincount(regions, colors[..., c].ravel()) / count)[regions] for c in range(3)]
    return np.stack(channels, axis=1).reshape(colors.shape).round().astype(np.uint8)


def _laplacian(free: np.ndarray) -> sparse.csr_matrix:
    """Of the grid's four neighbors, of those links that join two free pixels."""
    numbers = np.arange(free.size).reshape(free.shape)
    starts, ends = [], []
    for here, there in (
        ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
        ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
    ):
        joined = free[here] & free[there]
        starts.append(numbers[here][joined])
        ends.append(numbers[there][joined])
    start, end = np.concatenate(starts), np.concatenate(ends)
    weights = np.ones(len(start))
    links = sparse.csr_matrix((weights, (start, end)), (free.size, free.size))
    links = links + links.T
    degrees = sparse.diags_array(np.asarray(links.sum(axis=1)).ravel())
    return sparse.csr_matrix(degrees - links)


def _across_edges(filled: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Edge pixels in the mean of the free pixels among their eight neighbors, if there is one."""
    weight = free.astype(np.float64)
    around = cv2.boxFilter(weight, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    total = cv2.boxFilter(
        filled * weight[..., None], -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT
    )
    beside = ~free & (around > 0)
    result = filled.copy()
    result[beside] = total[beside] / around[beside][:, None]
    return result
