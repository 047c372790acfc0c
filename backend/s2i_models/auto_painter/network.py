"""The paper's networks: a U-Net that paints a sketch and a PatchGAN that judges it.

Liu, Qin, Luo & Wang, "Auto-painter: Cartoon Image Generation from Sketch by Using Conditional
GANs" (2017). Layer order, widths and padding are those of the authors' TensorFlow code, so that
its checkpoints paint the same here (see `importer.py`). Pictures are RGB from −1 to 1; hints are
painted onto the sketch.

Two habits of that code shape everything: batch normalization always uses the statistics of the
batch at hand, never stored ones, and the authors leave dropout on when painting.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEAK = 0.2
DROPOUT = 0.5
DROPOUT_LEVELS = 3  # in the deepest decoders
UNDECIDED = 0.0  # a logit: neither paint nor paper


@dataclass(frozen=True)
class UNetConfig:
    """`widths`: channels of the encoders, outermost first; each halves height and width.
    `kernel`: 3 or 4. `upsampling`: transposed convolutions, or bilinear ×2 and a convolution."""

    widths: tuple[int, ...]
    kernel: int = 3
    upsampling: Literal["transposed", "bilinear"] = "transposed"

    def to_dict(self) -> dict[str, object]:
        """Plain values for the metadata of a weights file."""
        return {**asdict(self), "widths": list(self.widths)}

    @classmethod
    def from_dict(cls, plain: dict) -> UNetConfig:
        """The inverse of `to_dict`."""
        return cls(tuple(plain["widths"]), int(plain["kernel"]), plain["upsampling"])


def _doubling(first: int, levels: int) -> tuple[int, ...]:
    return tuple(first * min(2**level, 8) for level in range(levels))


PAPER = UNetConfig(_doubling(48, 8), kernel=3)
WGAN = UNetConfig(_doubling(64, 8), kernel=4)
UPSAMPLING = UNetConfig((48, 96, 192, 192, 384, 384, 384), kernel=3, upsampling="bilinear")


def unet_paper(legacy: bool = False) -> UNet:
    """Base width 48, kernels 3×3, 8 levels: 17.2 million parameters. 512² has a 2×2 bottom."""
    return UNet(PAPER, legacy)


def unet_wgan(legacy: bool = False) -> UNet:
    """Base width 64, kernels 4×4, 8 levels, of the Wasserstein scripts: 54.4 million."""
    return UNet(WGAN, legacy)


def unet_upsampling(legacy: bool = False) -> UNet:
    """Base width 48, 7 levels, bilinear upsampling, of the script `wganups`."""
    return UNet(UPSAMPLING, legacy)


def patch_paper(sigmoid: bool = True) -> PatchGan:
    """Width 48, kernels 3×3: 0.88 million parameters, each verdict sees 47 pixels."""
    return PatchGan(48, 3, sigmoid)


def patch_wgan(sigmoid: bool = False) -> PatchGan:
    """Width 64, kernels 4×4: 2.77 million parameters, each verdict sees 70 pixels.

    The authors' Wasserstein scripts leave the sigmoid on (`sigmoid=True`); a critic has none.
    """
    return PatchGan(64, 4, sigmoid)


class BatchStatisticsNorm(nn.BatchNorm2d):
    """Batch normalization by the statistics of the batch at hand, in training and painting.

    (B, C, H, W) to the same shape. A single value per channel (a 1×1 bottom, one picture) is its
    own mean, so what is left is the offset, as in TensorFlow; PyTorch would refuse it.
    """

    def __init__(self, channels: int):
        super().__init__(channels, eps=1e-5, track_running_stats=False)

    def forward(self, input: Tensor) -> Tensor:
        if input.numel() == input.shape[1]:
            return self.bias.view(1, -1, 1, 1) + 0 * input
        return super().forward(input)


class TransposedConvolution(nn.Module):
    """(B, C, H, W) to (B, C', 2H, 2W) as TensorFlow's SAME transposed convolution, stride 2."""

    def __init__(self, inputs: int, outputs: int, kernel: int):
        super().__init__()
        # Of the full output TensorFlow crops (kernel − 2) rows and columns: the smaller half
        # before, the larger half after. For 3 that is the last one only, for 4 one on each side.
        self.layer = nn.ConvTranspose2d(
            inputs, outputs, kernel, stride=2, padding=(kernel - 2) // 2, bias=False
        )

    def forward(self, h: Tensor) -> Tensor:
        height, width = h.shape[2:]
        return self.layer(h)[..., : 2 * height, : 2 * width]


class BilinearConvolution(nn.Module):
    """(B, C, H, W) to (B, C', 2H, 2W): bilinear as TensorFlow 1 samples, then convolution.

    TensorFlow 1 keeps pixel i at 2i and puts means between; the last is repeated.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int):
        super().__init__()
        self.layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)

    def forward(self, h: Tensor) -> Tensor:
        height, width = h.shape[2:]
        h = F.pad(h, (0, 1, 0, 1), mode="replicate")
        size = (2 * height + 1, 2 * width + 1)
        h = F.interpolate(h, size, mode="bilinear", align_corners=True)
        return self.layer(h[..., :-1, :-1])


class Encoder(nn.Module):
    """leaky ReLU – convolution, stride 2 – norm; the first level is the convolution alone."""

    def __init__(self, inputs: int, outputs: int, kernel: int, first: bool):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride=2, padding=1, bias=False)
        self.norm = None if first else BatchStatisticsNorm(outputs)

    def forward(self, h: Tensor) -> Tensor:
        if self.norm is None:
            return self.conv(h)
        return self.norm(self.conv(F.leaky_relu(h, LEAK)))


class Decoder(nn.Module):
    """ReLU – doubling – norm – dropout; the last level has neither norm nor dropout.

    The bilinear form has one more ReLU between its convolution and the norm, except at the last
    level, where it would take away all colors darker than middle gray.
    """

    def __init__(self, inputs: int, outputs: int, config: UNetConfig, last: bool, dropout: bool):
        super().__init__()
        bilinear = config.upsampling == "bilinear"
        doubling = BilinearConvolution if bilinear else TransposedConvolution
        self.up = doubling(inputs, outputs, config.kernel)
        self.norm = None if last else BatchStatisticsNorm(outputs)
        self.rectify = bilinear and not last
        self.dropout = dropout

    def forward(self, h: Tensor, drop: bool) -> Tensor:
        h = self.up(F.relu(h))
        if self.rectify:
            h = F.relu(h)
        if self.norm is not None:
            h = self.norm(h)
        return F.dropout(h, DROPOUT, training=drop and self.dropout)


class UNet(nn.Module):
    """A sketch, hints painted onto it, to a picture: (B, 3, H, W) to (B, 3, H, W), both −1 to 1.

    H and W are multiples of `stride`. Results depend on the other pictures of a batch, because
    the norms use its statistics: paint pictures one by one.

    `legacy`: dropout stays on in `eval()` too, as in the authors' code; each painting then differs.
    Without it `eval()` paints the same picture every time.
    """

    def __init__(self, config: UNetConfig, legacy: bool = False):
        super().__init__()
        self.config = config
        self.legacy = legacy
        widths = config.widths
        self.encoders = nn.ModuleList(
            Encoder(inputs, outputs, config.kernel, first=level == 0)
            for level, (inputs, outputs) in enumerate(zip((3, *widths), widths, strict=False))
        )
        self.decoders = nn.ModuleList()  # deepest first
        for level in reversed(range(len(widths))):
            deepest = level == len(widths) - 1
            inputs = widths[level] if deepest else 2 * widths[level]
            outputs = widths[level - 1] if level else 3
            dropout = len(widths) - 1 - level < DROPOUT_LEVELS
            decoder = Decoder(inputs, outputs, config, last=level == 0, dropout=dropout)
            self.decoders.append(decoder)
        self.apply(initialize)

    @property
    def stride(self) -> int:
        """Height and width of the input must be multiples of this."""
        return 2 ** len(self.config.widths)

    def forward(self, sketch: Tensor) -> Tensor:
        drop = self.training or self.legacy
        skips = []
        h = sketch
        for encoder in self.encoders:
            h = encoder(h)
            skips.append(h)
        h = self.decoders[0](skips.pop(), drop)
        for decoder in self.decoders[1:]:
            h = decoder(torch.cat([h, skips.pop()], dim=1), drop)
        return torch.tanh(h)


class PatchGan(nn.Module):
    """Sketch and picture, (B, 3, H, W) each, −1 to 1, to one verdict per patch, (B, 1, h, w).

    Three halvings, then two convolutions at full density; for 512² h = w = 64 with kernels 3×3
    and 62 with 4×4. `sigmoid`: probabilities of being real, as in the paper; without it, logits
    for a stable loss or the values of a Wasserstein critic.
    """

    def __init__(self, width: int, kernel: int, sigmoid: bool):
        super().__init__()
        self.sigmoid = sigmoid
        widths = (6, width, 2 * width, 4 * width, 8 * width, 1)
        strides = (2, 2, 2, 1, 1)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, kernel, stride, padding=1, bias=False)
            for inputs, outputs, stride in zip(widths, widths[1:], strides, strict=False)
        )
        self.norms = nn.ModuleList(BatchStatisticsNorm(channels) for channels in widths[2:5])
        self.apply(initialize)

    def forward(self, sketch: Tensor, picture: Tensor) -> Tensor:
        h = F.leaky_relu(self.convolutions[0](torch.cat([sketch, picture], dim=1)), LEAK)
        for convolution, norm in zip(self.convolutions[1:4], self.norms, strict=True):
            h = F.leaky_relu(norm(convolution(h)), LEAK)
        h = self.convolutions[4](h)
        return torch.sigmoid(h) if self.sigmoid else h


class SketchPainter(nn.Module):
    """A `UNet` behind the interface of the generator that ships.

    Lines (B, 1, H, W), 0 ink to 1 paper, and hints (B, 4, H, W), sRGB and mask, 0 to 1, to
    (B, 4, H, W): sRGB colors 0 to 1, and the logit of the coverage. Hints are painted onto the
    lines, as the paper has it. The paper's network does not tell paint from paper, so the
    coverage is `UNDECIDED`: outlines alone decide what is background.
    """

    # The longest side of a drawing that the authors trained with.
    work_size = 512

    def __init__(self, unet: UNet):
        super().__init__()
        self.unet = unet

    @property
    def stride(self) -> int:
        """Height and width of the input must be multiples of this."""
        return self.unet.stride

    def forward(self, lines: Tensor, hints: Tensor) -> Tensor:
        color, mask = hints[:, :3], hints[:, 3:]
        sketch = lines * (1 - mask) + color * mask
        # Batch statistics: each picture is painted as if it were alone.
        painted = [self.unet(2 * one - 1) for one in sketch.split(1)]
        color = 0.5 + 0.5 * torch.cat(painted)
        return torch.cat([color, torch.full_like(color[:, :1], UNDECIDED)], dim=1)


def initialize(module: nn.Module) -> None:
    """The authors' start: kernels N(0, 0.02), scales of the norms N(1, 0.02), all else zero."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, BatchStatisticsNorm):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
