"""The network that ships: the paper's parts, arranged for small grids and for artists' extras.

Lee et al., "Reference-Based Sketch Image Colorization using Augmented-Self Reference and Dense
Semantic Correspondence" (CVPR 2020). What differs from the paper's network (`network.py`), and why:

* Pixels are folded 4×4 into channels first. Colors are snapped to full-size regions afterwards, so
  the network need not draw edges.
* Group normalization, and self-attention over the coarsest level of both encoders, so that a token
  knows which part of the figure it is.
* Beside its values every reference token carries its plain color. The attended color is what the
  decoder starts from, so colors come from the reference itself rather than from memory.
* Reference tokens have a bias in the attention: what lies outside of the reference or of its mask
  is not seen, and several references blend by their weights.
* Color hints are a second input beside the lines, and the output tells where paint goes at all,
  both as in Auto-painter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2i_models.blocks import AttentionBlock, ResidualBlock

SKETCH_CHANNELS = 5  # lines, hint red, hint green, hint blue, hint mask
REFERENCE_CHANNELS = 4  # red, green, blue, valid
FOLD = 4
# A token that is not to be seen has this bias instead of minus infinity, so that a softmax over
# nothing but such tokens is even instead of undefined.
HIDDEN = -1e4
# A token is seen when more than this share of its cell may be used.
_LEAST_SHARE = 0.1


@dataclass(frozen=True)
class CompactConfig:
    """Widths of the three levels, finest first, of what attention compares and hands over, and
    residual blocks per level."""

    widths: tuple[int, int, int] = (48, 96, 192)
    token_width: int = 128
    blocks: int = 2

    def to_dict(self) -> dict[str, object]:
        """Plain values for the metadata of a weights file."""
        return {**asdict(self), "widths": list(self.widths)}

    @classmethod
    def from_dict(cls, plain: dict) -> CompactConfig:
        """The inverse of `to_dict`."""
        fine, middle, coarse = (int(width) for width in plain["widths"])
        return cls((fine, middle, coarse), int(plain["token_width"]), int(plain["blocks"]))


@dataclass(frozen=True)
class ReferenceTokens:
    """What attention sees of one or several references; n tokens.

    `keys` (B, n, d), `values` (B, n, v), `colors` (B, n, 3) mean sRGB 0 to 1 of the token's cell,
    `bias` (B, n), added to the attention's logits: 0 or less, `HIDDEN` where nothing may be taken.
    """

    keys: Tensor
    values: Tensor
    colors: Tensor
    bias: Tensor

    @classmethod
    def join(
        cls, references: Sequence[ReferenceTokens], weights: Sequence[float]
    ) -> ReferenceTokens:
        """Several references as one, each pulling by its weight, which must be positive."""
        return cls(
            torch.cat([tokens.keys for tokens in references], dim=1),
            torch.cat([tokens.values for tokens in references], dim=1),
            torch.cat([tokens.colors for tokens in references], dim=1),
            torch.cat(
                [
                    tokens.bias + float(torch.log(torch.tensor(weight)))
                    for tokens, weight in zip(references, weights, strict=True)
                ],
                dim=1,
            ),
        )


def colors_of_cells(
    color: Tensor, valid: Tensor, cell: int, *, relative: bool = False
) -> tuple[Tensor, Tensor]:
    """`colors` (B, n, 3) and `bias` (B, n) of `ReferenceTokens`, a token being a cell.

    `color` (B, 3, H, W) sRGB, `valid` (B, 1, H, W), how much of each pixel may be used, 0 to 1.
    `relative`: cells count by their share of the fullest cell, so that a part that is smaller than
    a cell is found.
    """
    share = F.avg_pool2d(valid, cell)
    mean = F.avg_pool2d(color * valid, cell) / share.clamp(min=1e-6)
    if relative:
        share = share / share.amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-6)
    bias = torch.where(share > _LEAST_SHARE, share.clamp(min=_LEAST_SHARE).log(), HIDDEN)
    return _as_tokens(mean), bias.flatten(1)


class Painted(NamedTuple):
    """What a training step looks at.

    `output` as of `CompactGenerator`; `logits` (B, n_sketch, n_reference) of the attention, with
    the bias; `query` (B, n_sketch, d), `key` (B, n_reference, d); `bias` (B, n_reference).
    """

    output: Tensor
    logits: Tensor
    query: Tensor
    key: Tensor
    bias: Tensor


class Encoder(nn.Module):
    """Features at a quarter, an eighth and a sixteenth of the input's size.

    Input (B, `channels`, H, W), H and W multiples of 16; output a tensor for each width.
    """

    def __init__(self, channels: int, config: CompactConfig):
        super().__init__()
        widths = config.widths
        self.stem = nn.Conv2d(channels * FOLD**2, widths[0], 3, padding=1)
        self.levels = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(width) for _ in range(config.blocks))) for width in widths
        )
        self.down = nn.ModuleList(
            nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in pairwise(widths)
        )
        self.context = nn.Sequential(
            AttentionBlock(widths[-1]), ResidualBlock(widths[-1]), AttentionBlock(widths[-1])
        )

    def forward(self, picture: Tensor) -> list[Tensor]:
        h = self.stem(F.pixel_unshuffle(picture, FOLD))
        found = []
        for level, blocks in enumerate(self.levels):
            h = blocks(self.down[level - 1](h) if level else h)
            found.append(h)
        found[-1] = self.context(found[-1])
        return found


class TokenProjection(nn.Module):
    """Eq. (1): the features of all levels at the middle one's size, as one token per cell.

    Output (B, d_v, h, w), d_v the sum of all widths, normalized over channels.
    """

    def __init__(self, config: CompactConfig):
        super().__init__()
        self.norm = nn.GroupNorm(1, sum(config.widths))

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        fine, middle, coarse = features
        coarse = F.interpolate(coarse, scale_factor=2.0, mode="nearest")
        return self.norm(torch.cat([F.avg_pool2d(fine, 2), middle, coarse], dim=1))


class CompactGenerator(nn.Module):
    """Lines, hints and references to colors.

    Input, H and W multiples of `stride`: lines (B, 1, H, W), 0 ink to 1 paper; hints
    (B, 4, H, W), sRGB color 0 to 1 (0 where there is none) and mask 0 or 1; and the tokens of
    references, by `read_reference`, which may be of another size.
    Output (B, 4, H, W): sRGB color, about 0 to 1 but not clipped, and the logit of the coverage,
    positive where paint goes and negative where paper stays.
    """

    # The longest side of drawing and reference that it was trained with.
    work_size = 192
    stride = 16
    # Side of a token's cell in pixels of the input.
    cell = 8

    def __init__(self, config: CompactConfig | None = None):
        super().__init__()
        self.config = config or CompactConfig()
        fine, middle, coarse = self.config.widths
        stacked, token = fine + middle + coarse, self.config.token_width
        self.sketch_encoder = Encoder(SKETCH_CHANNELS, self.config)
        self.reference_encoder = Encoder(REFERENCE_CHANNELS, self.config)
        self.sketch_tokens = TokenProjection(self.config)
        self.reference_tokens = TokenProjection(self.config)
        self.query = nn.Conv2d(stacked, token, 1, bias=False)
        self.key = nn.Conv2d(stacked, token, 1, bias=False)
        self.value = nn.Conv2d(stacked, token, 1, bias=False)
        self.own = nn.Conv2d(stacked, token, 1)
        self.joined = nn.Sequential(*(ResidualBlock(token) for _ in range(self.config.blocks)))
        self.to_middle = nn.Conv2d(2 * token + 3, middle, 1)
        self.middle = nn.Sequential(*(ResidualBlock(middle) for _ in range(self.config.blocks)))
        self.to_fine = nn.Conv2d(middle + fine, fine, 1)
        self.fine = nn.Sequential(*(ResidualBlock(fine) for _ in range(self.config.blocks)))
        self.head = nn.Sequential(
            nn.GroupNorm(8, fine), nn.SiLU(), nn.Conv2d(fine, 4 * FOLD**2, 3, padding=1)
        )
        last = self.head[-1]
        assert isinstance(last, nn.Conv2d) and last.bias is not None
        for parameter in (last.weight, last.bias):  # it begins with the attended colors as they are
            nn.init.zeros_(parameter)

    def read_reference(self, reference: Tensor) -> ReferenceTokens:
        """The tokens of references (B, 4, H, W): sRGB 0 to 1, and valid, 1 where colors may be
        taken from; H and W multiples of `stride`."""
        tokens = self.reference_tokens(self.reference_encoder(reference))
        color, valid = reference.split([3, 1], dim=1)
        colors, bias = colors_of_cells(color, valid, self.cell)
        key, value = self.key(tokens), self.value(tokens)
        return ReferenceTokens(_as_tokens(key), _as_tokens(value), colors, bias)

    def forward(self, lines: Tensor, hints: Tensor, reference: Tensor) -> Painted:
        """All at once, for training; `reference` as of `read_reference`."""
        tokens = self.read_reference(reference)
        output, logits, query = self._paint(lines, hints, tokens)
        return Painted(output, logits, query, tokens.keys, tokens.bias)

    def paint(
        self, lines: Tensor, hints: Tensor, reference: ReferenceTokens
    ) -> tuple[Tensor, Tensor]:
        """The output of the class's description, and the attention's logits
        (B, n_sketch, n_reference); a sketch token is a cell of `cell`×`cell` pixels, row by row."""
        return self._paint(lines, hints, reference)[:2]

    def _paint(
        self, lines: Tensor, hints: Tensor, reference: ReferenceTokens
    ) -> tuple[Tensor, Tensor, Tensor]:
        features = self.sketch_encoder(torch.cat([lines, hints], dim=1))
        tokens = self.sketch_tokens(features)
        height, width = tokens.shape[2:]
        # Eq. (2), with the bias; in float32, where small differences of logits survive.
        query = _as_tokens(self.query(tokens)).float()
        with torch.autocast(query.device.type, enabled=False):
            logits = query @ reference.keys.float().transpose(1, 2) / self.config.token_width**0.5
            logits = logits + reference.bias[:, None].float()
            # Eq. (3), of values and of plain colors.
            taken = torch.cat([reference.values.float(), reference.colors.float()], dim=2)
            taken = (logits.softmax(dim=2) @ taken).transpose(1, 2).unflatten(2, (height, width))
        value, color = taken.split([self.config.token_width, 3], dim=1)
        context = self.own(tokens) + value  # eq. (4)
        h = self.to_middle(torch.cat([context, self.joined(context), color], dim=1))
        h = F.interpolate(self.middle(h), scale_factor=2.0, mode="nearest")
        h = self.fine(self.to_fine(torch.cat([h, features[0]], dim=1)))
        delta, coverage = F.pixel_shuffle(self.head(h), FOLD).split([3, 1], dim=1)
        start = F.interpolate(color, scale_factor=float(self.cell), mode="bilinear")
        return torch.cat([start + delta, coverage], dim=1), logits, query


def _as_tokens(planes: Tensor) -> Tensor:
    """(B, C, h, w) to (B, h·w, C): a token is a position, row by row."""
    return planes.flatten(2).transpose(1, 2)
