"""The judge of recipes that train against one: of lines and colors, patch by patch."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2i_training.run import Run


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


def train_critic(
    run: Run,
    lines: Tensor,
    color: Tensor,
    painted: Tensor,
    loss_of: Callable[[Tensor, Tensor], Tensor],
) -> tuple[Tensor, Tensor]:
    """One step of the run's "discriminator"; returns its loss, and its verdict on `painted`.

    `lines` (B, 1, H, W), `color` and `painted` (B, 3, H, W), all 0 to 1. `loss_of` takes verdicts
    on real and on painted pictures. Gradients of the returned verdict reach `painted`.
    """
    with run.accelerator.autocast():
        # One pass for both, because each pass of a network on several processes is one exchange.
        both = run.networks["discriminator"](
            lines.repeat(2, 1, 1, 1), torch.cat([color, painted.detach()])
        )
    loss = loss_of(*both.float().chunk(2))
    run.optimizers["discriminator"].zero_grad()
    run.accelerator.backward(loss)
    run.optimizers["discriminator"].step()
    with run.accelerator.autocast():
        # The plain network: gradients pass through it but must not be shared here.
        verdict = run.plain("discriminator")(lines, painted).float()
    return loss, verdict
