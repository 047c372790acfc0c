"""Ways to color a drawing like a reference, each with the same helping hands.

A method takes a `Pair` and gives finished pictures (H, W, 3) uint8 by its name: on white paper,
lines on top. Only the systems' layer `color` knows for itself what is paper; all else gets the
original's silhouette, and methods without learning also the reference's and what is ink there.
Snapping is to the regions of `flats`, the same as the systems' own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors import safe_open

from s2i_models import load
from s2i_models.reference_colorization.network import PaperConfig, PaperGenerator
from s2i_training.color_transfer import copy_patches, match_histogram, reinhard, snap
from s2i_training.evaluations.drawings import in_silhouette, on_white
from s2i_training.evaluations.reference_pairs import Pair

Method = Callable[[Pair], dict[str, np.ndarray]]
"""From a pair to finished pictures by name."""
Colorizer = Callable[[np.ndarray, np.ndarray], Mapping[str, np.ndarray]]
"""From a sketch, uint8 (H, W, 1), and a reference, uint8 (H, W, 4), to layers uint8 (H, W, 4):
`color`, finished, and any others."""

OURS = {"color": "ours, color", "smooth": "ours, not snapped"}
AUTO_PAINTER = {"color": "Auto-painter without reference"}
REINHARD, HISTOGRAM = "Reinhard color transfer", "histogram matching"
PATCHES, PATCHES_SNAPPED = "nearest patches", "nearest patches, snapped"
PAPER, PAPER_SNAPPED = "the paper's network", "the paper's network, snapped"
# The side of the paper's pictures.
_PAPER_SIDE = 256


def pipelines(weights: Path | None) -> list[Method]:
    """Reference-based colorization with `weights`, the shipped ones when absent, and Auto-painter
    as shipped."""
    colorize, paint = load("reference_colorization", weights=weights), load("auto_painter")
    return [
        learned(lambda s, r: colorize(sketch=s, reference=r, outputs=list(OURS)), OURS),
        learned(lambda s, _: paint(sketch=s, outputs=["color"]), AUTO_PAINTER),
    ]


def learned(colorize: Colorizer, titles: Mapping[str, str]) -> Method:
    """What a pipeline makes; `titles`: the method's name for each of its layers."""

    def method(pair: Pair) -> dict[str, np.ndarray]:
        layers = colorize(pair.drawing.sketch[..., None], pair.reference)
        made = {name: on_white(layers[name]) for name in titles}
        return {
            title: made[name] if name == "color" else in_silhouette(made[name], pair.drawing)
            for name, title in titles.items()
        }

    return method


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
    """A `PaperGenerator` from the weights file `path`, at the paper's 256 px, and snapped.

    Raises ValueError for a file that is none.
    """
    with safe_open(path, framework="pt", device="cpu") as file:
        metadata = file.metadata() or {}
        state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    try:
        network = PaperGenerator(PaperConfig.from_dict(json.loads(metadata["s2i.config"])))
        network.load_state_dict(state)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path} does not hold weights of the paper's network: {error}") from error
    network.eval()

    def method(pair: Pair) -> dict[str, np.ndarray]:
        drawing = pair.drawing
        seen = pair.reference[..., :3] * (pair.reference[..., 3:] >= 128)
        with torch.inference_mode():
            made = network(_paper_input(drawing.sketch[..., None]), _paper_input(seen))
        picture = ((made[0].permute(1, 2, 0).numpy() + 1) * 127.5).round().clip(0, 255)
        picture = cv2.resize(picture.astype(np.uint8), drawing.sketch.shape[::-1])
        return {
            PAPER: in_silhouette(picture, drawing),
            PAPER_SNAPPED: in_silhouette(snap(picture, pair.regions, drawing.painted), drawing),
        }

    return method


def _paper_input(picture: np.ndarray) -> torch.Tensor:
    side = (_PAPER_SIDE, _PAPER_SIDE)
    small = cv2.resize(picture, side, interpolation=cv2.INTER_AREA).reshape(*side, -1)
    return torch.from_numpy(small).permute(2, 0, 1)[None].float() / 127.5 - 1
