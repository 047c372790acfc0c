"""`flats`: line art in, one flat color per region out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from s2i_models.flats.declaration import DECLARATION
from s2i_models.flats.hints import HintedRegions, apply_hints, read_hints
from s2i_models.flats.identity import Identity, identify
from s2i_models.flats.palette import color_of_ids
from s2i_models.flats.refine import segment_canvas
from s2i_models.flats.regions import RegionMap
from s2i_models.layers import color_labels, convert_depth
from s2i_models.lineart import (
    Paper,
    binary_ink,
    clean_lines,
    connected_pieces,
    estimate_paper,
    ink_strength,
    solid_blacks,
)
from s2i_models.pipeline import Layer, Pipeline, Request

_MEMORY = "flats.identity"


class PipelineImpl(Pipeline):
    """Segments the sketch, keeps regions' numbers over time, and colors them from the hints."""

    declaration = DECLARATION

    def run(self, request: Request) -> list[Layer]:
        step = request.progress.step
        sketch = request.images["sketch"]
        step(0.0, "reading ink")
        paper = estimate_paper(sketch)
        layers: dict[str, np.ndarray] = {}
        if {"flats", "regions", "blacks"} & set(request.outputs):
            layers = self._region_layers(request, paper)
        if "lines" in request.outputs:
            step(0.95, "cleaning lines")
            layers["lines"] = clean_lines(sketch, paper)
        origin = request.origins.get("sketch", (0, 0))
        return [Layer(name, layers[name], origin) for name in request.outputs]

    def _region_layers(self, request: Request, paper: Paper) -> dict[str, np.ndarray]:
        step = request.progress.step
        settings = request.parameters
        ink = binary_ink(ink_strength(request.images["sketch"], paper))
        depth = request.images["sketch"].dtype
        blacks = None
        if "blacks" in request.outputs or settings["blacks"] == "regions":
            step(0.1, "finding solid blacks")
            blacks = solid_blacks(ink)
        hinted = self._regions(request, ink, blacks)
        step(0.8, "numbering regions")
        previous = request.memory.get(_MEMORY)
        identity = identify(hinted.regions, previous if isinstance(previous, Identity) else None)
        request.memory[_MEMORY] = identity
        step(0.85, "coloring")
        layers = {}
        if "flats" in request.outputs:
            under = bool(settings["grow"])
            layers["flats"] = _flats(hinted, identity, depth, under)
        if "regions" in request.outputs:
            layers["regions"] = np.take(
                (identity.ids % 65536).astype(np.uint16), hinted.regions.labels
            )[..., None]
        if blacks is not None:
            layers["blacks"] = blacks.astype(np.uint8)[..., None] * 255
        return layers

    def _regions(
        self, request: Request, ink: np.ndarray, blacks: np.ndarray | None
    ) -> HintedRegions:
        settings = request.parameters
        gap = float(settings["gap"]) or None
        smallest = float(settings["smallest"])
        layer = request.images.get("hints")
        hints = None
        if layer is not None and layer.size:
            x, y = np.subtract(
                request.origins.get("hints", (0, 0)), request.origins.get("sketch", (0, 0))
            )
            hints = read_hints(layer, ink.shape, (int(x), int(y)))
        regions = segment_canvas(
            ink,
            gap if settings["close_gaps"] else 0.0,
            smallest**2 or None,
            None if hints is None else hints.mask(ink.shape),
            lambda fraction, name: request.progress.step(0.15 + 0.6 * fraction, name),
        )
        if blacks is not None and settings["blacks"] == "regions":
            regions = _blacks_as_regions(regions, blacks)
        if hints is None:
            depth = request.images["sketch"].dtype
            none = np.zeros(regions.count, bool)
            return HintedRegions(regions, none, np.zeros((regions.count, 3), depth))
        request.progress.step(0.75, "applying hints")
        return apply_hints(regions, hints)


def _blacks_as_regions(regions: RegionMap, blacks: np.ndarray) -> RegionMap:
    """Give each solid black area a label of its own."""
    count, pieces = connected_pieces(blacks)
    large = np.bincount(pieces.ravel(), minlength=count) >= regions.sliver
    large[0] = False
    new = np.zeros(count, np.int32)
    new[large] = regions.count + np.arange(int(large.sum()))
    labels = np.where(large[pieces], new[pieces], regions.labels)
    total = regions.count + int(large.sum())
    return replace(
        regions,
        labels=labels,
        areas=np.bincount(labels.ravel(), minlength=total),
        background=np.append(regions.background, np.zeros(total - regions.count, bool)),
    )


def _flats(
    hinted: HintedRegions, identity: Identity, depth: np.dtype, under_lines: bool
) -> np.ndarray:
    """The `flats` layer, RGBA in `depth`."""
    regions = hinted.regions
    colors = np.zeros((regions.count, 4), depth)
    colors[:, :3] = convert_depth(color_of_ids(identity.ids), depth)
    # Gray hints give their value to all three channels.
    colors[hinted.hinted, :3] = convert_depth(hinted.colors[hinted.hinted], depth)
    opaque = hinted.hinted | ~regions.background
    colors[opaque, 3] = convert_depth(np.ones(1, np.float32), depth)
    colors[~opaque] = 0
    flats = color_labels(regions.labels, colors)
    if not under_lines:
        flats[regions.ink > 0] = 0
    return flats
