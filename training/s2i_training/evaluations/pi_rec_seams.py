"""Whether the borders of tiles show: gradients across them beside gradients elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from rich.progress import track

from s2i_models.pi_rec.compact import CompactGenerator
from s2i_models.pi_rec.generators import Generator
from s2i_models.tiles import Tiling, paint_in_tiles
from s2i_training.evaluations.pi_rec_pictures import PAPER, HeldOut

# Lines of pixels on either side of a border that count as elsewhere.
_BESIDE = 16
# Room for the tile itself in the smallest windows, pixels.
_ROOM = 96
# The paper's networks look at whole windows; theirs are of this size.
_WINDOW = 256
_PICTURES = 6


@dataclass(frozen=True)
class Seams:
    """`at_borders`: mean gradient across the tiles' borders; `elsewhere`: across the lines beside
    them; `whole_at_borders`, `whole_elsewhere`: the same places in the picture painted at once;
    `difference`: the largest between both paintings. In steps of 255."""

    at_borders: float
    elsewhere: float
    whole_at_borders: float
    whole_elsewhere: float
    difference: float

    @property
    def added(self) -> float:
        """How much stronger gradients are at the borders than they would be without tiles, beside
        those elsewhere; 0 without seams."""
        if not (self.elsewhere and self.whole_elsewhere and self.whole_at_borders):
            return 0.0 if self.at_borders == self.whole_at_borders else float("inf")
        tiled = self.at_borders / self.elsewhere
        return tiled / (self.whole_at_borders / self.whole_elsewhere) - 1


def seam_report(held: Sequence[HeldOut], network: Generator, folder: Path) -> str:
    """A table for a ramp and for real pictures, painted by `network` in the smallest tiles that it
    can be given and at once. Also writes `seams.png`: in tiles, and what is different, enhanced.
    """
    tiling = smallest_tiles(network)
    # The longest that two tiles cover.
    side = 2 * (tiling.window - (tiling.reach or 0))
    step = max(1, len(held) // _PICTURES)
    chosen = [picture.large for picture in held[::step]][:_PICTURES]
    given = {"a ramp, no edges": [_ramp(side)], f"{len(chosen)} pictures": []}
    given[f"{len(chosen)} pictures"] = [_planes(picture, side) for picture in chosen]
    sheet: list[np.ndarray] = []
    lines = [
        f"Painted at {side}² in windows of at most {tiling.window} px and at once; mean gradients "
        f"in steps of 255, elsewhere is within {_BESIDE} px of a border:",
        "",
        "| | at borders | elsewhere | the same, at once | added by tiles | largest difference |",
        "|---|" + "---|" * 5,
    ]
    for name, planes in given.items():
        pairs = [paint_both(network, p, tiling) for p in track(planes, "tiles")]
        found = seams(pairs, borders(side, tiling))
        lines.append(
            f"| {name} | {found.at_borders:.3f} | {found.elsewhere:.3f} | "
            f"{found.whole_at_borders:.3f}, {found.whole_elsewhere:.3f} | {found.added:+.2%} | "
            f"{found.difference:.3f} |"
        )
        sheet += [_shown(*pair) for pair in pairs[:2]]
    Image.fromarray(np.vstack(sheet)).save(folder / "seams.png")
    return "\n".join(lines)


def smallest_tiles(network: Generator) -> Tiling:
    """The smallest tiles that `network` can be given, so that there are borders in small canvases;
    what depends on nothing beyond its reach keeps its reach around them."""
    if isinstance(network, CompactGenerator):
        reach = -(-network.reach // network.stride) * network.stride
        room = -(-_ROOM // network.stride) * network.stride
        return Tiling(2 * reach + room, network.stride, network.reach)
    return Tiling(_WINDOW, network.stride, None)


def borders(length: int, tiling: Tiling) -> list[int]:
    """Where tiles meet along an axis of `length` pixels: the first pixel of each but the first.

    Found by painting: each tile paints its own number, and where tiles go over into each other the
    border is where they count the same.
    """
    painted = 0

    def number(window: np.ndarray) -> np.ndarray:
        nonlocal painted
        painted += 1
        return np.full((*window.shape[:2], 1), painted, np.float32)

    strip = np.zeros((tiling.stride, length, 1), np.float32)
    owner = np.rint(paint_in_tiles(number, strip, tiling)[0, :, 0])
    return (np.flatnonzero(np.diff(owner)) + 1).tolist()


@torch.inference_mode()
def paint_both(
    network: Generator, planes: np.ndarray, tiling: Tiling
) -> tuple[np.ndarray, np.ndarray]:
    """Colors and edges (H, W, 4) float32 painted in tiles and at once, both (H, W, 3), 0 to 1."""

    def paint(window: np.ndarray) -> np.ndarray:
        batch = torch.from_numpy(window).permute(2, 0, 1)[None]
        painted = network(batch[:, :3], batch[:, 3:])[0].clamp(0, 1)
        return painted.permute(1, 2, 0).numpy()

    return paint_in_tiles(paint, planes, tiling), paint(planes)


def seams(pairs: Sequence[tuple[np.ndarray, np.ndarray]], places: Sequence[int]) -> Seams:
    """What shows in pairs of square pictures (S, S, 3), 0 to 1, painted in tiles that meet at
    `places` of both axes, and at once."""
    tiled, whole = zip(*pairs, strict=True)
    difference = max(float(np.abs(a - b).max()) for a, b in pairs) * 255
    return Seams(*_gradients(tiled, places), *_gradients(whole, places), difference)


def _gradients(pictures: Sequence[np.ndarray], places: Sequence[int]) -> tuple[float, float]:
    """Mean absolute step across the lines at `places`, and across those beside them."""
    at = np.array(places)
    beside = (at[:, None] + np.arange(-_BESIDE, _BESIDE + 1)).ravel()
    beside = np.setdiff1d(beside[(beside > 0) & (beside < len(pictures[0]))], at)
    sums = np.zeros(2)
    for picture in pictures:
        for turned in (picture, picture.transpose(1, 0, 2)):
            steps = np.abs(np.diff(turned, axis=0)).mean(axis=(1, 2)) * 255
            sums += steps[at - 1].mean(), steps[beside - 1].mean()
    at_borders, elsewhere = sums / (2 * len(pictures))
    return float(at_borders), float(elsewhere)


def _planes(picture: np.ndarray, side: int) -> np.ndarray:
    """A picture, enlarged, as the refiner is given it: soft, with the edges of that size."""
    large = cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)
    soft = cv2.resize(cv2.resize(large, None, fx=0.5, fy=0.5), (side, side))
    edges = PAPER.edges(large)[..., None]
    return np.dstack([soft.astype(np.float32) / 255, edges.astype(np.float32)])


def _ramp(side: int) -> np.ndarray:
    """Colors that change evenly in both directions, and no edges."""
    across = np.linspace(0.1, 0.9, side, dtype=np.float32)
    y, x = np.meshgrid(across, across, indexing="ij")
    return np.dstack([x, y, 1 - (x + y) / 2, np.zeros_like(x)])


def _shown(tiled: np.ndarray, whole: np.ndarray, side: int = 384) -> np.ndarray:
    """In tiles, at once, and ten times their difference."""
    parts = [tiled, whole, 10 * np.abs(tiled - whole)]
    small = [cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA) for part in parts]
    return (np.hstack(small).clip(0, 1) * 255).round().astype(np.uint8)
