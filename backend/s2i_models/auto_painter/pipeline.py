"""`auto_painter`: line art and color hints in, colored layers out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from s2i_models.auto_painter.declaration import DECLARATION
from s2i_models.auto_painter.drawing import Drawing
from s2i_models.auto_painter.generators import load_generator
from s2i_models.auto_painter.leaks import split_background
from s2i_models.auto_painter.palette import read_palette
from s2i_models.auto_painter.snap import (
    keep_to_palette,
    nearest_color,
    region_colors,
    shading,
)
from s2i_models.auto_painter.view import View, shrink_hints, view_of
from s2i_models.flats.hints import HintedRegions, Hints, apply_hints, read_hints
from s2i_models.flats.regions import join_slivers
from s2i_models.layers import color_labels, compose, convert_depth, stack
from s2i_models.pipeline import Layer, Pipeline, Request

# Looks at the drawing: size, relative to what the network was trained with, and whether mirrored.
LOOKS = {
    "fast": ((1.0, False),),
    "best": ((1.0, False), (1.0, True), (4 / 3, False), (4 / 3, True)),
}
# Regions are looked for on at most this many samples per side when colors are assigned.
SAMPLES = 1024
# A closed region that the network covers less than this is a hole, such as a handle's.
LEAST_COVERAGE = 0.25


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


class PipelineImpl(Pipeline):
    """The network on a small grid, its colors snapped to the full-size regions of the drawing."""

    declaration = DECLARATION
    weights_name = "auto_painter"

    def __init__(self, weights: Path | None = None, device: str = "cpu"):
        super().__init__(weights, device)
        if weights is None:
            raise ValueError("auto_painter needs a file of weights")
        self.network = load_generator(weights, device)

    def memory_bytes(self) -> int:
        return sum(p.numel() * p.element_size() for p in self.network.parameters())

    def run(self, request: Request) -> list[Layer]:
        step, settings = request.progress.step, request.parameters
        sketch = request.images["sketch"]
        step(0.0, "reading the lines")
        palette = read_palette(request.images["palette"]) if "palette" in request.images else None
        drawing = Drawing.of(sketch, request.memory)
        ink = drawing.ink
        hints = _hints_on_canvas(request)
        hinted_pixels = None if hints is None else hints.mask(ink.shape)
        content = ink if hinted_pixels is None else cv2.bitwise_or(ink, hinted_pixels)
        painting = self._paint(request, drawing.strength, content, hints)

        step(0.6, "finding regions")
        pieces = drawing.pieces(
            float(settings["gap"]) or None,
            lambda fraction, name: step(0.6 + 0.2 * fraction, name),
        )
        regions = join_slivers(pieces, hinted_pixels)
        regions = split_background(regions, painting.coverage, painting.hinted, painting.view)
        if hints is None:
            none = np.zeros(regions.count, bool)
            hinted = HintedRegions(regions, none, np.zeros((regions.count, 3), sketch.dtype))
        else:
            hinted = apply_hints(regions, hints)
        step(0.85, "laying colors")
        layers = _color_layers(request, painting, hinted, palette)
        step(0.95, "handing over")
        if {"lines", "color"} & set(request.outputs):
            layers["lines"] = drawing.lines
            if "color" in request.outputs:
                layers["color"] = compose(layers["flats"], layers["shade"], drawing.lines)
        _stack_channels(layers, request.outputs)
        origin = request.origins.get("sketch", (0, 0))
        return [Layer(name, layers[name], origin) for name in request.outputs]

    def _paint(
        self, request: Request, strength: np.ndarray, content: np.ndarray, hints: Hints | None
    ) -> Painting:
        looks = LOOKS[str(request.parameters["quality"])]
        seen_at = {}
        for relative in {relative for relative, _ in looks}:
            size = round(relative * self.network.work_size)
            view = view_of(content, size, self.network.stride)
            seen_at[relative] = view, 1 - view.shrink(strength), _hints_on_grid(hints, view)
        view, lines, hinted = seen_at[looks[0][0]]
        shape = (view.inner_height, view.inner_width)
        total = np.zeros((*shape, 4), np.float32)
        seconds = 0.0
        for number, (relative, mirrored) in enumerate(looks):
            preview = None if number == 0 else _preview(total / number)
            request.progress.step(0.1 + 0.5 * number / len(looks), "painting", preview)
            own_view, own_lines, own_hints = seen_at[relative]
            begin = time.perf_counter()
            made = self._forward(own_lines, own_hints, mirrored)
            seconds += time.perf_counter() - begin
            made = made[: own_view.inner_height, : own_view.inner_width]
            total += cv2.resize(made, shape[::-1], interpolation=cv2.INTER_AREA)
        request.timing["network"] = seconds
        total /= len(looks)
        inner = (slice(0, shape[0]), slice(0, shape[1]))
        return Painting(view, total[..., :3], total[..., 3], lines[inner], hinted[..., 3][inner])

    def _forward(self, lines: np.ndarray, hints: np.ndarray, mirrored: bool) -> np.ndarray:
        """One look: (h, w) and (h, w, 4) to color and coverage (h, w, 4), all float32 0 to 1."""
        batch = torch.from_numpy(np.dstack([lines, hints])).permute(2, 0, 1)[None]
        batch = batch.to(self.device)
        if mirrored:
            batch = batch.flip(3)
        with torch.inference_mode():
            made = self.network(batch[:, :1], batch[:, 1:])
            made = torch.cat([made[:, :3], made[:, 3:].sigmoid()], dim=1)
        if mirrored:
            made = made.flip(3)
        return made[0].permute(1, 2, 0).float().cpu().numpy()


def _hints_on_canvas(request: Request) -> Hints | None:
    layer = request.images.get("hints")
    if layer is None or layer.size == 0:
        return None
    x, y = np.subtract(request.origins.get("hints", (0, 0)), request.origins.get("sketch", (0, 0)))
    return read_hints(layer, request.images["sketch"].shape, (int(x), int(y)))


def _hints_on_grid(hints: Hints | None, view: View) -> np.ndarray:
    if hints is None:
        return np.zeros((view.grid_height, view.grid_width, 4), np.float32)
    colors = convert_depth(hints.colors, np.dtype(np.float32))
    colors = np.broadcast_to(colors, (len(colors), 3))[hints.color]
    return shrink_hints(hints.y, hints.x, colors, view)


def _color_layers(
    request: Request, painting: Painting, hinted: HintedRegions, palette: np.ndarray | None
) -> dict[str, np.ndarray]:
    """`flats` (H, W, 4) and, where asked for, `shade` (H, W) and `smooth` (H, W, 3), in the
    sketch's depth. `palette`: (k, 3) in any depth, the only colors for what has no hint."""
    regions, view = hinted.regions, painting.view
    depth = request.images["sketch"].dtype
    labels = regions.labels
    height, width = labels.shape

    colors = _colors_of_regions(painting, labels, regions.count)
    colors = _saturate(colors, float(request.parameters["saturation"]))
    hint_colors = convert_depth(hinted.colors[hinted.hinted], np.dtype(np.float32))
    hint_colors = np.broadcast_to(hint_colors, (len(hint_colors), 3))
    colors = keep_to_palette(colors, hint_colors, float(request.parameters["keep_to_hints"]))
    table = np.zeros((regions.count, 4), depth)
    table[:, :3] = convert_depth(colors, depth)
    table[hinted.hinted, :3] = convert_depth(hinted.colors[hinted.hinted], depth)
    table[:, 3] = convert_depth(np.ones(1, np.float32), depth)
    covered = _coverage_of_regions(painting, labels, regions.count)
    empty = regions.background | (covered < LEAST_COVERAGE)
    table[empty & ~hinted.hinted] = 0
    locked = table
    if palette is not None:
        chosen, _ = nearest_color(colors, convert_depth(palette, np.dtype(np.float32)))
        snapped = ~hinted.hinted & (table[:, 3] > 0)
        locked = table.copy()
        locked[snapped, :3] = convert_depth(palette, depth)[chosen[snapped]]
    layers = {"flats": color_labels(labels, locked)}

    if {"shade", "color"} & set(request.outputs):
        small = labels[_under(view, labels)]
        # Relative to what was painted: else a palette's darker color would be lightened again.
        flat = convert_depth(table[small, :3], np.dtype(np.float32))
        shade = shading(painting.colors, flat, float(request.parameters["shading"]))
        shade[table[small, 3] == 0] = 1
        plane = view.enlarge(convert_depth(shade, _warpable(depth)), width, height)
        layers["shade"] = convert_depth(plane, depth)
    if "smooth" in request.outputs:
        soft = view.enlarge(convert_depth(painting.colors, _warpable(depth)), width, height)
        layers["smooth"] = convert_depth(soft, depth)
    return layers


def _stack_channels(layers: dict[str, np.ndarray], outputs: tuple[str, ...]) -> None:
    """Make RGBA of the layers that are asked for."""
    alpha = layers["flats"][..., 3]
    if "shade" in outputs:
        layers["shade"] = stack(*[layers["shade"]] * 3, alpha)
    if "smooth" in outputs:
        layers["smooth"] = stack(*np.moveaxis(layers["smooth"], 2, 0), alpha)
    if "lines" in outputs and layers["lines"].shape[2] == 2:
        gray, cover = np.moveaxis(layers["lines"], 2, 0)
        layers["lines"] = stack(gray, gray, gray, cover)


def _colors_of_regions(painting: Painting, labels: np.ndarray, count: int) -> np.ndarray:
    """(count, 3) float32: what the network painted most in each region."""
    view = painting.view
    small = labels[_under(view, labels)]
    colors, seen = region_colors(small, painting.colors, painting.lines > 0.5, count)
    if seen.all():
        return colors
    # Regions smaller than a grid pixel take the color of the grid pixel they lie in.
    stride = max(1, -(-max(labels.shape) // SAMPLES))
    dense = labels[stride // 2 :: stride, stride // 2 :: stride]
    place = np.full(count, -1)
    place[dense.ravel()] = np.arange(dense.size)
    lost = np.flatnonzero(~seen & (place >= 0))
    y, x = np.divmod(place[lost], dense.shape[1])
    row, column = view.grid_positions(y * stride + stride // 2, x * stride + stride // 2)
    colors[lost] = painting.colors[row, column]
    return colors


def _coverage_of_regions(painting: Painting, labels: np.ndarray, count: int) -> np.ndarray:
    """(count,) mean coverage off the ink; 1 for regions too small to tell."""
    small = labels[_under(painting.view, labels)].ravel()
    free = (painting.lines > 0.5).ravel().astype(np.float32)
    size = np.bincount(small, weights=free, minlength=count)
    total = np.bincount(small, weights=free * painting.coverage.ravel(), minlength=count)
    return np.where(size > 0, total / np.maximum(size, 1), 1.0)


def _under(view: View, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of the label under each inner pixel of the grid."""
    rows, columns = view.positions(labels.shape)
    return rows[:, None], columns


def _saturate(colors: np.ndarray, amount: float) -> np.ndarray:
    gray = colors @ np.array([0.299, 0.587, 0.114], np.float32)
    return (gray[:, None] + amount * (colors - gray[:, None])).clip(0, 1)


def _warpable(depth: np.dtype) -> np.dtype:
    """The depth nearest to `depth` that OpenCV resamples."""
    return np.dtype(np.float32) if depth == np.float16 else depth


def _preview(made: np.ndarray) -> np.ndarray:
    return convert_depth(made[..., :3], np.dtype(np.uint8))
