"""`color_domain`: a picture in, a few blobs of flat color out."""

from __future__ import annotations

import cv2
import numpy as np

from s2i_models.color_domain.declaration import DECLARATION
from s2i_models.color_domain.domain import main_colors, median, nearest_colors
from s2i_models.color_domain.enlarging import enlarge_areas
from s2i_models.edges_from_image.small import SmallCopy, small_copy
from s2i_models.layers import STRIP_ROWS, color_labels, convert_depth
from s2i_models.lineart import nearest_zero
from s2i_models.pipeline import Layer, Pipeline, Request

# Blobs are found on a copy of at most so many pixels a side, where the largest kernel is one that
# OpenCV can do.
FOUND_AT = 512
# Where less of a kernel lies on the picture, pixels keep their colors: thin parts on nothing do.
_LEAST_SEEN = 0.15


class PipelineImpl(Pipeline):
    """Finds blobs as PI-REC's data has them on a small copy, and gives them smooth borders."""

    declaration = DECLARATION

    def run(self, request: Request) -> list[Layer]:
        step = request.progress.step
        step(0.0, "looking at the picture")
        picture = request.images["sketch"]
        picture = picture[..., None] if picture.ndim == 2 else picture
        small = small_copy("sketch", picture, FOUND_AT)
        origin = request.origins.get("sketch", (0, 0))
        seen = small.alpha > 0
        if not seen.any():
            return [Layer("colors", np.zeros((*picture.shape[:2], 4), picture.dtype), origin)]
        step(0.3, "finding colors")
        settings = request.parameters
        blurred = _blurred(small, _kernel(int(settings["smoothness"]), small.scale))
        colors = main_colors(blurred[seen], int(settings["colors"]))
        labels = _spread(nearest_colors(blurred, colors), seen)
        # Where three colors meet, the median of each channel is none of them.
        rounded = median(colors[labels], _kernel(int(settings["softness"]), small.scale))
        labels = nearest_colors(rounded, colors)
        step(0.5, "drawing blobs")
        labels = enlarge_areas(labels, (picture.shape[0], picture.shape[1]))
        full = np.full((len(colors), 1), 255, np.uint8)
        table = convert_depth(np.concatenate([colors, full], axis=1), picture.dtype)
        made = color_labels(labels, table)
        if picture.shape[2] in (2, 4):
            for top in range(0, len(made), STRIP_ROWS):
                rows = slice(top, top + STRIP_ROWS)
                alpha = picture[rows, :, -1]
                made[rows, :, 3] = alpha
                made[rows][~(alpha > 0)] = 0
        return [Layer("colors", made, origin)]


def _kernel(counted: int, scale: float) -> int:
    """The odd number, at least 1, next to a kernel of so many pixels that was `counted` at 128."""
    return 2 * round((max(1.0, counted * scale) - 1) / 2) + 1


def _blurred(small: SmallCopy, kernel: int) -> np.ndarray:
    """The median of the colors around each pixel: (h, w, 3) uint8.

    Transparent pixels do not count: as many of them are made black as white.
    """
    color, empty = small.straight(), small.alpha == 0
    if not empty.any():
        return median(color, kernel)
    rows, columns = np.nonzero(empty)
    filled = color.copy()
    filled[rows, columns] = ((rows + columns) % 2 * 255).astype(np.uint8)[:, None]
    share = cv2.blur((~empty).astype(np.float32), (kernel, kernel))
    few = share < _LEAST_SEEN
    filled = median(filled, kernel)
    filled[few] = color[few]
    return filled


def _spread(labels: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Labels (h, w) where only those that are `seen` count; the rest takes the nearest one's."""
    if seen.all():
        return labels
    return labels[seen][nearest_zero((~seen).view(np.uint8))[1]]
