"""Which colors get a layer, and which layer each pixel belongs to.

A flat with soft edges has few colors that fill areas and very many at its edges. Only the former
are to become layers. So colors are looked for where the picture is flat first; what lies between
two areas and is a mixture of their colors then joins the one it comes nearer to.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from s2i_models.lineart import connected_pieces
from s2i_models.split_colors.distinct import Colors, to_lab

NONE = 255  # the label of pixels that belong to no layer
# From a pixel of a soft edge to the areas on either side, px: a brush's edge is about 1 px wide,
# that of a picture that was enlarged or blurred a few.
REACH = 6
# Colors with fewer pixels do not get a layer, and what is left joins one when it is so small: where
# three colors meet, a mixture is one of no two.
SPECK = 9
# Colors of thin parts are taken together down to this share of the largest of them.
THIN_SHARE = 0.25
# A picture of which more than this share is left has no flats with soft edges: it is a painting.
MOST_EDGE = 0.25
# Of a CIELAB distance, in sRGB from 0 to 1: gray values differ by 1 / 100 for a distance of 1.
UNIT_DISTANCE = 0.01


def group_pixels(
    colors: Colors, most: int, tolerance: float, step: Callable[[float, str], None]
) -> tuple[np.ndarray, np.ndarray]:
    """Assign each pixel to one of at most `most` colors.

    Returns labels, uint8 (height, width), `NONE` where transparent, and the colors, float32 (k, 3).
    Label k is for what is left. With a `tolerance` of 0 each color stands for itself.
    """
    if tolerance == 0:
        chosen = np.argsort(-colors.counts, kind="stable")[:most]
        of_color = np.full(len(colors.unit), len(chosen), np.uint8)
        of_color[chosen] = np.arange(len(chosen))
        return _by_color(colors.index, of_color), colors.unit[chosen]
    step(0.3, "finding areas")
    counts = _flat_counts(colors)
    centers, of_color = choose(colors, counts, most, tolerance, lambda: step(0.4, "finding areas"))
    labels = _by_color(colors.index, of_color)
    step(0.5, "finding edges")
    _join_mixtures(labels, colors, centers, tolerance)
    while len(centers) < most:
        step(0.7, "finding thin parts")
        left = colors.index[(labels == NONE) & (colors.index >= 0)]
        counts = np.bincount(left, minlength=len(colors.unit))
        # A thin line first, and only then what may be its soft edge.
        counts[counts < max(SPECK, counts.max(initial=0) * THIN_SHARE)] = 0
        if not counts.any():
            break
        more, of_color = choose(
            colors,
            counts,
            most - len(centers),
            tolerance,
            lambda: step(0.7, "finding thin parts"),
        )
        of_color[of_color != NONE] += len(centers)
        centers = np.concatenate([centers, more])
        open_pixels = labels == NONE
        labels[open_pixels] = _by_color(colors.index, of_color)[open_pixels]
        _join_mixtures(labels, colors, centers, tolerance)
    _join_specks(labels, colors, centers)
    labels[(labels == NONE) & (colors.index >= 0)] = len(centers)
    return labels, centers


def choose(
    colors: Colors, counts: np.ndarray, most: int, tolerance: float, step: Callable[[], None]
) -> tuple[np.ndarray, np.ndarray]:
    """The colors with the largest `counts` (n,), none within `tolerance` of a larger one.

    Returns them, float32 (k, 3), k at most `most`, and for each color the nearest of them, uint8
    (n,), `NONE` when none is nearer than `tolerance`.
    """
    label = np.full(len(counts), NONE, np.uint8)
    nearest = np.full(len(counts), tolerance, np.float32)
    left = counts.copy()
    chosen: list[int] = []
    while len(chosen) < most and left.any():
        step()
        center = int(left.argmax())
        distance = np.linalg.norm(colors.lab - colors.lab[center], axis=1)
        nearer = distance < nearest
        label[nearer] = len(chosen)
        nearest[nearer] = distance[nearer]
        left[nearer] = 0
        left[center] = 0
        chosen.append(center)
    return colors.unit[chosen], label


def _by_color(index: np.ndarray, of_color: np.ndarray) -> np.ndarray:
    """Each pixel's label: uint8 (height, width)."""
    # The last item is for transparent pixels, whose index is -1.
    return np.append(of_color, np.uint8(NONE))[index]


def _flat_counts(colors: Colors) -> np.ndarray:
    """How many pixels of each color, (n,), have only pixels of about their color around them."""
    table = np.append(np.rint(colors.unit * 255), np.zeros((1, 3)), axis=0).astype(np.uint8)
    flat = colors.index >= 0
    around = np.ones((3, 3), np.uint8)
    flat &= cv2.erode(flat.view(np.uint8), around, borderValue=1) > 0
    for channel in range(3):
        plane = table[:, channel][colors.index]
        spread = cv2.subtract(cv2.dilate(plane, around), cv2.erode(plane, around))
        flat &= spread <= 1  # in 8 bits: the faint end of a soft edge is none
    return np.bincount(colors.index[flat], minlength=len(colors.unit))


def _join_mixtures(
    labels: np.ndarray, colors: Colors, centers: np.ndarray, tolerance: float
) -> None:
    """Label pixels between two labels whose color lies between the two colors; in place."""
    found = np.pad(labels, REACH, constant_values=NONE)
    width = found.shape[1]
    left = (labels == NONE) & (colors.index >= 0)
    if np.count_nonzero(left) > MOST_EDGE * left.size:
        return
    y, x = np.nonzero(left)
    at = (y + REACH) * width + x + REACH
    color = colors.unit[colors.index[y, x]]
    around, result = found.ravel(), found.copy().ravel()
    for down, right in _steps():
        one, other = around[at + down * width + right], around[at - down * width - right]
        between = np.flatnonzero((one != NONE) & (other != NONE) & (one != other))
        a, b = centers[one[between]], centers[other[between]]
        whole = b - a
        share = ((color[between] - a) * whole).sum(axis=1) / (whole**2).sum(axis=1)
        share = share.clip(0, 1)
        off = np.linalg.norm(a + share[:, None] * whole - color[between], axis=1)
        mixed = off < 2 * UNIT_DISTANCE * tolerance
        between, share = between[mixed], share[mixed]
        result[at[between]] = np.where(share < 0.5, one[between], other[between])
        rest = np.ones(len(at), bool)
        rest[between] = False
        at, color = at[rest], color[rest]
    inner = result.reshape(found.shape)[REACH:-REACH, REACH:-REACH]
    labels[...] = inner


def _steps() -> list[tuple[int, int]]:
    """Steps (down, right) in four directions, without their opposites, the shortest first."""
    directions = ((0, 1), (1, 0), (1, 1), (1, -1))
    return [(far * y, far * x) for far in range(1, REACH + 1) for y, x in directions]


def _join_specks(labels: np.ndarray, colors: Colors, centers: np.ndarray) -> None:
    """Label small pieces of what is left as the color they come nearest to; in place."""
    left = (labels == NONE) & (colors.index >= 0)
    if not len(centers) or not left.any():
        return
    count, pieces = connected_pieces(left, corners=True)
    small = np.bincount(pieces.ravel(), minlength=count) < SPECK
    small[0] = False
    y, x = np.nonzero(left)
    speck = small[pieces[y, x]]
    y, x = y[speck], x[speck]
    used, of_pixel = np.unique(colors.index[y, x], return_inverse=True)
    distance = np.linalg.norm(colors.lab[used, None] - to_lab(centers)[None], axis=2)
    labels[y, x] = distance.argmin(axis=1).astype(np.uint8)[of_pixel]
