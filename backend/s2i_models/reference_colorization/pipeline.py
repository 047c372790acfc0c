"""`reference_colorization`: line art and reference pictures in, colored layers out.

All of the shipped network's work happens on grids of at most 192 px a side, whatever the canvas:
576 tokens of the sketch attend to at most 576 of each reference. With three references a look takes
11 MB at its peak, and 22 MB where some of a reference is not used and where paint goes is asked
apart; that is everything, attention too. Networks of the paper look at 256 px and take more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from s2i_client.declaration import InvalidRequest, Value
from s2i_models.coloring.colorize import colorize, hints_on_canvas
from s2i_models.coloring.drawing import Drawing
from s2i_models.coloring.laying import Laying
from s2i_models.coloring.looks import Grid, Looks, Network, Painting, hints_on_grid
from s2i_models.pipeline import Layer, Pipeline, Request
from s2i_models.reference_colorization.attention import (
    darken,
    on_picture,
    taken_from,
    weights_of_spots,
)
from s2i_models.reference_colorization.colors import palette_of
from s2i_models.reference_colorization.compact import ReferenceTokens
from s2i_models.reference_colorization.declaration import DECLARATION
from s2i_models.reference_colorization.generators import load_generator
from s2i_models.reference_colorization.reading import (
    ReadReference,
    attends_places,
    read_references,
)
from s2i_models.reference_colorization.voting import colors_of_tokens, votes_on_grid

# Attention is this much more decided than it was trained: of 1, 1.5, 2 and 2.5 the one that came
# nearest to the originals on 24 validation drawings, together with votes.
SHARPER = 1.5
# On 16 validation drawings mirrored looks and larger ones were farther from the original.
LOOKS: Looks = {"fast": ((1.0, False),), "best": ((1.0, False), (5 / 6, False))}

# References by input, with the parameter that says how much each counts.
REFERENCES = {"reference": None, "reference_2": "blend_2", "reference_3": "blend_3"}
MASKS = {"reference": "reference_mask"}


class PipelineImpl(Pipeline):
    """The network on small grids, its colors snapped to the full-size regions of the drawing."""

    declaration = DECLARATION
    weights_name = "reference_colorization"

    def __init__(self, weights: Path | None = None, device: str = "cpu"):
        super().__init__(weights, device)
        if weights is None:
            raise ValueError("reference_colorization needs a file of weights")
        self.network = load_generator(weights, device)
        self.grid = Grid(self.network.work_size, self.network.stride)

    def memory_bytes(self) -> int:
        return sum(p.numel() * p.element_size() for p in self.network.parameters())

    def run(self, request: Request) -> list[Layer]:
        settings = request.parameters
        request.progress.step(0.0, "reading the reference")
        shares = _shares(request)
        if not attends_places(self.network):
            _refuse_blends(request, shares)
        references = read_references(self.network, self.grid, request, list(shares), MASKS)
        weights = list(shares.values())
        tokens = ReferenceTokens.join([read.tokens for read in references], weights)
        seen = ReferenceTokens.join([read.seen for read in references], weights)
        if attends_places(self.network):
            tokens, seen = sharpened(tokens), sharpened(seen)
        layers: dict[str, list[Layer]] = {}
        if set(request.outputs) - {"attention"}:
            looks: list[Tensor] = []
            network = Network(
                partial(self._look, tokens=tokens, seen=seen, logits=looks),
                self.grid,
                self.device,
                LOOKS,
            )
            palette = _palette(references, weights, int(settings["palette_colors"]))
            laying = Laying(
                palette=palette,
                votes=self._votes(references, palette, looks),
                keep_to_hints=float(settings["keep_to_hints"]),
                shading=float(settings["shading"]),
            )
            origin = request.origins.get("sketch", (0, 0))
            colored = colorize(request, network, laying)
            layers = {name: [Layer(name, pixels, origin)] for name, pixels in colored.items()}
        spots = hints_on_canvas(request, "spots") if "attention" in request.outputs else None
        if spots is not None and len(spots.y):
            maps = self._attention(request, references, tokens, spots.y, spots.x)
            layers["attention"] = _pictures(references, maps)
        return [layer for name in request.outputs for layer in layers.get(name, [])]

    def _look(
        self,
        lines: Tensor,
        hints: Tensor,
        tokens: ReferenceTokens,
        seen: ReferenceTokens,
        logits: list[Tensor],
    ) -> Tensor:
        """The colors that `tokens` give, and where paint goes when all that is there is `seen`.

        Attention's logits (1, n_sketch, n_reference) are added to `logits`.

        To know paper, the network looks for it in the reference, where it may not be in use.
        """
        if torch.equal(tokens.bias, seen.bias):
            made, found = self.network.paint(lines, hints, tokens)
        else:
            two = ReferenceTokens(
                torch.cat([tokens.keys, seen.keys]),
                torch.cat([tokens.values, seen.values]),
                torch.cat([tokens.colors, seen.colors]),
                torch.cat([tokens.bias, seen.bias]),
            )
            lines, hints = (planes.expand(2, -1, -1, -1) for planes in (lines, hints))
            made, found = self.network.paint(lines, hints, two)
        logits.append(found[:1])
        return torch.cat([made[:1, :3].clamp(0, 1), made[-1:, 3:]], dim=1)

    def _votes(
        self,
        references: Sequence[ReadReference],
        palette: np.ndarray | None,
        looks: Sequence[Tensor],
    ) -> Callable[[Painting], np.ndarray] | None:
        """How the references' parts vote for the palette's colors, by the logits of the first of
        `looks`; None where there is nothing to vote for or attention does not tell places."""
        if palette is None or not attends_places(self.network):
            return None
        cell = self.network.cell
        table = colors_of_tokens([read.grid for read in references], palette, cell)
        return lambda painting: votes_on_grid(looks[0], table, painting.view, cell)

    def attention(
        self, sketch: np.ndarray, reference: np.ndarray, x: int, y: int, **images: np.ndarray
    ) -> np.ndarray:
        """Where in `reference` the color of the sketch at canvas pixel (`x`, `y`) comes from.

        `sketch`, `reference` and, in `images`, `hints` and `reference_mask`: layers of any size
        and depth. Returns (h, w) float32 over the reference, shrunk to at most 1024 px a side: the
        share of the attention per token, 0 where nothing comes from. Raises ValueError for a point
        outside of the sketch, and `InvalidRequest` for a reference of which nothing can be used
        and for weights whose attention does not tell places.
        """
        height, width = sketch.shape[:2]
        if not (0 <= x < width and 0 <= y < height):
            raise ValueError(f"({x}, {y}) lies outside of the sketch of {width} × {height} px")
        given = {"sketch": sketch, "reference": reference, **images}
        parameters, outputs = self.declaration.check(given, {}, ["attention"])
        request = Request(given, parameters, outputs)
        references = read_references(self.network, self.grid, request, ["reference"], MASKS)
        at = np.array([y]), np.array([x])
        return self._attention(request, references, references[0].tokens, *at)[0]

    def _attention(
        self,
        request: Request,
        references: Sequence[ReadReference],
        tokens: ReferenceTokens,
        y: np.ndarray,
        x: np.ndarray,
    ) -> list[np.ndarray]:
        """Per reference (h, w) float32: what share of the color at canvas pixels (`x`, `y`) comes
        from there."""
        if not attends_places(self.network):
            raise InvalidRequest(
                "spots",
                "spots with imported weights, whose attention does not look at places",
                "no spots, or the shipped weights",
            )
        drawing = Drawing.of(request.images["sketch"], request.memory)
        hints = hints_on_canvas(request)
        content = drawing.ink
        if hints is not None:
            content = cv2.bitwise_or(content, hints.mask(content.shape))
        view = self.grid.view_of(content)
        planes = np.dstack([1 - view.shrink(drawing.strength), hints_on_grid(hints, view)])
        batch = torch.from_numpy(planes).permute(2, 0, 1)[None].to(self.device)
        with torch.inference_mode():
            _, logits = self.network.paint(batch[:, :1], batch[:, 1:], tokens)
        cell = self.network.cell
        taken = taken_from(logits, weights_of_spots(y, x, view, cell))
        ends = np.cumsum([0, *(read.count for read in references)])
        return [
            on_picture(taken[begin:end], read.view, cell, read.picture.shape)
            for read, (begin, end) in zip(references, pairwise(ends), strict=True)
        ]


def _pictures(references: Sequence[ReadReference], maps: Sequence[np.ndarray]) -> list[Layer]:
    """One picture per reference, dark except where attention falls."""
    most = max(float(found.max()) for found in maps)
    titles = {declared.name: declared.title for declared in DECLARATION.inputs}
    return [
        Layer("attention", darken(read.picture, found, most), title=titles[read.name])
        for read, found in zip(references, maps, strict=True)
    ]


def _shares(request: Request) -> dict[str, float]:
    """How much each given reference counts, the first 1; those that count nothing are left out."""
    settings: dict[str, Value] = dict(request.parameters)
    shares = {
        name: 1.0 if parameter is None else float(settings[parameter])
        for name, parameter in REFERENCES.items()
        if name in request.images
    }
    return {name: share for name, share in shares.items() if share > 0}


def _refuse_blends(request: Request, shares: dict[str, float]) -> None:
    """Imported weights attend without a bias, which is what lets a reference count for less."""
    for name, share in shares.items():
        parameter = REFERENCES[name]
        if parameter is not None and share != 1:
            raise InvalidRequest(
                parameter,
                f"{share:g} with imported weights, whose attention does not look at places",
                "0 or 1, or the shipped weights",
            )


def sharpened(tokens: ReferenceTokens) -> ReferenceTokens:
    """The same tokens, with logits `SHARPER` times as far apart."""
    return replace(tokens, keys=tokens.keys * SHARPER)


def _palette(
    references: Sequence[ReadReference], weights: Sequence[float], most: int
) -> np.ndarray | None:
    if most == 0:
        return None
    return palette_of([read.colors for read in references], weights, most)
