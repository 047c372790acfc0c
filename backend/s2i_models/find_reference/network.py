"""Sketches and pictures as points of one space, where what shows the same lies close together.

The body is EfficientNet-Lite0 (Tan & Le 2019 in its form for small devices: inverted residual
blocks, ReLU6, no squeeze-and-excitation), so that training can begin with ImageNet weights. Sketch
and picture go through the same network: a sketch is a picture whose three channels are equal.

Batch normalization is written as what it is once its statistics are fixed: a scale and a shift per
channel. They are trained like other weights, and nothing depends on what else is in a batch.
"""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor, nn

PIPELINE = "find_reference"
NETWORK = "efficientnet_lite0"

# What the ImageNet weights were trained with: RGB from 0 to 1.
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)

STEM = 32
HEAD = 1280
# Expansion, width, blocks, stride of the first block, kernel: table 1 of the paper.
STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)


class Convolution(nn.Module):
    """Convolution, then a scale and a shift per channel, then ReLU6 unless it is `linear`.

    Padded as TensorFlow's SAME: (B, C, H, W) to (B, outputs, ceil(H / stride), ceil(W / stride)),
    with the odd pixel of padding below and to the right.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        stride: int = 1,
        *,
        depthwise: bool = False,
        linear: bool = False,
    ):
        super().__init__()
        self.stride = stride
        self.groups = inputs if depthwise else 1
        self.linear = linear
        self.weight = nn.Parameter(torch.empty(outputs, inputs // self.groups, kernel, kernel))
        self.scale = nn.Parameter(torch.ones(outputs))
        self.shift = nn.Parameter(torch.zeros(outputs))
        nn.init.kaiming_normal_(self.weight, mode="fan_out")

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.weight.shape[2]
        below = _same_padding(x.shape[2], kernel, self.stride)
        right = _same_padding(x.shape[3], kernel, self.stride)
        # The scale goes into the weights: much cheaper than one more pass over the activations.
        weight = self.weight * self.scale.view(-1, 1, 1, 1)
        if below % 2 or right % 2:
            before = (below // 2, right // 2)
            x = F.pad(x, (before[1], right - before[1], before[0], below - before[0]))
            below = right = 0
        padding = (below // 2, right // 2)
        # CPUs take ten times as long for the gradient of a strided depthwise one in bfloat16.
        slow = self.groups > 1 and self.stride > 1 and x.is_cpu and x.requires_grad
        with torch.autocast("cpu", enabled=False) if slow else nullcontext():
            x = x.float() if slow else x
            x = F.conv2d(x, weight, self.shift, self.stride, padding, groups=self.groups)
        return x if self.linear else F.relu6(x)


def _same_padding(length: int, kernel: int, stride: int) -> int:
    return max(0, (-(-length // stride) - 1) * stride + kernel - length)


class InvertedResidual(nn.Module):
    """Widen, filter each channel by itself, narrow; added to the input where shapes agree."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int, kernel: int):
        super().__init__()
        inner = inputs * expansion
        self.adds = stride == 1 and inputs == outputs
        self.expand = Convolution(inputs, inner) if expansion > 1 else None
        self.filter = Convolution(inner, inner, kernel, stride, depthwise=True)
        self.project = Convolution(inner, outputs, linear=True)

    def forward(self, x: Tensor) -> Tensor:
        h = x if self.expand is None else self.expand(x)
        h = self.project(self.filter(h))
        return x + h if self.adds else h


class Body(nn.Module):
    """EfficientNet-Lite0 without its classifier, 3.4 M parameters.

    Pictures (B, 3, H, W), sRGB 0 to 1, to features (B, 1280), averaged over the picture.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        deviation = torch.tensor(DEVIATION).view(1, 3, 1, 1)
        self.register_buffer("deviation", deviation, persistent=False)
        self.stem = Convolution(3, STEM, kernel=3, stride=2)
        blocks = []
        width = STEM
        for expansion, outputs, count, stride, kernel in STAGES:
            for number in range(count):
                first = stride if number == 0 else 1
                blocks.append(InvertedResidual(width, outputs, expansion, first, kernel))
                width = outputs
        self.blocks = nn.Sequential(*blocks)
        self.head = Convolution(width, HEAD)

    def forward(self, pictures: Tensor) -> Tensor:
        x = self.stem((pictures - self.mean) / self.deviation)
        return self.head(self.blocks(x)).mean(dim=(2, 3))


class Embedder(nn.Module):
    """Pictures or sketches to points on the unit sphere; the closer, the larger the dot product.

    Input (B, 3, S, S), sRGB 0 to 1, S = `size` (others work, but `size` is what it was trained
    for); a sketch has its gray in all three channels, 0 ink to 1 paper, and a picture that is
    transparent lies on white. Output (B, `width`) float32, of unit length.
    """

    size = 128
    width = 256

    def __init__(self):
        super().__init__()
        self.body = Body()
        self.projection = nn.Linear(HEAD, self.width, bias=False)
        nn.init.orthogonal_(self.projection.weight)

    def forward(self, pictures: Tensor) -> Tensor:
        return F.normalize(self.projection(self.body(pictures)).float(), dim=1)

    @classmethod
    def config(cls) -> dict[str, int]:
        """Plain values for the metadata of a weights file."""
        return {"size": cls.size, "width": cls.width}


def load_embedder(path: Path, device: str = "cpu") -> Embedder:
    """The network in the weights file `path`, ready to use on `device`, in single precision.

    Raises ValueError when the file does not hold weights of this network.
    """
    with safe_open(path, framework="pt", device="cpu") as file:
        metadata = file.metadata() or {}
        if metadata.get("s2i.pipeline") != PIPELINE or metadata.get("s2i.network") != NETWORK:
            raise ValueError(f"{path} does not hold find_reference's weights")
        state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    if json.loads(metadata.get("s2i.config", "{}")) != Embedder.config():
        raise ValueError(f"{path} holds a network of another size: export it again")
    network = Embedder()
    network.load_state_dict(state)
    return network.eval().to(device)
