"""The paper's networks: a generator from a color domain and edges to a picture, and its judge.

You, You, Li & Pan, "PI-REC: Progressive Image Reconstruction Network With Edge and Color Domain"
(2019). One generator serves all of the paper's phases: refinement has the result of the generating
phase where that has the color domain. Layer order, widths and padding are those of the authors'
code, so that its weights paint the same here (see `importer.py`). That code has no discriminator;
this one is of Edge-Connect, which it grew from.

Every convolution but the generator's last is followed by a norm over the whole picture. So a color
that is the same everywhere is not seen at all, and a tile does not come out as it does in the
picture.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

LEAK = 0.2
DILATION = 2
# The residual blocks are given a quarter of the sides and reflect two pixels of it, which takes 3.
_LEAST_SIDE = 12


@dataclass(frozen=True)
class PaperConfig:
    """`width`: channels of the first layer; the paper's is 64. `blocks`: residual blocks."""

    width: int = 64
    blocks: int = 8

    def to_dict(self) -> dict[str, object]:
        """Plain values for the metadata of a weights file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict) -> PaperConfig:
        """The inverse of `to_dict`."""
        return cls(int(plain["width"]), int(plain["blocks"]))


class PaperGenerator(nn.Module):
    """Colors and edges to a picture; 10,545,219 parameters as in the paper.

    Colors (B, 3, H, W), sRGB, and edges (B, 1, H, W), 1 where an edge is, else 0, to a picture
    (B, 3, H, W), sRGB; all 0 to 1. Sides may be of any length; what is left over of a multiple of
    `stride` is not painted but repeats the last column and row that are, as in the authors' code.
    """

    # The side of the pictures that the authors trained with.
    work_size = 128
    stride = 4

    def __init__(self, config: PaperConfig | None = None):
        super().__init__()
        self.config = config or PaperConfig()
        fine = self.config.width
        middle, coarse = 2 * fine, 4 * fine
        self.encoder = nn.ModuleList(
            [
                nn.Conv2d(4, fine, 7, padding=3, padding_mode="reflect"),
                nn.Conv2d(fine, middle, 4, stride=2, padding=1),
                nn.Conv2d(middle, coarse, 4, stride=2, padding=1),
            ]
        )
        self.residual = nn.Sequential(*(Residual(coarse) for _ in range(self.config.blocks)))
        # An enlarged map instead of a transposed convolution, which would leave a checkerboard.
        self.enlarged = nn.Conv2d(coarse, middle, 3, padding=1, padding_mode="reflect")
        self.transposed = nn.ConvTranspose2d(middle, fine, 4, stride=2, padding=1)
        self.output = nn.Conv2d(fine, 3, 7, padding=3, padding_mode="reflect")
        self.apply(initialize)

    @property
    def reach(self) -> int:
        """How many pixels away its convolutions see; its norms see all there is."""
        quarter = self.config.blocks * (DILATION + 1) + 1  # the last is bilinear enlarging
        half = 2 + 1  # halving, 3×3
        whole = 3 + 2 + 2 + 3  # 7×7, halving, transposed, 7×7
        return 4 * quarter + 2 * half + whole

    def forward(self, colors: Tensor, edges: Tensor) -> Tensor:
        height, width = colors.shape[2:]
        h = torch.cat([colors, edges], dim=1)
        h = _repeated_to(h, max(height, _LEAST_SIDE), max(width, _LEAST_SIDE))
        for convolution in self.encoder:
            h = _normalized(convolution(h))
        h = self.residual(h)
        h = F.interpolate(h, scale_factor=2, mode="bilinear", align_corners=False)
        h = _normalized(self.enlarged(h))
        h = _normalized(self.transposed(h))
        painted = (torch.tanh(self.output(h)) + 1) / 2
        return _repeated_to(painted, height, width)[:, :, :height, :width]


class Residual(nn.Module):
    """Two 3×3 convolutions, the first dilated, with norms and one ReLU, added to their input.

    (B, C, H, W) to the same.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = nn.Conv2d(
            channels, channels, 3, padding=DILATION, dilation=DILATION, padding_mode="reflect"
        )
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect")

    def forward(self, x: Tensor) -> Tensor:
        return x + F.instance_norm(self.conv2(_normalized(self.conv1(x))))


class Judged(NamedTuple):
    """What a discriminator makes of a picture.

    `verdicts` (B, 1, h, w), one per patch; `activations` of its five layers, finest first, the
    last of them without the sigmoid, for feature matching.
    """

    verdicts: Tensor
    activations: tuple[Tensor, ...]


class PatchGan(nn.Module):
    """Pictures (B, 3, H, W), 0 to 1, to a verdict per patch of 70 pixels; 14×14 of them for 128².

    `sigmoid`: probabilities of being real; without it unbounded values. `conditional`: it sees
    colors and edges too, a second input (B, 4, H, W). All convolutions have spectral norms.
    2,763,776 parameters at the paper's width.
    """

    def __init__(self, sigmoid: bool = True, conditional: bool = False, width: int = 64):
        super().__init__()
        self.sigmoid = sigmoid
        self.conditional = conditional
        widths = (7 if conditional else 3, width, 2 * width, 4 * width, 8 * width, 1)
        strides = (2, 2, 2, 1, 1)
        convolutions = [
            nn.Conv2d(inputs, outputs, 4, stride, padding=1, bias=False)
            for inputs, outputs, stride in zip(widths, widths[1:], strides, strict=False)
        ]
        for convolution in convolutions:
            initialize(convolution)
        self.convolutions = nn.ModuleList(spectral_norm(c) for c in convolutions)

    def forward(self, picture: Tensor, condition: Tensor | None = None) -> Judged:
        if self.conditional != (condition is not None):
            needed = "colors and edges too" if self.conditional else "pictures alone"
            raise ValueError(f"this discriminator is made to see {needed}")
        h = picture if condition is None else torch.cat([picture, condition], dim=1)
        activations = []
        for convolution in self.convolutions[:4]:
            h = F.leaky_relu(convolution(h), LEAK)
            activations.append(h)
        h = self.convolutions[4](h)
        return Judged(torch.sigmoid(h) if self.sigmoid else h, (*activations, h))


def initialize(module: nn.Module) -> None:
    """Edge-Connect's start: kernels N(0, 0.02), biases zero."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _normalized(h: Tensor) -> Tensor:
    """Each channel of each picture to mean 0 and deviation 1, then a ReLU."""
    return F.relu(F.instance_norm(h))


def _repeated_to(picture: Tensor, height: int, width: int) -> Tensor:
    """`picture` with its last column and row repeated up to these sides, if it is smaller."""
    right, bottom = max(width - picture.shape[3], 0), max(height - picture.shape[2], 0)
    if not (right or bottom):
        return picture
    return F.pad(picture, (0, right, 0, bottom), mode="replicate")
