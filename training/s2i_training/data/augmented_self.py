"""Training triples from single drawings: sketch, target and the target bent as reference.

Lee et al. 2020, section 3.1: the drawing's colors are changed, which gives the target; bent, the
target is its own reference. So colors can only be known from the reference, and where they are in
it is known from the warp.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import torch

from s2i_training.data.lineart import LineArtDataset
from s2i_training.hints import HintSampler
from s2i_training.warp import Warp, random_affine, random_thin_plate

# Of the paper: each channel of RGB moves by up to this much.
INTENSITY_SHIFT = 50 / 255
# Shares of drawings whose hue is turned, whose channels are exchanged, and of references that are
# bent by the spline alone.
_TURNED, _EXCHANGED, _PLAIN_BEND = 0.35, 0.15, 0.4
# Share of samples with hints on top of the reference; most of the time an artist gives none.
_HINTED = 0.3


def shift_intensity(color: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The paper's appearance transform a(·): one random shift for each channel of (…, 3), 0 to 1,
    clipped."""
    shift = rng.uniform(-INTENSITY_SHIFT, INTENSITY_SHIFT, 3).astype(np.float32)
    return np.clip(color + shift, 0, 1)


def change_colors(color: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The intensity shift, and now and then colors that nothing has by nature: (H, W, 3), 0 to 1.

    Hue is turned, or channels change places. With mild shifts alone a network does best by
    guessing that leaves are green; so it learns to look.
    """
    choice = rng.random()
    if choice < _TURNED:
        hsv = cv2.cvtColor(np.ascontiguousarray(color, np.float32), cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0] + rng.uniform(0, 360)) % 360
        color = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    elif choice < _TURNED + _EXCHANGED:
        color = color[..., rng.permutation(3)]
    return shift_intensity(color, rng)


class AugmentedSelfDataset:
    """Triples of the drawings of `drawings`; an `EpochDataset`.

    Items, all float32: `lines` (1, S, S), 0 ink to 1 paper; `hints` (4, S, S), mostly empty;
    `color` (3, S, S), the target on white; `painted` (1, S, S), coverage; `reference` (4, S, S),
    sRGB and valid, the target bent; `place` (S / cell, S / cell, 2), for each cell of the sketch
    the position (x, y) in cells of the reference, NaN where it is not there.

    `change`: whether colors are changed; at test the paper bends only. `harder`: whether most
    references are also turned, sized and mirrored, and colors change more than by the paper's
    shift.
    """

    def __init__(
        self,
        drawings: LineArtDataset,
        cell: int,
        seed: int = 0,
        *,
        change: bool = True,
        harder: bool = True,
        hinted: float = _HINTED,
    ):
        self.drawings = drawings
        self.cell = cell
        self.seed = seed
        self.epoch = 0
        self._change = change
        self._harder = harder
        self._sampler = HintSampler(none=1 - hinted, most=8)

    def __len__(self) -> int:
        return len(self.drawings)

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        self.drawings.set_epoch(epoch)

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        item = self.drawings[index]
        rng = np.random.default_rng((self.seed, self.epoch, index, 2))
        color = item["color"].permute(1, 2, 0).numpy()  # type: ignore[union-attr]
        painted = item["painted"][0].numpy()  # type: ignore[index]
        lines = item["lines"][0].numpy()  # type: ignore[index]
        if self._change:
            changed = (change_colors if self._harder else shift_intensity)(color, rng)
            # Paper stays white: coverage leaves it alone.
            color = painted[..., None] * changed + (1 - painted[..., None]) * color
        size = len(lines)
        plain = not self._harder or rng.random() < _PLAIN_BEND
        warp = random_thin_plate(
            size,
            rng,
            reach=0.25 if plain else float(rng.uniform(0.05, 0.2)),
            affine=None if plain else random_affine(rng),
        )
        hints = self._sampler(color, painted, lines, rng)
        return {
            "lines": torch.from_numpy(lines[None]),
            "hints": _planes(hints),
            "color": _planes(color),
            "painted": torch.from_numpy(painted[None]),
            "reference": _planes(bend(color, warp)),
            "place": torch.from_numpy((warp.correspondence(self.cell) + 0.5) / self.cell - 0.5),
        }


def bend(color: np.ndarray, warp: Warp) -> np.ndarray:
    """A picture (H, W, 3) bent, with valid as the fourth channel: (H, W, 4) float32.

    What lies outside is black, and not valid: no color is taken from it.
    """
    return np.dstack([warp.apply(color), warp.valid.astype(np.float32)])


def _planes(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32))
