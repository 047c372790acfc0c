"""Figures whose outline is open: paint them as far as the network says that paint goes.

What an open outline encloses belongs to the background for `flats`, so it would stay empty, and a
hint in it would flood the canvas. The network's coverage tells figure from paper there.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from s2i_models.coloring.view import View
from s2i_models.flats.regions import RegionMap
from s2i_models.layers import look_up

# Narrower parts, in pixels of the grid, are the coverage's inaccuracy along an outline.
NARROWEST = 5
SMALLEST = 60  # pixels of the grid
# A part counts as figure where the network is sure and lines enclose most of it; the paper
# between two arms has neither.
SURE = 0.65
ENCLOSED = 0.5


def split_background(
    regions: RegionMap, coverage: np.ndarray, hinted: np.ndarray, view: View
) -> RegionMap:
    """Make regions of their own of the parts of the background that paint covers.

    `coverage`: (h, w) float32, 0 to 1, and `hinted`: (h, w) float32, 1 where there is a hint, on
    the inner part of the grid of `view`. A hint vouches for the part it lies in. Returns `regions`
    itself when the background is empty, as it is for closed outlines.
    """
    rows, columns = view.positions(regions.labels.shape)
    place = rows[:, None], columns
    ink = regions.ink[place] > 0
    outside = regions.background[regions.labels[place]] & ~ink
    covered = (outside & (coverage > 0.5)).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (NARROWEST, NARROWEST))
    covered = cv2.morphologyEx(covered, cv2.MORPH_OPEN, disc)
    count, found_pieces = cv2.connectedComponents(covered, connectivity=4)
    pieces = np.asarray(found_pieces, np.int32)
    kept = np.bincount(pieces.ravel(), minlength=count) >= SMALLEST
    kept &= _mean(pieces, coverage, count) >= SURE
    around = cv2.dilate(pieces.astype(np.float32), disc).astype(np.int32)
    around[pieces > 0] = 0
    kept &= _mean(around, ink.astype(np.float32), count) >= ENCLOSED
    kept |= _mean(pieces, hinted, count) > 0
    kept[0] = False
    if not kept.any():
        return regions
    numbers = np.zeros(count, np.int32)
    numbers[kept] = regions.count + np.arange(int(kept.sum()))
    # Wider, to reach under the lines.
    wide = cv2.dilate(numbers[pieces].astype(np.float32), disc)
    labels = regions.labels
    height, width = labels.shape
    soft = np.where(wide > 0, coverage, 0).astype(np.float32)
    inside = view.enlarge(soft, width, height) > 0.5
    inside &= look_up(regions.background, labels)
    row, column = view.grid_positions(np.arange(height), np.arange(width))
    piece = wide.astype(np.int32)[:, column][row]
    # On the piece's smooth border the nearest grid pixel may lie outside of it: leave it empty.
    inside &= piece > 0
    labels = np.where(inside, piece, labels)
    areas = np.bincount(labels.ravel(), minlength=regions.count + int(kept.sum()))
    return replace(
        regions,
        labels=labels,
        background=np.append(regions.background, np.zeros(int(kept.sum()), bool)),
        areas=areas,
    )


def _mean(labels: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Mean of `values` per label, (count,); 0 for labels that no pixel has."""
    sizes = np.bincount(labels.ravel(), minlength=count)
    total = np.bincount(labels.ravel(), weights=values.ravel(), minlength=count)
    return total / np.maximum(sizes, 1)
