"""From edges and colors to a picture, small first and then larger and larger.

The generator paints the whole picture at the size of its training, where it sees all of it. The
refiner paints over it, enlarged twice, with the edges of that size; then over that, and so on, up
to the size of detail. Everything beyond the first size may be painted in tiles.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import cv2
import numpy as np
import torch
from torch import nn

from s2i_models.pi_rec.compact import CompactGenerator
from s2i_models.pi_rec.generators import Generator
from s2i_models.pi_rec.reading import Size
from s2i_models.tiles import Tiling, paint_in_tiles

# Longest sides of windows, pixels: how much is painted at a time, and how much in little memory.
WINDOW, FRUGAL_WINDOW = 1344, 832
# The paper's network takes three times the memory for the same picture.
PAPER_WINDOW, FRUGAL_PAPER_WINDOW = 512, 256
# No side is shorter for a network, whose layers look at a quarter of it.
_LEAST_SIDE = 16


def sizes_to_paint(shape: tuple[int, ...], work_size: int, detail: int) -> list[Size]:
    """The sizes at which a canvas of `shape` is painted, the first of `work_size` at its longest.

    Each is twice the one before and the last of `detail` at its longest; so that this comes out,
    the second one may be less than twice the first. A `detail` below the work size counts as that.
    """
    sides = [max(detail, work_size)]
    while sides[-1] > work_size:
        sides.append(max(work_size, math.ceil(sides[-1] / 2)))
    return [size_of(shape, side) for side in reversed(sides)]


class Look:
    """Shows pictures to networks, in tiles, and tells how far it has come.

    `step` is told the share that is done of `total` pixels to be painted; `seconds` is how long
    the networks took.
    """

    def __init__(self, device: str, frugal: bool, total: int, step: Callable[[float], None]):
        self._device = device
        self._frugal = frugal
        self._total = total
        self._step = step
        self._done = 0
        self.seconds = 0.0

    def __call__(self, network: Generator, colors: np.ndarray, edges: np.ndarray) -> np.ndarray:
        """Colors (h, w, 3) float32 sRGB and edges bool (h, w) to a picture (h, w, 3), 0 to 1."""
        planes = np.dstack([colors, edges.astype(np.float32)])
        tiles_done = 0.0

        def begin_tile(done: float) -> None:
            nonlocal tiles_done
            tiles_done = done
            self._tell(done * edges.size)

        def paint(window: np.ndarray) -> np.ndarray:
            area = min(window.shape[0] * window.shape[1], (1 - tiles_done) * edges.size)

            def begin_layer(part: float) -> None:
                self._tell(tiles_done * edges.size + part * area)

            return self._paint(network, window, begin_layer)

        painted = paint_in_tiles(paint, planes, tiling_of(network, self._frugal), begin_tile)
        self._done += edges.size
        return painted

    @property
    def done(self) -> float:
        """The share of the work that is done."""
        return self._done / self._total

    def _tell(self, painted: float) -> None:
        """Of this picture, so many pixels are painted."""
        self._step((self._done + painted) / self._total)

    def _paint(
        self, network: Generator, window: np.ndarray, begin_layer: Callable[[float], None]
    ) -> np.ndarray:
        batch = torch.from_numpy(window).permute(2, 0, 1)[None].to(self._device)
        begin = time.perf_counter()
        with torch.inference_mode(), _stepping(network, begin_layer):
            painted = network(batch[:, :3], batch[:, 3:])
            painted = painted[0].permute(1, 2, 0).float().clamp(0, 1).cpu().numpy()
        self.seconds += time.perf_counter() - begin
        return painted


def tiling_of(network: Generator, frugal: bool) -> Tiling:
    """How a network is given large pictures."""
    if isinstance(network, CompactGenerator):
        window = max(FRUGAL_WINDOW if frugal else WINDOW, 3 * network.reach)
        return Tiling(window, network.stride, network.reach, _LEAST_SIDE)
    window = FRUGAL_PAPER_WINDOW if frugal else PAPER_WINDOW
    # Its norms look at the whole window, however far that reaches.
    return Tiling(window, network.stride, None, _LEAST_SIDE)


def refine(
    look: Look,
    refiner: Generator,
    painted: np.ndarray,
    edges: Sequence[np.ndarray],
    picture: np.ndarray | None = None,
) -> np.ndarray:
    """`painted` (h, w, 3) over and over, with each of `edges`: (H, W, 3) in the size of the last.

    With `picture`, of which `painted` is the small version, what is finer than a size comes from
    the picture, and what was changed at the sizes before is added to it.
    """
    before = painted
    for own in edges:
        given = resized(painted, own.shape)
        if picture is not None:
            detailed = resized(picture, own.shape)
            given = (detailed + given - resized(before, own.shape)).clip(0, 1)
            before = detailed
        painted = look(refiner, given, own)
    return painted


def resized(picture: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """A picture (h, w, C) at `size`, (height, width, …), smoothly."""
    if picture.shape[:2] == size:
        return picture
    height, width = size
    shrinks = height <= picture.shape[0] and width <= picture.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(picture, (width, height), interpolation=how)


def size_of(shape: tuple[int, ...], side: int) -> Size:
    """The size of a canvas of `shape` whose longer side is `side`."""
    height, width = (max(1, round(length * side / max(shape[0], shape[1]))) for length in shape[:2])
    return height, width


@contextmanager
def _stepping(network: nn.Module, step: Callable[[float], None]) -> Iterator[None]:
    """While a network works, tell `step` before each of its layers how many are behind it, 0 to 1.

    What `step` raises ends the work: a picture takes seconds, and nobody waits so long for a
    cancel.
    """
    layers = [module for module in network.modules() if not list(module.children())]
    behind = 0

    def begin_layer(_layer: nn.Module, _given: object) -> None:
        nonlocal behind
        step(behind / len(layers))
        behind += 1

    hooks = [layer.register_forward_pre_hook(begin_layer) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
