"""`auto_painter`: line art and color hints in, colored layers out."""

from __future__ import annotations

from pathlib import Path

from s2i_models.auto_painter.declaration import DECLARATION
from s2i_models.auto_painter.generators import load_generator
from s2i_models.coloring.colorize import colorize
from s2i_models.coloring.laying import Laying
from s2i_models.coloring.looks import Grid, Looks, Network
from s2i_models.coloring.palette import read_palette
from s2i_models.pipeline import Layer, Pipeline, Request

LOOKS: Looks = {
    "fast": ((1.0, False),),
    "best": ((1.0, False), (1.0, True), (4 / 3, False), (4 / 3, True)),
}


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
        settings, images = request.parameters, request.images
        laying = Laying(
            palette=read_palette(images["palette"]) if "palette" in images else None,
            keep_to_hints=float(settings["keep_to_hints"]),
            saturation=float(settings["saturation"]),
            shading=float(settings["shading"]),
        )
        painter = self.network
        network = Network(painter, Grid(painter.work_size, painter.stride), self.device, LOOKS)
        layers = colorize(request, network, laying)
        origin = request.origins.get("sketch", (0, 0))
        return [Layer(name, layers[name], origin) for name in request.outputs]
