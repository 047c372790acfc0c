"""Differences of painted drawings, weighted toward what an artist sees.

Paper around the drawing counts little, and so does ink, which is laid on top of the result.
"""

from __future__ import annotations

import torch
from torch import Tensor


def pixel_loss(painted: Tensor, color: Tensor, coverage: Tensor, lines: Tensor) -> Tensor:
    """L1 of colors: the L_p of Auto-painter, the reconstruction loss of Lee et al.

    `painted`, `color`: (B, 3, H, W); `coverage`, `lines`: (B, 1, H, W); all 0 to 1.
    """
    weight = _visibility(coverage, lines)
    return (weight * (painted - color).abs()).sum() / (3 * weight.sum()).clamp(min=1)


def mode_loss(
    painted: Tensor, color: Tensor, coverage: Tensor, lines: Tensor, width: float = 0.25
) -> Tensor:
    """Welsch loss of colors: quadratic near the target, flat far from it.

    Where several colors are plausible L1 settles between them, on a color that no artist would
    choose; this loss is smallest on the most common one. `width`: distance in RGB at which it
    begins to flatten. Arguments as in `pixel_loss`.
    """
    weight = _visibility(coverage, lines)
    squared = (painted - color).square().sum(dim=1, keepdim=True)
    robust = width * (1 - torch.exp(-squared / (2 * width**2)))
    return (weight * robust).sum() / weight.sum().clamp(min=1)


def _visibility(coverage: Tensor, lines: Tensor) -> Tensor:
    return (0.15 + 0.85 * coverage) * (0.2 + 0.8 * lines)
