"""What nobody painted: given the color of a blob within the same lines, as `flats` finds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from s2i_models.coloring.drawing import Drawing
from s2i_models.flats.hints import apply_hints, read_hints
from s2i_models.flats.regions import join_slivers

_WHITE = np.ones(3, np.float32)
# Blobs slip over outlines, and outlines are open: what is around the drawing is filled only where
# so much of it is painted.
_LEAST_BACKGROUND = 0.75


def fill_within_lines(
    colors: np.ndarray,
    painted: np.ndarray,
    drawing: Drawing,
    step: Callable[[float, str], None],
) -> np.ndarray:
    """A color everywhere: (h, w, 3) float32 and bool (h, w), over `drawing`, to (h, w, 3).

    What is painted stays. Else a region that the lines enclose takes the color that is painted in
    it, of several the one that is nearest inside of it; regions without any are white. So is what
    is around the drawing, unless nearly all of it is painted.
    """
    rows, columns = (
        np.floor((np.arange(cells) + 0.5) * length / cells).astype(int)
        for length, cells in zip(drawing.ink.shape, painted.shape, strict=True)
    )
    blobs = read_hints(np.dstack([colors, painted.astype(np.float32)]), painted.shape)
    blobs = replace(blobs, y=rows[blobs.y], x=columns[blobs.x])
    regions = join_slivers(drawing.pieces(None, step), blobs.mask(drawing.ink.shape))
    region = regions.labels[np.ix_(rows, columns)]
    cells, covered = (
        np.bincount(of.ravel(), minlength=regions.count) for of in (region, region[painted])
    )
    spilled = regions.background & (covered < _LEAST_BACKGROUND * cells)
    meant = ~spilled[regions.labels[blobs.y, blobs.x]]
    blobs = replace(blobs, y=blobs.y[meant], x=blobs.x[meant], color=blobs.color[meant])
    filled = apply_hints(regions, blobs)
    color_of = np.where(filled.hinted[:, None], filled.colors, _WHITE)
    return np.where(
        painted[..., None], colors, color_of[filled.regions.labels[np.ix_(rows, columns)]]
    )
