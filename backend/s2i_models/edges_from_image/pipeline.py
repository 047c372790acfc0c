"""`edges_from_image`: a picture in, its edges as clean lines out."""

from __future__ import annotations

import numpy as np

from s2i_models.edges_from_image.canny import canny
from s2i_models.edges_from_image.declaration import DECLARATION
from s2i_models.edges_from_image.small import small_copy
from s2i_models.edges_from_image.strokes import draw_strokes, trace_strokes
from s2i_models.layers import convert_depth, stack
from s2i_models.pipeline import Layer, Pipeline, Request

# Edges are found on a copy of at most so many pixels a side: four times as fine as what the
# network that paints with them sees first.
TRACED_AT = 512
WIDTH_SHARE = 0.004


class PipelineImpl(Pipeline):
    """Finds edges as PI-REC's data has them, and draws them anew at the canvas's size."""

    declaration = DECLARATION

    def run(self, request: Request) -> list[Layer]:
        step = request.progress.step
        step(0.0, "looking at the picture")
        picture = request.images["sketch"]
        small = small_copy("sketch", picture, TRACED_AT)
        step(0.4, "finding edges")
        # On white, so that what is painted on nothing has an outline, and nothing has no edges.
        edges = canny(small.on_white(), float(request.parameters["coarseness"]), small.scale)
        step(0.5, "tracing edges")
        strokes = trace_strokes(edges, small.scale)
        step(0.6, "drawing lines")
        canvas = picture.shape[0], picture.shape[1]
        width = float(request.parameters["width"]) or max(1.0, WIDTH_SHARE * max(canvas))
        covered = draw_strokes(strokes, (edges.shape[0], edges.shape[1]), canvas, width)
        alpha = convert_depth(covered, picture.dtype)
        lines = stack(np.zeros_like(alpha), alpha)
        return [Layer("edges", lines, request.origins.get("sketch", (0, 0)))]
