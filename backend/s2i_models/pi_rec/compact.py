"""The generator that ships: the paper's plan, made for processors and for tiles.

It differs from the paper's network (`network.py`) in four ways:

* Pixels are folded 2×2 into channels first, and everything is narrower.
* Each pixel is normalized over its own channels instead of each channel over the picture. So a
  pixel depends on nothing but what its neighborhood shows, and a tile with enough of it around
  comes out as it does in the whole picture.
* It learns what to add to the colors that it is given, which are right on the average.
* One sum joins the finest level before and after the middle, because edges one pixel wide would
  have to be carried through a quarter of the size otherwise.

The dilations of the middle go up and down, so that it sees a whole picture of the working size.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

INPUT_CHANNELS = 4  # red, green, blue of the color domain, edge
FOLD = 2


@dataclass(frozen=True)
class CompactConfig:
    """Channels at half and at an eighth of the area, and the dilation of each middle block."""

    fine_width: int = 32
    width: int = 96
    dilations: tuple[int, ...] = (1, 2, 4, 8, 4, 2, 1)

    def to_dict(self) -> dict[str, object]:
        """Plain values for the metadata of a weights file."""
        return {**asdict(self), "dilations": list(self.dilations)}

    @classmethod
    def from_dict(cls, plain: dict) -> CompactConfig:
        """The inverse of `to_dict`."""
        return cls(int(plain["fine_width"]), int(plain["width"]), tuple(plain["dilations"]))


class CompactGenerator(nn.Module):
    """Colors and edges to a picture.

    Input, H and W multiples of `stride`: colors (B, 3, H, W), sRGB 0 to 1, and edges
    (B, 1, H, W), 1 where an edge is, else 0. Output (B, 3, H, W): sRGB, 0 to 1 by training, not by
    force; `reach` is how many pixels away something can change a pixel.
    """

    # The longest side of a picture that it was trained with.
    work_size = 128
    stride = 4

    def __init__(self, config: CompactConfig | None = None):
        super().__init__()
        self.config = config or CompactConfig()
        fine, width = self.config.fine_width, self.config.width
        self.stem = nn.Conv2d(INPUT_CHANNELS * FOLD**2, fine, 3, padding=1)
        self.before = _Block(fine)
        self.down = nn.Conv2d(fine, width, 4, stride=2, padding=1)
        self.middle = nn.Sequential(*(_Block(width, d) for d in self.config.dilations))
        self.up = nn.Conv2d(width, fine, 3, padding=1)
        self.after = nn.Sequential(_Block(fine), _Block(fine))
        self.head = nn.Conv2d(fine, 3 * FOLD**2, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]  # it has one

    @property
    def reach(self) -> int:
        """Pixels, rounded up to a whole stride."""
        fine = 1 + 2 + 2 * 2 + 1  # 3×3 convolutions at half the size: stem, blocks, head
        coarse = 2 + sum(d + 1 for d in self.config.dilations) + 1
        return self.stride * (coarse + -(-FOLD * fine // self.stride))

    def forward(self, colors: Tensor, edges: Tensor) -> Tensor:
        folded = F.pixel_unshuffle(torch.cat([colors - 0.5, edges - 0.5], dim=1), FOLD)
        fine = self.before(self.stem(folded))
        coarse = self.middle(self.down(fine))
        coarse = F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)
        added = self.head(self.after(fine + self.up(coarse)))
        return colors + F.pixel_shuffle(added, FOLD)


class _Block(nn.Module):
    """norm – SiLU – dilated conv – SiLU – conv, added to its input; it begins as the identity.

    The paper's residual block with its normalization once and over channels.
    """

    def __init__(self, channels: int, dilation: int = 1):
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        h = self.conv1(F.silu(h))
        return x + self.conv2(F.silu(h))
