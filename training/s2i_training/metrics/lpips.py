"""LPIPS: how different two pictures look to a network that was taught what people see.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric" (2018),
version 0.1 with the published linear heads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2i_training.data.packages import PACKAGE_FOLDER
from s2i_training.perceptual import Vgg16Features, load_convolution, published_weights

# LPIPS normalizes −1 to 1 with these numbers of its own.
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
_VGG_LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")

Net = Literal["alex", "vgg"]


class Lpips(nn.Module):
    """Distance of pictures (B, 3, H, W), RGB 0 to 1: (B,), 0 for equal ones. Frozen.

    `net`: "alex" for measuring, as its authors advise; "vgg" as a loss. AlexNet needs pictures of
    at least 32×32.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, net: Net = "alex", *, folder: Path = PACKAGE_FOLDER):
        super().__init__()
        self.register_buffer("shift", torch.tensor(_SHIFT).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor(_SCALE).view(1, 3, 1, 1))
        weights = published_weights("alexnet" if net == "alex" else "vgg16", folder)
        self.network: _AlexNet | _Vgg = _AlexNet(weights) if net == "alex" else _Vgg(weights)
        self.heads = nn.ModuleList()
        for index in range(5):
            path = f"NetLinLayer_{index}/Conv_0"
            head = nn.Conv2d(weights[f"{path}/kernel"].shape[2], 1, 1, bias=False)
            load_convolution(head, weights, path)
            self.heads.append(head)
        self.requires_grad_(False)
        self.eval()

    def forward(self, ours: Tensor, theirs: Tensor) -> Tensor:
        pairs = zip(self._features(ours), self._features(theirs), self.heads, strict=True)
        distances = [head((a - b) ** 2).mean(dim=(1, 2, 3)) for a, b, head in pairs]
        return torch.stack(distances).sum(dim=0)

    def _features(self, picture: Tensor) -> list[Tensor]:
        features = self.network((2 * picture - 1 - self.shift) / self.scale)
        return [f / (f.square().sum(dim=1, keepdim=True).sqrt() + 1e-10) for f in features]


class _AlexNet(nn.Module):
    """The five convolutions of torchvision's AlexNet, each after its ReLU."""

    def __init__(self, weights: Mapping[str, np.ndarray]):
        super().__init__()
        shapes = ((3, 64, 11, 4, 2), (64, 192, 5, 1, 2), (192, 384, 3, 1, 1))
        shapes += ((384, 256, 3, 1, 1), (256, 256, 3, 1, 1))
        self.convolutions = nn.ModuleList(nn.Conv2d(i, o, k, s, p) for i, o, k, s, p in shapes)
        for index, layer in enumerate(self.convolutions):
            assert isinstance(layer, nn.Conv2d)
            load_convolution(layer, weights, f"AlexNet_0/Conv_{index}")

    def forward(self, h: Tensor) -> list[Tensor]:
        found = []
        for index, convolution in enumerate(self.convolutions):
            if index in {1, 2}:
                h = F.max_pool2d(h, 3, stride=2)
            h = F.relu(convolution(h))
            found.append(h)
        return found


class _Vgg(nn.Module):
    def __init__(self, weights: Mapping[str, np.ndarray]):
        super().__init__()
        self.features = Vgg16Features(_VGG_LAYERS, weights=weights)

    def forward(self, h: Tensor) -> list[Tensor]:
        return list(self.features.of_normalized(h).values())


@torch.inference_mode()
def lpips(
    made: Sequence[np.ndarray],
    originals: Sequence[np.ndarray],
    *,
    net: Net = "alex",
    device: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> float:
    """Mean LPIPS of pairs of pictures (H, W, 3) uint8 RGB. `progress` is told each count done.

    Raises ValueError when there are not as many originals as pictures, or none.
    """
    if len(made) != len(originals) or not made:
        raise ValueError(f"{len(made)} pictures can not be paired with {len(originals)} originals")
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    metric = Lpips(net).to(device)
    total = 0.0
    for done, (ours, theirs) in enumerate(zip(made, originals, strict=True), start=1):
        total += float(metric(_tensor(ours, device), _tensor(theirs, device)))
        if progress is not None:
            progress(done)
    return total / len(made)


def _tensor(picture: np.ndarray, device: str) -> Tensor:
    plane = torch.from_numpy(np.ascontiguousarray(picture)).to(device)
    return plane.permute(2, 0, 1)[None].float() / 255
