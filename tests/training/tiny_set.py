"""A set of a few drawn circles, and what stands in for networks that are downloads."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from s2i_training.data.build import build_set
from s2i_training.data.drawing import Drawing, Picture
from s2i_training.data.published import Package
from s2i_training.data.sources import Source
from s2i_training.run import Run, RunOptions


class FlatFeatures(torch.nn.Module):
    """Stands in for VGG16, whose weights are a download: shrinks the picture."""

    def __init__(self, layers: tuple[str, ...]):
        super().__init__()
        self.layers = layers

    def forward(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        return {name: torch.nn.functional.avg_pool2d(pictures, 4) for name in self.layers}


def circle(number: int) -> Picture:
    """A circle of its own size and color, and its line."""
    color = np.zeros((64, 64, 4), np.uint8)
    lines = np.full((64, 64), 255, np.uint8)
    radius = 12 + number % 12
    cv2.circle(color, (32, 32), radius, (200, 5 * number % 255, 60, 255), -1)
    cv2.circle(lines, (32, 32), radius, 0, 2)
    return Picture(color, lines)


def build_tiny_set(folder: Path, count: int = 40) -> Path:
    """Build the set of `count` circles in `folder`, without any download."""

    def read(_archives: object):
        for number in range(count):
            drawn = partial(circle, number)
            name = f"d{number}"
            yield Drawing(
                id=name, subject=f"name:{number}", text=name.encode(), render=drawn, variant_of=name
            )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("s2i_training.data.build.fetch", lambda package, _folder: package)
        build_set([Source("made", (Package("npm", "made", "1", ""),), "CC0-1.0", "", read)], folder)
    return folder


def tiny_run(folder: Path, stop_after: int | None = None, resume: bool = False) -> Run:
    """A run that saves at every step, interrupted after step number `stop_after`."""
    run = Run(RunOptions(folder, workers=0, resume=resume, checkpoint_every=1, log_every=1))
    if stop_after is not None:
        stop_run(run, stop_after)
    return run


def stop_run(run: Run, step: int) -> None:
    """Interrupt `run` after its step number `step`, as Ctrl+C does."""
    after_step = run.after_step

    def stopping(*arguments, **keywords) -> None:
        after_step(*arguments, **keywords)
        if run.step == step:
            raise KeyboardInterrupt

    run.after_step = stopping  # type: ignore[method-assign]
