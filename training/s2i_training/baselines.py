"""What colorization is measured against: methods an artist has today."""

from __future__ import annotations

import cv2
import numpy as np

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
