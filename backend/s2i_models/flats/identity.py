"""Stable numbers for regions, so that a region keeps its color while the artist draws on.

A region of the new map is the old one with which it shares most pixels, if that one, too, shares
most pixels with it. Everything else gets a number that was never used in this document.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from s2i_models.flats.regions import RegionMap

# Maps are compared on at most this many pixels per side.
COMPARED_SIZE = 512


@dataclass(frozen=True)
class Identity:
    """What is remembered of a result.

    `ids`: int64 (count,), the number of each label; the background (label 0) is 0.
    `next_id`: the first number never used. `map`: int32, the ids of a thinned-out canvas, and
    `shape` that canvas's (height, width).
    """

    ids: np.ndarray
    next_id: int
    map: np.ndarray
    shape: tuple[int, int]


def identify(regions: RegionMap, previous: Identity | None = None) -> Identity:
    """Number the regions as `previous` did wherever they are the same.

    After a change of canvas size all numbers are new.
    """
    shape = regions.labels.shape
    every = max(1, -(-max(shape) // COMPARED_SIZE))
    sample = regions.labels[::every, ::every]
    ids = np.full(regions.count, -1, np.int64)
    ids[0] = 0
    next_id = 1
    if previous is not None and previous.shape == shape:
        next_id = previous.next_id
        _take_over(ids, sample, previous.map)
    new = ids < 0
    ids[new] = next_id + np.arange(int(new.sum()))
    return Identity(
        ids, next_id + int(new.sum()), ids[sample].astype(np.int32), (shape[0], shape[1])
    )


def _take_over(ids: np.ndarray, sample: np.ndarray, old: np.ndarray) -> None:
    """Fill `ids` where a new label and an old id are each other's largest overlap."""
    pair = sample.astype(np.int64).ravel() * (int(old.max()) + 1) + old.ravel()
    pairs, overlap = np.unique(pair, return_counts=True)
    label, old_id = pairs // (int(old.max()) + 1), pairs % (int(old.max()) + 1)
    # The background is always 0 and not to be had by others.
    usable = (label > 0) & (old_id > 0)
    label, old_id, overlap = label[usable], old_id[usable], overlap[usable]
    order = np.argsort(overlap, kind="stable")  # the largest overlap is written last
    best_old = np.full(len(ids), -1, np.int64)
    best_old[label[order]] = old_id[order]
    best_new = np.full(int(old.max()) + 1, -1, np.int64)
    best_new[old_id[order]] = label[order]
    matched = np.flatnonzero(best_old >= 0)
    matched = matched[best_new[best_old[matched]] == matched]
    ids[matched] = best_old[matched]
