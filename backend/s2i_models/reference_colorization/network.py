"""The paper's networks: a generator that colors a sketch after a reference, and its judge.

Lee, Kim, Lee, Kim, Chang & Choo, "Reference-Based Sketch Image Colorization using Augmented-Self
Reference and Dense Semantic Correspondence" (CVPR 2020). Two encoders, one for the sketch and one
for the reference, make tokens of feature maps from several depths (eq. 1); attention hands features
of the reference to the sketch (eq. 2 to 4); residual blocks and a U-Net decoder paint.

The authors published no code. Three readings of the paper are here (`Reading`), of which two are
public implementations, so that their weights paint the same here (see `importer.py`). Pictures are
from −1 to 1, sketches −1 ink to 1 paper, as in the paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

LEAK = 0.2
RESIDUAL_BLOCKS = 4
# Channels of an encoder's ten layers, and so of its maps f1 to f10, in units of `width`.
ENCODER = (1, 1, 2, 2, 4, 4, 8, 8, 16, 16)

Preset = Literal["supplement", "snailpong", "jungjaewon"]
Norm = Literal["none", "batch", "instance"]
TokenLayout = Literal["positions", "reshape"]


@dataclass(frozen=True)
class Reading:
    """What the paper leaves open, as one implementation has it.

    `halving`: the encoder's layers, from 1, with stride 2. `seen`: the maps that tokens are made
    of, brought to the size of the last by `pooling`. `spectral`: spectral normalization of all
    convolutions. `squeezed`: channels between attention and decoder, in units of `width`; 0 as
    many as a token has. `rectified`: a residual block's ReLU follows its second norm instead of
    its first. `around`: the residual blocks' input is added to their output once more.
    `decoder`: for each layer its channels in units of `width`, and the map of the sketch that is
    joined to its input, 0 for none. `upsampling`: how a layer's input comes to that map's size.
    `affine`: queries, keys, values and the output have a bias. `late`: attention's weights, not
    its logits, are divided by √d. `returned`: where tokens are reshaped, they are shaped back the
    same way.
    """

    halving: tuple[int, ...]
    seen: tuple[int, ...]
    pooling: Literal["mean", "nearest"]
    norm: Norm
    spectral: bool
    squeezed: int
    rectified: bool
    around: bool
    decoder: tuple[tuple[int, int], ...]
    upsampling: Literal["nearest", "bilinear", "bicubic"]
    affine: bool = False
    late: bool = False
    returned: bool = True


READINGS: dict[Preset, Reading] = {
    # After the paper's supplement as UdonDa/Reference-Based-Sketch-Image-Colorization reads it, but
    # with tokens that are positions. It uses the sketch's maps f9 to f1.
    "supplement": Reading(
        halving=(3, 7, 9),
        seen=(6, 8, 10),
        pooling="nearest",
        norm="instance",
        spectral=True,
        squeezed=16,
        rectified=False,
        around=False,
        decoder=(
            *((16, 0), (8, 9), (8, 8), (4, 7), (4, 6)),
            *((2, 5), (2, 4), (1, 3), (1, 2), (1, 1)),
        ),
        upsampling="nearest",
    ),
    # As Snailpong/reference_based_sketch_image_colorization.
    "snailpong": Reading(
        halving=(3, 5, 7, 9),
        seen=tuple(range(1, 11)),
        pooling="mean",
        norm="none",
        spectral=False,
        squeezed=0,
        rectified=True,
        around=False,
        decoder=(
            *((16, 0), (16, 0), (8, 8), (8, 0), (4, 6)),
            *((4, 0), (2, 4), (2, 0), (1, 2), (1, 0)),
        ),
        upsampling="bicubic",
    ),
    # As Jungjaewon/Reference_based_Skectch_Image_Colorization: the same encoders with batch
    # normalization, and a decoder that joins nine maps.
    "jungjaewon": Reading(
        halving=(3, 5, 7, 9),
        seen=tuple(range(1, 11)),
        pooling="mean",
        norm="batch",
        spectral=False,
        squeezed=0,
        rectified=False,
        around=True,
        decoder=(
            *((16, 0), (16, 9), (8, 8), (8, 7), (4, 6)),
            *((4, 5), (2, 4), (2, 3), (1, 2), (1, 1)),
        ),
        upsampling="bilinear",
        affine=True,
        late=True,
        returned=False,
    ),
}


@dataclass(frozen=True)
class PaperConfig:
    """Which reading, how wide, and the errors that imported weights were trained with.

    `width`: channels of the first layer; the paper's is 16. `skips`: "concatenate" joins maps to
    the decoder and the residual blocks' input to their output as the paper's figure 2 does; "add"
    adds them, for "supplement" only. `token_layout`: "positions", a token is a place; "reshape"
    cuts feature maps into tokens of d_v values in a row, which are not places, so that attention
    has no meaning: only for weights that were trained so. `leaky_output`: a leaky ReLU before the
    last tanh, also for such weights only.
    """

    preset: Preset = "supplement"
    width: int = 16
    skips: Literal["concatenate", "add"] = "concatenate"
    token_layout: TokenLayout = "positions"
    leaky_output: bool = False

    def __post_init__(self) -> None:
        if self.preset not in READINGS:
            raise ValueError(f"no preset {self.preset!r}: choose from {', '.join(READINGS)}")
        if self.skips not in ("concatenate", "add"):
            raise ValueError(f"no skips {self.skips!r}: choose concatenate or add")
        if self.token_layout not in ("positions", "reshape"):
            raise ValueError(f"no token layout {self.token_layout!r}: positions or reshape")
        if self.skips == "add" and self.preset != "supplement":
            raise ValueError('skips are added in the preset "supplement" only')

    @property
    def reading(self) -> Reading:
        return READINGS[self.preset]

    @property
    def encoder_widths(self) -> tuple[int, ...]:
        """Channels of f1 to f10."""
        return tuple(self.width * times for times in ENCODER)

    @property
    def token_width(self) -> int:
        """d_v: 992 with all ten maps, 448 with f6, f8 and f10, at the paper's width."""
        return sum(self.encoder_widths[layer - 1] for layer in self.reading.seen)

    @property
    def stride(self) -> int:
        """Side of a token's cell; the input's sides are multiples of it."""
        return 2 ** len(self.reading.halving)

    def to_dict(self) -> dict[str, object]:
        """Plain values for the metadata of a weights file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict) -> PaperConfig:
        """The inverse of `to_dict`; raises ValueError, TypeError or KeyError for anything else."""
        return cls(
            plain["preset"],
            int(plain["width"]),
            plain["skips"],
            plain["token_layout"],
            bool(plain["leaky_output"]),
        )


class Block(nn.Module):
    """3×3 convolution – norm – leaky ReLU. (B, C, H, W) to (B, C', H/stride, W/stride)."""

    def __init__(self, inputs: int, outputs: int, reading: Reading, stride: int = 1):
        super().__init__()
        self.conv = _convolution(inputs, outputs, reading, stride)
        self.norm = _norm(outputs, reading.norm)

    def forward(self, h: Tensor) -> Tensor:
        return F.leaky_relu(self.norm(self.conv(h)), LEAK, inplace=True)


class Encoder(nn.Module):
    """(B, `channels`, H, W) to the maps f1 to f10, finest first."""

    def __init__(self, channels: int, config: PaperConfig):
        super().__init__()
        widths = (channels, *config.encoder_widths)
        halving = config.reading.halving
        self.blocks = nn.ModuleList(
            Block(widths[layer - 1], widths[layer], config.reading, 2 if layer in halving else 1)
            for layer in range(1, len(widths))
        )

    def forward(self, picture: Tensor) -> list[Tensor]:
        maps = [picture]
        for block in self.blocks:
            maps.append(block(maps[-1]))
        return maps[1:]


def stack_maps(maps: Sequence[Tensor], reading: Reading) -> Tensor:
    """V of eq. (1), (B, d_v, h, w): φ brings maps to the last one's size and keeps channels."""
    size = maps[-1].shape[2:]
    stacked = []
    for layer in reading.seen:
        h = maps[layer - 1]
        if h.shape[2:] != size:
            if reading.pooling == "mean":
                h = F.avg_pool2d(h, h.shape[3] // size[1])
            else:
                h = F.interpolate(h, size, mode="nearest")
        stacked.append(h)
    return torch.cat(stacked, dim=1)


class FeatureTransfer(nn.Module):
    """The spatially corresponding feature transfer: the sketch's tokens ask the reference's.

    Feature maps (B, d_v, h, w) become n = h·w tokens of d_v; those of the reference may be of
    another size, unless the layout is "reshape".
    """

    def __init__(self, channels: int, reading: Reading, layout: TokenLayout = "positions"):
        super().__init__()
        self.query = nn.Linear(channels, channels, bias=reading.affine)
        self.key = nn.Linear(channels, channels, bias=reading.affine)
        self.value = nn.Linear(channels, channels, bias=reading.affine)
        self.layout: TokenLayout = layout
        self.back: TokenLayout = layout if reading.returned else "positions"
        self.late = reading.late

    def read(self, reference: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (B, n, d_v) of a reference's maps."""
        tokens = as_tokens(reference, self.layout)
        return self.key(tokens), self.value(tokens)

    def forward(
        self, sketch: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None = None
    ) -> Tensor:
        """C of eq. (4), (B, d_v, h, w), without keeping logits. `bias` (B, n) is added to them."""
        tokens = as_tokens(sketch, self.layout)
        mask = None if bias is None else bias[:, None]
        taken = F.scaled_dot_product_attention(
            self.query(tokens), keys, values, mask, scale=1.0 if self.late else None
        )
        return self._context(sketch, tokens, taken)

    def with_logits(
        self, sketch: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The same, and S(q, k), the logits (B, n_sketch, n_reference), with the bias."""
        tokens = as_tokens(sketch, self.layout)
        logits = self.query(tokens) @ keys.transpose(1, 2)
        if not self.late:
            logits = logits / tokens.shape[2] ** 0.5
        if bias is not None:
            logits = logits + bias[:, None]
        return self._context(sketch, tokens, logits.softmax(dim=2) @ values), logits

    def _context(self, sketch: Tensor, tokens: Tensor, taken: Tensor) -> Tensor:
        if self.late:
            taken = taken / tokens.shape[2] ** 0.5
        return as_maps(tokens + taken, sketch.shape[2], self.back)


def as_tokens(maps: Tensor, layout: TokenLayout) -> Tensor:
    """(B, C, h, w) to (B, h·w, C): in "positions" a token is a place, row by row."""
    if layout == "positions":
        return maps.flatten(2).transpose(1, 2)
    return maps.reshape(len(maps), -1, maps.shape[1])


def as_maps(tokens: Tensor, height: int, layout: TokenLayout) -> Tensor:
    """The inverse of `as_tokens`."""
    batch, count, channels = tokens.shape
    if layout == "positions":
        tokens = tokens.transpose(1, 2)
    return tokens.reshape(batch, channels, height, count // height)


class Residual(nn.Module):
    """Two convolutions with norms and one ReLU, added to their input. (B, C, H, W) to the same."""

    def __init__(self, channels: int, reading: Reading):
        super().__init__()
        # Variant "snailpong" has batch normalization here though its encoders have none.
        norm: Norm = "batch" if reading.norm == "none" else reading.norm
        self.conv1 = _convolution(channels, channels, reading)
        self.norm1 = _norm(channels, norm)
        self.conv2 = _convolution(channels, channels, reading)
        self.norm2 = _norm(channels, norm)
        self.rectified = reading.rectified

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm1(self.conv1(x))
        if self.rectified:
            return x + F.relu(self.norm2(self.conv2(h)))
        return x + self.norm2(self.conv2(F.relu(h)))


class Decoder(nn.Module):
    """What the residual blocks made, with maps of the sketch's encoder, to a picture −1 to 1."""

    def __init__(self, inputs: int, config: PaperConfig):
        super().__init__()
        reading = config.reading
        self.add = config.skips == "add"
        self.leaky_output = config.leaky_output
        self.upsampling = reading.upsampling
        self.joined = [skip for _, skip in reading.decoder]
        self.blocks = nn.ModuleList()
        for times, skip in reading.decoder:
            joined = 0 if self.add or not skip else config.encoder_widths[skip - 1]
            outputs = config.width * times
            self.blocks.append(Block(inputs + joined, outputs, reading))
            inputs = outputs
        if config.preset == "supplement":
            self.output = nn.Sequential(
                _norm(inputs, reading.norm),
                nn.LeakyReLU(LEAK),
                spectral_norm(nn.Conv2d(inputs, 3, 1)),
            )
        else:
            self.output = nn.Sequential(nn.Conv2d(inputs, 3, 3, padding=1, bias=reading.affine))

    def forward(self, h: Tensor, maps: Sequence[Tensor]) -> Tensor:
        for block, skip in zip(self.blocks, self.joined, strict=True):
            if skip:
                joined = maps[skip - 1]
                h = self._grown(h, joined.shape[2:])
                h = h + joined if self.add else torch.cat([joined, h], dim=1)
            h = block(h)
        h = self.output(h)
        return torch.tanh(F.leaky_relu(h, LEAK) if self.leaky_output else h)

    def _grown(self, h: Tensor, size: torch.Size) -> Tensor:
        if h.shape[2:] == size:
            return h
        if self.upsampling == "nearest":
            return F.interpolate(h, size, mode="nearest")
        # "jungjaewon" keeps corners in place.
        corners = self.upsampling == "bilinear"
        return F.interpolate(h, size, mode=self.upsampling, align_corners=corners)


class PaperGenerator(nn.Module):
    """A sketch and a reference to a picture.

    Sketch (B, 1, H, W) and reference (B, 3, H', W'), sRGB, to a picture (B, 3, H, W), all −1 to 1;
    sides are multiples of `config.stride`, and 256 in the paper. With the token layout "reshape"
    both inputs have the same size. Batch normalization, where the reading has it, keeps statistics:
    paint in `eval()`.
    """

    def __init__(self, config: PaperConfig | None = None):
        super().__init__()
        self.config = config or PaperConfig()
        reading, channels = self.config.reading, self.config.token_width
        self.sketch_encoder = Encoder(1, self.config)
        self.reference_encoder = Encoder(3, self.config)
        self.transfer = FeatureTransfer(channels, reading, self.config.token_layout)
        self.squeeze: nn.Module = nn.Identity()
        if reading.squeezed:
            self.squeeze = spectral_norm(
                nn.Conv2d(channels, self.config.width * reading.squeezed, 1)
            )
            channels = self.config.width * reading.squeezed
        self.residual = nn.Sequential(
            *(Residual(channels, reading) for _ in range(RESIDUAL_BLOCKS))
        )
        twice = self.config.skips == "concatenate"
        self.decoder = Decoder(2 * channels if twice else channels, self.config)

    def forward(self, sketch: Tensor, reference: Tensor) -> Tensor:
        maps = self.sketch_encoder(sketch)
        keys, values = self.read_reference(reference)
        tokens = stack_maps(maps, self.config.reading)
        return self._decode(self.transfer(tokens, keys, values), maps)

    def paint(self, sketch: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        """The picture, and attention's logits (B, n_sketch, n_reference), for the triplet loss."""
        return self.paint_tokens(sketch, *self.read_reference(reference))

    def read_reference(self, reference: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (B, n, d_v) of references."""
        return self.transfer.read(
            stack_maps(self.reference_encoder(reference), self.config.reading)
        )

    def paint_tokens(
        self, sketch: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """`paint` with a reference already read; `bias` (B, n) is added to attention's logits."""
        maps = self.sketch_encoder(sketch)
        tokens = stack_maps(maps, self.config.reading)
        context, logits = self.transfer.with_logits(tokens, keys, values, bias)
        return self._decode(context, maps), logits

    def _decode(self, context: Tensor, maps: Sequence[Tensor]) -> Tensor:
        context = self.squeeze(context)
        made = self.residual(context)
        if self.config.skips == "add" or self.config.reading.around:
            made = made + context
        if self.config.skips == "concatenate":
            made = torch.cat([context, made], dim=1)
        return self.decoder(made, maps)


class PatchGan(nn.Module):
    """Sketch (B, 1, H, W) and picture (B, 3, H, W), −1 to 1, to a verdict per patch, (B, 1, h, w).

    Unbounded values, for least squares or hinges; for 256² h = w = 30, each sees 70 pixels.
    `norm`: "batch" in every layer but the last, as in Snailpong's code, or "spectral", which does
    without other pictures of a batch.
    """

    def __init__(self, norm: Literal["batch", "spectral"] = "batch", width: int = 64):
        super().__init__()
        widths = (4, width, 2 * width, 4 * width, 8 * width, 1)
        strides = (2, 2, 2, 1, 1)
        convolutions = [
            nn.Conv2d(inputs, outputs, 4, stride, padding=1)
            for inputs, outputs, stride in zip(widths, widths[1:], strides, strict=False)
        ]
        if norm == "spectral":
            convolutions = [spectral_norm(convolution) for convolution in convolutions]
        self.convolutions = nn.ModuleList(convolutions)
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(channels) if norm == "batch" else nn.Identity()
            for channels in widths[1:5]
        )

    def forward(self, sketch: Tensor, picture: Tensor) -> Tensor:
        h = torch.cat([picture, sketch], dim=1)
        for convolution, norm in zip(self.convolutions[:4], self.norms, strict=True):
            h = F.leaky_relu(norm(convolution(h)), LEAK, inplace=True)
        return self.convolutions[4](h)


def _convolution(inputs: int, outputs: int, reading: Reading, stride: int = 1) -> nn.Module:
    # Without a bias: where a norm follows it would change nothing.
    layer = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return spectral_norm(layer) if reading.spectral else layer


def _norm(channels: int, kind: Norm) -> nn.Module:
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    if kind == "instance":
        return nn.InstanceNorm2d(channels, affine=True)
    return nn.Identity()
