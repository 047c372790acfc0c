"""A sketch and hints to colored layers, whichever network paints: the way all of it goes."""

from __future__ import annotations

import cv2
import numpy as np

from s2i_models.coloring.drawing import Drawing
from s2i_models.coloring.laying import Laying, color_layers, stack_channels
from s2i_models.coloring.leaks import split_background
from s2i_models.coloring.looks import Network, paint
from s2i_models.flats.hints import HintedRegions, Hints, apply_hints, read_hints
from s2i_models.flats.regions import join_slivers
from s2i_models.layers import compose
from s2i_models.pipeline import Request


def colorize(request: Request, network: Network, laying: Laying) -> dict[str, np.ndarray]:
    """The layers that `declared.LAYERS` names, those that `request.outputs` asks for among them.

    All of them are (H, W, 4) in the sketch's size and depth. Takes the request's `sketch`,
    `hints`, `quality` and `gap`, and keeps what the sketch tells in its memory. Reports steps
    from 0 to 0.95.
    """
    step, settings = request.progress.step, request.parameters
    sketch = request.images["sketch"]
    step(0.0, "reading the lines")
    drawing = Drawing.of(sketch, request.memory)
    ink = drawing.ink
    hints = hints_on_canvas(request)
    hinted_pixels = None if hints is None else hints.mask(ink.shape)
    content = ink if hinted_pixels is None else cv2.bitwise_or(ink, hinted_pixels)
    painting = paint(request, network, drawing.strength, content, hints)

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
    layers = color_layers(painting, hinted, laying, sketch.dtype, request.outputs)
    step(0.95, "handing over")
    if {"lines", "color"} & set(request.outputs):
        layers["lines"] = drawing.lines
        if "color" in request.outputs:
            layers["color"] = compose(layers["flats"], layers["shade"], drawing.lines)
    stack_channels(layers, request.outputs)
    return layers


def hints_on_canvas(request: Request, name: str = "hints") -> Hints | None:
    """The request's layer `name` as hints on its sketch; None where there is no such layer."""
    layer = request.images.get(name)
    if layer is None or layer.size == 0:
        return None
    x, y = np.subtract(request.origins.get(name, (0, 0)), request.origins.get("sketch", (0, 0)))
    return read_hints(layer, request.images["sketch"].shape, (int(x), int(y)))
