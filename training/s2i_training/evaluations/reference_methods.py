"""Ways to color a drawing like a reference, each with the same helping hands.

A method takes a `Pair` and gives finished pictures (H, W, 3) uint8 by its name: on white paper,
lines on top. Only the systems' layer `color` knows for itself what is paper; all else gets the
original's silhouette, `OURS_ENCLOSED` too, to compare like with like. Methods without learning
also get the reference's silhouette and what is ink there. Snapping is to the regions of `flats`,
the same as the systems' own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors import SafetensorError

from s2i_models import load
from s2i_models.reference_colorization.compact import CompactGenerator
from s2i_models.reference_colorization.generators import PaperPainter, load_generator
from s2i_training.color_transfer import copy_patches, match_histogram, reinhard, snap
from s2i_training.evaluations.drawings import Drawing, in_silhouette, on_white
from s2i_training.evaluations.reference_pairs import Pair

Method = Callable[[Pair], dict[str, np.ndarray]]
"""From a pair to finished pictures by name."""
Colorizer = Callable[[np.ndarray, np.ndarray], Mapping[str, np.ndarray]]
"""From a sketch, uint8 (H, W, 1), and a reference, uint8 (H, W, 4), to layers uint8 (H, W, 4):
`color`, finished, and any others."""

OURS = {"color": "ours, color", "smooth": "ours, not snapped"}
OURS_ENCLOSED = "ours, color, in the original's silhouette"
AUTO_PAINTER = {"color": "Auto-painter without reference"}
REINHARD, HISTOGRAM = "Reinhard color transfer", "histogram matching"
PATCHES, PATCHES_SNAPPED = "nearest patches", "nearest patches, snapped"
PAPER, PAPER_SNAPPED = "the paper's network", "the paper's network, snapped"
# The side of the pictures that the recipe trains every network with at last.
_TRAINED_SIDE = CompactGenerator.work_size


def pipelines(weights: Path | None) -> list[Method]:
    """Reference-based colorization with `weights`, the shipped ones when absent, and Auto-painter
    as shipped."""
    colorize, paint = load("reference_colorization", weights=weights), load("auto_painter")
    return [
        learned(
            lambda s, r: colorize(sketch=s, reference=r, outputs=list(OURS)), OURS, OURS_ENCLOSED
        ),
        once_each(learned(lambda s, _: paint(sketch=s, outputs=["color"]), AUTO_PAINTER)),
    ]


def learned(colorize: Colorizer, titles: Mapping[str, str], enclosed: str | None = None) -> Method:
    """What a pipeline makes; `titles`: the method's name for each of its layers, `enclosed`: the
    name for its colors within the original's silhouette, which takes the layer `smooth`."""

    def method(pair: Pair) -> dict[str, np.ndarray]:
        layers = colorize(pair.drawing.sketch[..., None], pair.reference)
        made = {
            title: on_white(layers[name])
            if name == "color"
            else in_silhouette(layers[name][..., :3], pair.drawing)
            for name, title in titles.items()
        }
        if enclosed is not None:
            made[enclosed] = _enclosed(layers, pair)
        return made

    return method


def once_each(method: Method) -> Method:
    """`method`, whose pictures do not depend on the reference, run once for each drawing."""
    known: dict[int, tuple[Drawing, dict[str, np.ndarray]]] = {}

    def remembering(pair: Pair) -> dict[str, np.ndarray]:
        drawing = pair.drawing
        if id(drawing) not in known:  # kept with the drawing, so that no other gets its number
            known[id(drawing)] = drawing, method(pair)
        return known[id(drawing)][1]

    return remembering


def _enclosed(layers: Mapping[str, np.ndarray], pair: Pair) -> np.ndarray:
    """The layer `color` without what it painted on paper, and with the soft colors where it took
    paint for paper."""
    soft = in_silhouette(layers["smooth"][..., :3], pair.drawing)
    alpha = layers["color"][..., 3:].astype(np.float32) / 255 * pair.drawing.painted[..., None]
    return (layers["color"][..., :3] * alpha + soft * (1 - alpha)).round().astype(np.uint8)


def unlearned(pair: Pair) -> dict[str, np.ndarray]:
    """The methods without learning. Only patches gain by snapping: the others have one color."""
    drawing = pair.drawing
    given = (drawing.sketch, drawing.painted, pair.reference[..., :3], pair.usable)
    patches = copy_patches(*given)
    made = {
        REINHARD: reinhard(*given),
        HISTOGRAM: match_histogram(*given),
        PATCHES: patches,
        PATCHES_SNAPPED: snap(patches, pair.regions, drawing.painted),
    }
    return {name: in_silhouette(picture, drawing) for name, picture in made.items()}


def paper_network(path: Path) -> Method:
    """A `PaperPainter` from the weights file `path`, on pictures as it was trained with, and
    snapped.

    Raises ValueError for a file that is none.
    """
    try:
        painter = load_generator(path, "cpu")
    except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise ValueError(f"{path} does not hold weights of the paper's network: {error}") from error
    if not isinstance(painter, PaperPainter):
        raise ValueError(f"{path} does not hold weights of the paper's network")
    side = _TRAINED_SIDE if painter.attends_places else painter.work_size

    def method(pair: Pair) -> dict[str, np.ndarray]:
        drawing = pair.drawing
        lines = _planes(_shrink(drawing.sketch, side) / 255)
        with torch.inference_mode():
            tokens = painter.read_reference(_planes(_shrunk_reference(pair.reference, side)))
            made, _ = painter.paint(lines, torch.zeros(1, 4, side, side), tokens)
        picture = (made[0, :3].permute(1, 2, 0).numpy() * 255).round().clip(0, 255)
        picture = cv2.resize(picture.astype(np.uint8), drawing.sketch.shape[::-1])
        return {
            PAPER: in_silhouette(picture, drawing),
            PAPER_SNAPPED: in_silhouette(snap(picture, pair.regions, drawing.painted), drawing),
        }

    return method


def _shrunk_reference(reference: np.ndarray, side: int) -> np.ndarray:
    """(H, W, 4) uint8 as the networks are trained with it: sRGB 0 to 1, black where it is not
    valid, and valid, 0 or 1: (side, side, 4) float32."""
    unit = reference.astype(np.float32) / 255
    small = _shrink(np.dstack([unit[..., :3] * unit[..., 3:], unit[..., 3]]), side)
    valid = small[..., 3:] >= 0.5
    color = small[..., :3] / np.maximum(small[..., 3:], 1e-6)
    return np.dstack([color * valid, valid])


def _shrink(picture: np.ndarray, side: int) -> np.ndarray:
    return cv2.resize(picture.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)


def _planes(picture: np.ndarray) -> torch.Tensor:
    """(H, W) or (H, W, C) to (1, C, H, W) float32."""
    return torch.from_numpy(np.atleast_3d(picture)).permute(2, 0, 1)[None].float()
