"""The held-out pictures that PI-REC is measured on, and what it is given of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from s2i_models.color_domain.domain import color_domain
from s2i_models.pi_rec.reading import read_edges, shrink_edges
from s2i_training.data.edges_and_colors import SIDE, Preparation, open_pictures
from s2i_training.data.manifest import read_manifest

SCALE = 2
LARGE = SCALE * SIDE
PAPER = Preparation()  # with the values of the paper's own test


@dataclass(frozen=True)
class HeldOut:
    """A picture, its edges and its color domain, at SIDE² and at LARGE².

    `small`, `large`, `domain`, `large_domain`: (S, S, 3) uint8 sRGB; `edges`, `large_edges`: (S, S)
    bool. `lines`: a drawing's own lines as edges at SIDE², None where it has none.
    """

    small: np.ndarray
    large: np.ndarray
    domain: np.ndarray
    large_domain: np.ndarray
    edges: np.ndarray
    large_edges: np.ndarray
    lines: np.ndarray | None

    @classmethod
    def of(cls, large: np.ndarray, ink: np.ndarray | None = None) -> HeldOut:
        """Prepared from a picture (LARGE, LARGE, 3) uint8 and its `ink`, (LARGE, LARGE) float32,
        0 to 1. The large color domain has the small one's values, kernels enlarged."""
        small = cv2.resize(large, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        kernels = (SCALE * PAPER.blur + 1, SCALE * PAPER.soften + 1)
        return cls(
            small,
            large,
            PAPER.domain(small),
            color_domain(large, PAPER.colors, *kernels),
            PAPER.edges(small),
            PAPER.edges(large),
            None if ink is None else shrink_edges(read_edges(ink, large.shape[:2]), (SIDE, SIDE)),
        )


def held_out_pictures(data: Path, count: int, seed: int = 0) -> list[HeldOut]:
    """`count` test pictures of a built set, drawings or faces, chosen at random but always the
    same, no subject twice. Raises ValueError when the set holds fewer."""
    items = [item for item in read_manifest(data) if item.split == "test"]
    order = np.random.default_rng((seed, 7)).permutation(len(items)).tolist()
    first = {}
    for index in order:
        first.setdefault(items[index].subject, index)
    if len(first) < count:
        raise ValueError(
            f"{data} holds {len(first)} held-out subjects, {count} were asked for: "
            "build a larger set with `s2i-train data build`, or pass a smaller --drawings"
        )
    pictures = open_pictures(data, "test", LARGE)
    chosen = list(first.values())[:count]
    return [_prepared(pictures[i], items[i].lines is not None) for i in chosen]


def domain_of_set(data: Path) -> str:
    """What a set's pictures are, in the words of weights files: "faces" or "drawings"."""
    faces = all(item.subject.startswith("face:") for item in read_manifest(data))
    return "faces" if faces else "drawings"


def _prepared(item: Mapping[str, Any], inked: bool) -> HeldOut:
    large = np.rint(item["color"].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    return HeldOut.of(large, 1 - item["lines"][0].numpy() if inked else None)
