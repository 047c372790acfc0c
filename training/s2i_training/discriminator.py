"""The judge of recipes that train against one: of lines and colors, patch by patch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class CompactDiscriminator(nn.Module):
    """PatchGAN on lines and colors, folded 2×2 first.

    Input lines (B, 1, H, W) and colors (B, 3, H, W), both 0 to 1. Output (B, 1, H/16, W/16):
    logits per patch (no sigmoid, as a stable loss wants). Spectral normalization instead of
    batch normalization keeps small batches steady.
    """

    def __init__(self, width: int = 48):
        super().__init__()

        def conv(inputs: int, outputs: int, stride: int) -> nn.Module:
            layer = nn.Conv2d(inputs, outputs, 4 if stride == 2 else 3, stride, 1)
            return nn.utils.parametrizations.spectral_norm(layer)

        self.layers = nn.Sequential(
            conv(16, width, 2),
            nn.LeakyReLU(0.2),
            conv(width, 2 * width, 2),
            nn.LeakyReLU(0.2),
            conv(2 * width, 4 * width, 2),
            nn.LeakyReLU(0.2),
            conv(4 * width, 4 * width, 1),
            nn.LeakyReLU(0.2),
            conv(4 * width, 1, 1),
        )

    def forward(self, lines: Tensor, colors: Tensor) -> Tensor:
        return self.layers(F.pixel_unshuffle(torch.cat([lines, colors], dim=1), 2))
