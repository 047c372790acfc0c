"""Pictures as tensors and back, and many of them through a network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from s2i_models.pi_rec.generators import Generator, Networks
from s2i_training.evaluations.pi_rec_pictures import SCALE

_BATCH = 8


@torch.inference_mode()
def paint(network: Generator, colors: Tensor, edges: Tensor) -> Tensor:
    """Colors (N, 3, H, W), sRGB 0 to 1, and edges (N, 1, H, W) to pictures as the colors."""
    parts = zip(colors.split(_BATCH), edges.split(_BATCH), strict=True)
    return torch.cat([network(*part).clamp(0, 1) for part in parts])


def paint_finished(networks: Networks, colors: Tensor, edges: Tensor) -> Tensor:
    """As `paint`, by the generator and then, if there is one, by the refiner at the same size."""
    painted = paint(networks.generate, colors, edges)
    return painted if networks.refine is None else paint(networks.refine, painted, edges)


def enlarged(pictures: Tensor) -> Tensor:
    """Pictures (N, 3, H, W) as the refiner is given them to paint them `SCALE` times as large."""
    return F.interpolate(pictures, scale_factor=SCALE, mode="bilinear", align_corners=False)


def tensor_of(pictures: Sequence[np.ndarray]) -> Tensor:
    """Pictures (H, W, 3) uint8 to (N, 3, H, W) float32, 0 to 1."""
    stack = torch.from_numpy(np.stack(pictures))
    return stack.permute(0, 3, 1, 2).contiguous().float() / 255


def edges_tensor(edges: Sequence[np.ndarray]) -> Tensor:
    """Edges (H, W) bool to (N, 1, H, W) float32, 0 or 1."""
    return torch.from_numpy(np.stack(edges))[:, None].float()


def pictures_of(painted: Tensor) -> list[np.ndarray]:
    """The inverse of `tensor_of`."""
    rounded = (painted * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
    return list(rounded.contiguous().numpy())
