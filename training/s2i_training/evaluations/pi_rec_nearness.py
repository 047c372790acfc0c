"""How near pictures come to their originals, by several methods at once, and that as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from rich.progress import track

from s2i_training.evaluations.pi_rec_painting import tensor_of
from s2i_training.metrics.fid import frechet_distance, inception_features
from s2i_training.metrics.lpips import Lpips
from s2i_training.metrics.psnr import psnr
from s2i_training.metrics.ssim import ssim_to

Pictures = Mapping[str, Sequence[np.ndarray]]
"""One picture (H, W, 3) uint8 for each original, by method."""
Values = dict[str, np.ndarray]
"""One number for each picture, by what was measured."""

# An error of 2.5 steps of 255; a picture that is hit exactly would have infinitely many.
MOST_DECIBELS = 40.0
COLUMNS = ("LPIPS", "SSIM", "PSNR", "FID")
_DIGITS = {"LPIPS": 3, "SSIM": 3, "PSNR": 2, "FID": 1}


@torch.inference_mode()
def perceived(made: Pictures, originals: Sequence[np.ndarray], metric: Lpips) -> Values:
    """LPIPS of each picture, by method."""
    found = []
    for index, original in enumerate(track(originals, "LPIPS")):
        ours = tensor_of([pictures[index] for pictures in made.values()])
        found.append(metric(ours, tensor_of([original])).numpy())
    return dict(zip(made, np.stack(found, axis=1), strict=True))


def nearness(
    made: Pictures, originals: Sequence[np.ndarray], metric: Lpips | None
) -> dict[str, Values]:
    """SSIM and PSNR of each picture, and LPIPS when there is its `metric`, by method."""
    values: dict[str, Values] = {name: {} for name in made}
    if metric is not None:
        for name, found in perceived(made, originals, metric).items():
            values[name]["LPIPS"] = found
    similar = {name: np.zeros(len(originals)) for name in made}
    decibels = {name: np.zeros(len(originals)) for name in made}
    for index, original in enumerate(originals):
        ssim = ssim_to(original)
        for name, pictures in made.items():
            similar[name][index] = ssim(pictures[index])
            decibels[name][index] = min(psnr(pictures[index], original), MOST_DECIBELS)
    for name in made:
        values[name] |= {"SSIM": similar[name], "PSNR": decibels[name]}
    return values


def add_fid(values: dict[str, Values], made: Pictures, originals: Sequence[np.ndarray]) -> None:
    """Put FID, one number, into what was measured of each method of `made`."""
    features = inception_features(originals)
    for name, pictures in track(made.items(), "FID"):
        distance = frechet_distance(inception_features(pictures), features)
        values[name]["FID"] = np.array([distance])


def table(values: Mapping[str, Values]) -> str:
    """Means as Markdown, a row for each method; what was not measured is a dash."""
    columns = [what for what in COLUMNS if any(what in found for found in values.values())]
    lines = [f"| | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    for name, found in values.items():
        cells = [
            f"{found[what].mean():.{_DIGITS[what]}f}" if what in found else "–" for what in columns
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)
