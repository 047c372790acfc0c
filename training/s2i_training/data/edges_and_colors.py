"""What PI-REC is trained on: a picture, its edges, and its color domain, prepared anew each time.

Hyperparameter confusion is the paper's: blurs, kernels and the number of colors are drawn for
each item from ranges, and 8 % of the edge pixels are taken out. Ours are that drawings are often
seen with their own lines as edges, as artists will give them, and that now and then there are no
edges or no colors at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import torch
from torch import Tensor

from s2i_models.color_domain.domain import color_domain
from s2i_models.edges_from_image.canny import canny
from s2i_models.pi_rec.reading import read_edges, shrink_edges
from s2i_training.data.face_dataset import FaceDataset
from s2i_training.data.lineart import LineArtDataset
from s2i_training.data.manifest import Split, read_manifest
from s2i_training.free_form_masks import free_form_mask

# Pixels at which kernels and blurs are counted.
SIDE = 128


@dataclass(frozen=True)
class Preparation:
    """How a color domain and edges are made: `sigma` of the edges' blur, number of `colors`,
    kernels `blur` and `soften` of the median filters; pixels of a picture of SIDE pixels.

    The values here are those that the paper's code tests with.
    """

    sigma: float = 3.5
    colors: int = 3
    blur: int = 25
    soften: int = 3

    @classmethod
    def confused(cls, rng: np.random.Generator) -> Preparation:
        """Drawn from the paper's ranges."""
        return cls(
            sigma=int(rng.integers(25, 55)) / 10,
            colors=int(rng.integers(2, 6)),
            blur=2 * int(rng.integers(7, 18)) + 1,
            soften=2 * int(rng.integers(1, 4)) - 1,
        )

    def edges(self, picture: np.ndarray) -> np.ndarray:
        """Edges of a square picture (S, S, 3) uint8 RGB of any size: bool (S, S)."""
        return canny(picture, self.sigma, len(picture) / SIDE)

    def domain(self, picture: np.ndarray, seed: int = 0) -> np.ndarray:
        """Color domain of a picture (SIDE, SIDE, 3) uint8 RGB, of the same shape."""
        return color_domain(picture, self.colors, self.blur, self.soften, seed)


@dataclass(frozen=True)
class Confusion:
    """What is drawn anew for each item. `hyperparameters`: whether they are drawn at all.

    Shares: `dropped` of edge pixels (the paper's 8 %), `drawn` of the drawings whose own lines
    are the edges, `no_edges` and `no_colors` of the items without (ours).
    """

    hyperparameters: bool = True
    dropped: float = 0.08
    drawn: float = 0.5
    no_edges: float = 0.03
    no_colors: float = 0.04


class Pictures(Protocol):
    """A set of pictures; an `EpochDataset` whose items have `color` (3, S, S), 0 to 1, and
    `lines` (1, S, S), 0 ink to 1 paper, where the pictures are drawings."""

    size: int

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Mapping[str, Any]: ...

    def set_epoch(self, epoch: int) -> None: ...


def open_pictures(root: Path, split: Split, size: int, seed: int = 0) -> Pictures:
    """The pictures of a built set, drawings or faces, at `size` pixels; augmented for training."""
    if any(item.lines is not None for item in read_manifest(root)):
        return LineArtDataset(root, split, size, seed)
    return FaceDataset(root, split, size, seed)


class EdgesAndColors:
    """An `EpochDataset` of pictures with what PI-REC is given of them.

    Items: `picture` (3, S, S) with S the pictures' size, `small` (3, SIDE, SIDE) the same small;
    `edges` (1, S, S) and `small_edges` (1, SIDE, SIDE), 1 where an edge is; `domain`
    (3, SIDE, SIDE); `mask` (1, SIDE, SIDE), 1 where the imitation phase hides the picture. All
    float32, 0 to 1, colors sRGB.
    """

    def __init__(self, pictures: Pictures, confusion: Confusion, seed: int = 0):
        self.pictures = pictures
        self.confusion = confusion
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.pictures)

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        self.pictures.set_epoch(epoch)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        item = self.pictures[index]
        rng = np.random.default_rng((self.seed, self.epoch, index, 5))
        color = item["color"].permute(1, 2, 0).numpy()
        picture = np.rint(color * 255).astype(np.uint8)
        small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        confusion = self.confusion
        how = Preparation.confused(rng) if confusion.hyperparameters else Preparation()
        pair = self._edges(item, picture, small, how, rng)
        domain = how.domain(small, int(rng.integers(2**31)))
        if rng.random() < confusion.no_colors:
            domain = np.full_like(small, 255)
        if rng.random() < confusion.no_edges:
            pair = [np.zeros_like(edges) for edges in pair]
        edges, small_edges = (_without(edges, confusion.dropped, rng) for edges in pair)
        mask = free_form_mask(SIDE, SIDE, rng)
        return {
            "picture": _planes(picture),
            "small": _planes(small),
            "edges": torch.from_numpy(edges[None].astype(np.float32)),
            "small_edges": torch.from_numpy(small_edges[None].astype(np.float32)),
            "domain": _planes(domain),
            "mask": torch.from_numpy(mask[None]),
        }

    def _edges(
        self,
        item: Mapping[str, Any],
        picture: np.ndarray,
        small: np.ndarray,
        how: Preparation,
        rng: np.random.Generator,
    ) -> list[np.ndarray]:
        """The edges at full and at small size: the drawing's own lines, or Canny's."""
        if "lines" in item and rng.random() < self.confusion.drawn:
            edges = read_edges(1 - item["lines"][0].numpy(), picture.shape[:2])
            return [edges, shrink_edges(edges, small.shape[:2])]
        return [how.edges(picture), how.edges(small)]


def _without(edges: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    return edges & (rng.random(edges.shape, np.float32) >= share)


def _planes(picture: np.ndarray) -> Tensor:
    planes = np.ascontiguousarray(picture.transpose(2, 0, 1))
    return torch.from_numpy(planes).float() / 255
