"""The generator that ships: a U-Net of the paper's family, chosen for quality per millisecond.

It differs from the paper's network (`network.py`) in five ways, each for speed or steadiness:

* Pixels are folded 4×4 into channels first, so all convolutions run at a quarter of the working
  size. Colors are snapped to full-size regions afterwards, so the network need not draw edges.
* Residual blocks with group normalization replace batch statistics: a drawing's colors do not
  depend on what else is in the batch, and dropout is not needed as noise.
* Color hints are an input of their own (color and mask) instead of paint on the sketch, so a
  white hint differs from no hint.
* The coarsest level attends over the whole picture, so one hint reaches every part like it.
* Beside colors it tells where paint goes at all, so that open outlines do not empty the figure.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2i_models.blocks import AttentionBlock, ResidualBlock

INPUT_CHANNELS = 5  # lines, hint red, hint green, hint blue, hint mask
FOLD = 4


@dataclass(frozen=True)
class CompactConfig:
    """Widths of the levels, finest first, and residual blocks per level and direction."""

    widths: tuple[int, ...] = (64, 128, 256, 320)
    blocks: int = 2

    def to_dict(self) -> dict[str, object]:
        """Plain values for the metadata of a weights file."""
        return {**asdict(self), "widths": list(self.widths)}

    @classmethod
    def from_dict(cls, plain: dict) -> CompactConfig:
        """The inverse of `to_dict`."""
        return cls(widths=tuple(plain["widths"]), blocks=int(plain["blocks"]))


class CompactGenerator(nn.Module):
    """Lines and hints to colors.

    Input, H and W multiples of `stride`: lines (B, 1, H, W), 0 ink to 1 paper; hints
    (B, 4, H, W), sRGB color 0 to 1 (0 where there is none) and mask 0 or 1.
    Output (B, 4, H, W): sRGB color 0 to 1, and the logit of the coverage, positive where paint
    goes and negative where paper stays.
    """

    # The longest side of a drawing that it paints best: what it was trained with.
    work_size = 192

    def __init__(self, config: CompactConfig | None = None):
        super().__init__()
        self.config = config or CompactConfig()
        widths, blocks = self.config.widths, self.config.blocks
        self.stem = nn.Conv2d(INPUT_CHANNELS * FOLD**2, widths[0], 3, padding=1)
        self.encoder = nn.ModuleList()
        self.down = nn.ModuleList()
        for level, width in enumerate(widths):
            self.encoder.append(nn.Sequential(*(ResidualBlock(width) for _ in range(blocks))))
            if level + 1 < len(widths):
                self.down.append(nn.Conv2d(width, widths[level + 1], 2, stride=2))
        self.middle = nn.Sequential(
            AttentionBlock(widths[-1]), ResidualBlock(widths[-1]), AttentionBlock(widths[-1])
        )
        self.up = nn.ModuleList()
        self.merge = nn.ModuleList()
        self.decoder = nn.ModuleList()
        for level in reversed(range(len(widths) - 1)):
            width = widths[level]
            self.up.append(nn.Conv2d(widths[level + 1], width, 1))
            self.merge.append(nn.Conv2d(2 * width, width, 1))
            self.decoder.append(nn.Sequential(*(ResidualBlock(width) for _ in range(blocks))))
        self.head = nn.Sequential(
            nn.GroupNorm(8, widths[0]), nn.SiLU(), nn.Conv2d(widths[0], 4 * FOLD**2, 3, padding=1)
        )

    @property
    def stride(self) -> int:
        """Height and width of the input must be multiples of this."""
        return FOLD * 2 ** (len(self.config.widths) - 1)

    def forward(self, lines: Tensor, hints: Tensor) -> Tensor:
        h = self.stem(F.pixel_unshuffle(torch.cat([lines, hints], dim=1), FOLD))
        skips = []
        for level, encode in enumerate(self.encoder):
            h = encode(h)
            if level < len(self.down):
                skips.append(h)
                h = self.down[level](h)
        h = self.middle(h)
        for up, merge, decode in zip(self.up, self.merge, self.decoder, strict=True):
            h = F.interpolate(up(h), scale_factor=2.0, mode="nearest")
            h = decode(merge(torch.cat([h, skips.pop()], dim=1)))
        color, coverage = F.pixel_shuffle(self.head(h), FOLD).split([3, 1], dim=1)
        return torch.cat([0.5 + 0.5 * torch.tanh(color), coverage], dim=1)
