"""A held-out drawing and the picture it is to be colored like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from s2i_training.color_transfer import regions_of
from s2i_training.evaluations.drawings import Drawing
from s2i_training.metrics.sc_psnr import KeyPoints, key_points
from s2i_training.warp import random_thin_plate


@dataclass(frozen=True)
class Pair:
    """`reference`: (H, W, 4) uint8 sRGB, transparent where there is nothing; `usable`: (H, W)
    bool, its painted pixels off its ink; `points`: what corresponds, where that is known."""

    drawing: Drawing
    reference: np.ndarray
    usable: np.ndarray
    points: KeyPoints | None = None

    @cached_property
    def regions(self) -> tuple[np.ndarray, np.ndarray]:
        """The sketch's, for methods that snap; see `color_transfer.regions_of`."""
        return regions_of(self.drawing.sketch)


def with_itself(drawing: Drawing, seed: int) -> Pair:
    """The drawing and its own picture, bent as the paper's, its colors as they are."""
    warp = random_thin_plate(len(drawing.sketch), np.random.default_rng((seed, 4)))
    alpha = warp.valid.astype(np.uint8) * 255
    # Between two pixels only where both are usable.
    usable = warp.apply(drawing.measured.astype(np.uint8) * 255) == 255
    return Pair(
        drawing,
        np.dstack([warp.apply(drawing.color), alpha]),
        usable & warp.valid,
        key_points(warp),
    )


def with_others(drawings: Sequence[Drawing], seed: int = 0) -> list[Pair]:
    """Each drawing with the picture of another; each picture is the reference of one drawing.

    Raises ValueError when there is only one.
    """
    if len(drawings) < 2:
        raise ValueError("references are other drawings: pass --drawings 2 or more")
    order = np.random.default_rng((seed, 5)).permutation(len(drawings))
    # Once around in random order, so that none is its own.
    other = dict(zip(order.tolist(), np.roll(order, 1).tolist(), strict=True))
    pairs = []
    for index, drawing in enumerate(drawings):
        chosen = drawings[other[index]]
        opaque = np.full(chosen.sketch.shape, 255, np.uint8)
        pairs.append(Pair(drawing, np.dstack([chosen.color, opaque]), chosen.measured))
    return pairs
