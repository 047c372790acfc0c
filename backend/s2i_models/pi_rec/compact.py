"""The generator that ships: the paper's plan, made for processors and for tiles.

It differs from the paper's network (`network.py`) in four ways:

* Pixels are folded 2×2 into channels first, and the middle lies at a sixteenth of the size instead
  of a fourth, where seeing the whole picture costs little.
* What that loses of edges one pixel wide comes back by sums that join the levels on the way down
  with those on the way up. (The paper finds such skips needless for its middle.)
* Each pixel is normalized over its own channels instead of each channel over the picture. So a
  pixel depends on nothing but what lies within its reach, and a tile with so much of its
  surroundings comes out exactly as it does in the whole picture.
* It learns what to add to the colors that it is given, which are right on the average, but blurred:
  their borders are not those of the picture.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

INPUT_CHANNELS = 4  # red, green, blue of the color domain, edge
FOLD = 2
# Side of the box that colors are blurred with, twice.
BLUR = 7


@dataclass(frozen=True)
class CompactConfig:
    """Channels of the levels, finest first; residual blocks on each on the way down and on the way
    up, and in the middle, on the coarsest."""

    widths: tuple[int, ...] = (32, 64, 128, 160)
    down_blocks: int = 1
    up_blocks: int = 2
    middle_blocks: int = 4

    def to_dict(self) -> dict[str, object]:
        """Plain values for the metadata of a weights file."""
        return {**asdict(self), "widths": list(self.widths)}

    @classmethod
    def from_dict(cls, plain: dict) -> CompactConfig:
        """The inverse of `to_dict`."""
        return cls(**{**plain, "widths": tuple(plain["widths"])})


class CompactGenerator(nn.Module):
    """Colors and edges to a picture.

    Input, H and W multiples of `stride`: colors (B, 3, H, W), sRGB 0 to 1, and edges
    (B, 1, H, W), 1 where an edge is, else 0. Output (B, 3, H, W): sRGB, 0 to 1 by training, not by
    force.
    """

    # The longest side of a picture that it was trained with.
    work_size = 128

    def __init__(self, config: CompactConfig | None = None):
        super().__init__()
        self.config = config or CompactConfig()
        widths = self.config.widths
        self.stem = nn.Conv2d(INPUT_CHANNELS * FOLD**2, widths[0], 3, padding=1)
        self.encoder = nn.ModuleList(_blocks(w, self.config.down_blocks) for w in widths[:-1])
        self.down = nn.ModuleList(
            nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in pairwise(widths)
        )
        self.middle = _blocks(widths[-1], self.config.middle_blocks)
        self.up = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in pairwise(widths))
        self.decoder = nn.ModuleList(_blocks(w, self.config.up_blocks) for w in widths[:-1])
        self.head = nn.Conv2d(widths[0], 3 * FOLD**2, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]  # it has one

    @property
    def stride(self) -> int:
        """What the sides of a picture are multiples of."""
        return FOLD * 2 ** (len(self.config.widths) - 1)

    @property
    def reach(self) -> int:
        """How many pixels away something can still change a pixel, rounded up to a whole stride."""
        config = self.config
        levels = len(config.widths)
        farthest = FOLD * 2  # stem and head, 3×3
        for level in range(levels):
            middle = level == levels - 1
            blocks = config.middle_blocks if middle else config.down_blocks + config.up_blocks
            # Two 3×3 convolutions a block; a pixel more for shrinking, and one for enlarging.
            farthest += FOLD * 2**level * (2 * blocks + (0 if level == 0 else 2))
        return -(-farthest // self.stride) * self.stride

    def forward(self, colors: Tensor, edges: Tensor) -> Tensor:
        folded = F.pixel_unshuffle(torch.cat([colors - 0.5, edges - 0.5], dim=1), FOLD)
        h = self.stem(folded)
        seen = []
        for encode, down in zip(self.encoder, self.down, strict=True):
            h = encode(h)
            seen.append(h)
            h = down(h)
        h = self.middle(h)
        for level in reversed(range(len(seen))):
            # Fewer channels first: enlarging is then cheaper, and it is the same sum.
            larger = F.interpolate(
                self.up[level](h), scale_factor=2, mode="bilinear", align_corners=False
            )
            h = self.decoder[level](seen[level] + larger)
        return _blurred(colors) + F.pixel_shuffle(self.head(h), FOLD)


def _blurred(colors: Tensor) -> Tensor:
    """Colors blurred by two boxes; beyond the border they go on as they are there."""
    padded = F.pad(colors, (BLUR - 1,) * 4, mode="replicate")
    return F.avg_pool2d(F.avg_pool2d(padded, BLUR, stride=1), BLUR, stride=1)


def _blocks(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(_Block(channels) for _ in range(count)))


class _Block(nn.Module):
    """norm – SiLU – conv – SiLU – conv, added to its input; it begins as the identity.

    The paper's residual block, normalized once and over channels.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        h = self.conv1(F.silu(h))
        return x + self.conv2(F.silu(h))
