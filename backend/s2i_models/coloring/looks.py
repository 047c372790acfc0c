"""Showing a drawing to a network once or several times, and what it paints on the average."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from s2i_models.coloring.view import View, shrink_hints, view_of
from s2i_models.flats.hints import Hints
from s2i_models.layers import convert_depth
from s2i_models.pipeline import Request

# By quality the looks at the drawing: size, relative to what the network was trained with, and
# whether mirrored.
Looks = Mapping[str, tuple[tuple[float, bool], ...]]


@dataclass(frozen=True)
class Grid:
    """What a network wants pictures to be like, in pixels.

    `work_size`: the longest side that it was trained with; `stride`: what sides are multiples of.
    """

    work_size: int
    stride: int

    def view_of(self, content: np.ndarray, relative: float = 1.0) -> View:
        """The window around `content` at `relative` times the network's size."""
        return view_of(content, round(relative * self.work_size), self.stride)


@dataclass(frozen=True)
class Network:
    """A network that colors lines on `grid`, on `device`, by `looks`.

    `forward` takes lines (B, 1, H, W), 0 ink to 1 paper, and hints (B, 4, H, W), sRGB 0 to 1 and
    mask, and returns (B, 4, H, W): sRGB and the coverage's logit.
    """

    forward: Callable[[Tensor, Tensor], Tensor]
    grid: Grid
    device: str
    looks: Looks


@dataclass(frozen=True)
class Painting:
    """What the network made on the inner grid of `view`, all float32: `colors` (h, w, 3),
    `coverage` (h, w), 1 where paint goes, and what it saw: `lines` (h, w), `hinted` (h, w), 1
    where there was a hint."""

    view: View
    colors: np.ndarray
    coverage: np.ndarray
    lines: np.ndarray
    hinted: np.ndarray


def paint(
    request: Request,
    network: Network,
    strength: np.ndarray,
    content: np.ndarray,
    hints: Hints | None,
) -> Painting:
    """What `network` paints, looking as often as the request's `quality` says.

    `strength`: float32 (H, W), how much each pixel is ink; `content`: (H, W) bool or uint8, true
    where there is ink or a hint. Adds to the request's timing and reports steps up to 0.6.
    """
    looks = network.looks[str(request.parameters["quality"])]
    seen_at = {}
    for relative in {relative for relative, _ in looks}:
        view = network.grid.view_of(content, relative)
        seen_at[relative] = view, 1 - view.shrink(strength), hints_on_grid(hints, view)
    view, lines, hinted = seen_at[looks[0][0]]
    shape = (view.inner_height, view.inner_width)
    total = np.zeros((*shape, 4), np.float32)
    seconds = 0.0
    for number, (relative, mirrored) in enumerate(looks):
        preview = None if number == 0 else _preview(total / number)
        request.progress.step(0.1 + 0.5 * number / len(looks), "painting", preview)
        own_view, own_lines, own_hints = seen_at[relative]
        begin = time.perf_counter()
        made = _look(network, own_lines, own_hints, mirrored)
        seconds += time.perf_counter() - begin
        made = made[: own_view.inner_height, : own_view.inner_width]
        how = cv2.INTER_AREA if relative >= 1 else cv2.INTER_LINEAR
        total += cv2.resize(made, shape[::-1], interpolation=how)
    request.timing["network"] = request.timing.get("network", 0.0) + seconds
    total /= len(looks)
    inner = (slice(0, shape[0]), slice(0, shape[1]))
    return Painting(view, total[..., :3], total[..., 3], lines[inner], hinted[..., 3][inner])


def hints_on_grid(hints: Hints | None, view: View) -> np.ndarray:
    """Hints as the network takes them, see `view.shrink_hints`; zeros without any."""
    if hints is None:
        return np.zeros((view.grid_height, view.grid_width, 4), np.float32)
    colors = convert_depth(hints.colors, np.dtype(np.float32))
    colors = np.broadcast_to(colors, (len(colors), 3))[hints.color]
    return shrink_hints(hints.y, hints.x, colors, view)


def _look(network: Network, lines: np.ndarray, hints: np.ndarray, mirrored: bool) -> np.ndarray:
    """One look: (h, w) and (h, w, 4) to color and coverage (h, w, 4), all float32 0 to 1."""
    batch = torch.from_numpy(np.dstack([lines, hints])).permute(2, 0, 1)[None]
    batch = batch.to(network.device)
    if mirrored:
        batch = batch.flip(3)
    with torch.inference_mode():
        made = network.forward(batch[:, :1], batch[:, 1:])
        made = torch.cat([made[:, :3], made[:, 3:].sigmoid()], dim=1)
    if mirrored:
        made = made.flip(3)
    return made[0].permute(1, 2, 0).float().cpu().numpy()


def _preview(made: np.ndarray) -> np.ndarray:
    return convert_depth(made[..., :3], np.dtype(np.uint8))
