"""What colorization is measured against: methods an artist has today."""

from __future__ import annotations

import cv2
import numpy as np
from scipy import ndimage

from s2i_models.lineart import connected_pieces, nearest_zero


def trapped_ball(ink: np.ndarray, radius: int, smallest: int = 32) -> np.ndarray:
    """Regions of line art by trapped-ball segmentation, int32 (height, width), from 1.

    Zhang, Chen, Zhang, Pan and Hu, "Vectorizing cartoon animations", TVCG 2009: where a ball of
    radius r fits in, it fills; first with the largest ball, then with smaller ones down to one
    pixel in what is left. `ink`: bool (height, width). `radius`: of the first ball, px; it does
    not pass gaps narrower than its diameter. Fills of fewer than `smallest` px are not begun.
    What no ball reaches joins the region it shares the longest border with, or is a region of its
    own where it touches none; ink takes the nearest region.
    """
    left = np.where(ink, 0, 255).astype(np.uint8)
    labels = np.zeros(ink.shape, np.int32)
    count = 0
    for r in range(radius, 0, -1):
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * r + 1, 2 * r + 1))
        cores = cv2.erode(left, disc, borderType=cv2.BORDER_CONSTANT, borderValue=255)
        pieces_count, pieces = connected_pieces(cores)
        large = np.bincount(pieces.ravel(), minlength=pieces_count) >= smallest
        large[0] = False
        new = np.zeros(len(large), np.int32)
        new[large] = count + 1 + np.arange(int(large.sum()))
        seeds = np.take(new, pieces)
        # Dilation takes the larger number where two fills meet; both end at the same free pixels.
        grown = cv2.dilate(seeds.astype(np.float32), disc).astype(np.int32)
        filled = (left > 0) & (grown > 0)
        labels[filled] = grown[filled]
        left[filled] = 0
        count += int(large.sum())
    _join_leftovers(labels, left, count)
    _fill_nearest(labels)
    return labels


def geodesic_watershed(ink: np.ndarray, hints: np.ndarray, gap_close: float = 0.0) -> np.ndarray:
    """Color each pixel like the hint that floods it first: uint8 (height, width, 3), sRGB.

    Hints are the seeds of a watershed on the ink, as in Krita's Colorize Mask and after LazyBrush
    (Sýkora, Dingliana and Collins 2009): colors spread over paper first, nearest hint first, and
    lines hold them up. Every pixel gets a hint's color; without hints all is white.
    `ink`: (height, width), 0 paper to 1 ink. `hints`: uint8 (height, width, 4), sRGB with straight
    alpha; at least half opaque counts. `gap_close`: standard deviation, px, of a blur that lets
    ink reach into gaps. On OpenMoji at 512² none up to 4 px beats no blur at 1 to 50 hints.
    """
    seeds, palette = _seeds(hints)
    if len(palette) == 1:
        return np.full((*ink.shape, 3), 255, np.uint8)
    height = np.asarray(ink, np.float32)
    if gap_close > 0:
        height = np.maximum(height, cv2.GaussianBlur(height, (0, 0), gap_close))
    gray = np.rint(height.clip(0, 1) * 255).astype(np.uint8)
    # OpenCV makes the outermost pixels a border between areas: give it pixels to spare.
    gray = cv2.copyMakeBorder(gray, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    areas = cv2.watershed(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB), np.pad(seeds, 1))[1:-1, 1:-1]
    areas = np.where(seeds > 0, seeds, np.maximum(areas, 0))
    _fill_nearest(areas)
    return palette[areas]


def trapped_ball_fill(ink: np.ndarray, hints: np.ndarray, radius: int = 2) -> np.ndarray:
    """Fill the trapped-ball regions that hold a hint: uint8 (height, width, 3), sRGB.

    A region with several hints is divided between them, each pixel to the nearest; one without
    any stays white. `ink`, `hints` as in `geodesic_watershed`; `radius` as in `trapped_ball`. Of
    radii 1 to 5 the smallest two do best on OpenMoji at 512².
    """
    seeds, palette = _seeds(hints)
    regions = trapped_ball(np.asarray(ink) > 0.5, radius)
    areas = np.zeros(ink.shape, np.int32)
    boxes = ndimage.find_objects(regions)
    for region in np.unique(regions[seeds > 0]):
        if region == 0:  # all is ink
            continue
        box = boxes[region - 1]
        inside = regions[box] == region
        nearest = np.where(inside, seeds[box], 0)
        _fill_nearest(nearest)
        areas[box][inside] = nearest[inside]
    return palette[areas]


def _seeds(hints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the hints' colors, int32 (height, width), 0 for none, and the colors, 0 white."""
    given = hints[..., 3] >= 128
    colors, numbers = np.unique(hints[given][:, :3], axis=0, return_inverse=True)
    seeds = np.zeros(given.shape, np.int32)
    seeds[given] = numbers.reshape(-1) + 1
    return seeds, np.concatenate([np.full((1, 3), 255, np.uint8), colors])


def _join_leftovers(labels: np.ndarray, left: np.ndarray, count: int) -> None:
    pieces_count, pieces = connected_pieces(left)
    if pieces_count == 1:
        return
    codes = []
    for a, b in (
        ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
        ((slice(1, None), slice(None)), (slice(None, -1), slice(None))),
    ):
        for here, beside in ((a, b), (b, a)):
            touch = (pieces[here] > 0) & (labels[beside] > 0)
            codes.append(pieces[here][touch].astype(np.int64) * (count + 1) + labels[beside][touch])
    pairs, length = np.unique(np.concatenate(codes), return_counts=True)
    joined = count + np.arange(pieces_count, dtype=np.int32)  # on its own unless it touches one
    order = np.argsort(length, kind="stable")  # the longest border is written last
    joined[pairs[order] // (count + 1)] = pairs[order] % (count + 1)
    inside = pieces > 0
    labels[inside] = joined[pieces[inside]]


def _fill_nearest(labels: np.ndarray) -> None:
    empty = (labels == 0).astype(np.uint8)
    if not empty.any() or empty.all():
        return
    _, nearest = nearest_zero(empty)
    labels[empty > 0] = labels[empty == 0][nearest[empty > 0]]
