"""The Auto-painter recipe on a tiny set: trains, resumes, exports what the pipeline loads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from tiny_set import FlatFeatures, tiny_run

from s2i_models import load
from s2i_models.auto_painter.compact import CompactConfig
from s2i_training.recipes import auto_painter as recipe
from s2i_training.run import Run, RunOptions

TINY = recipe.Config(
    phases=(
        recipe.Phase("colors", 3, 32, 4, 1e-3, mode_weight=1.0),
        recipe.Phase("paint", 3, 32, 4, 1e-3, adversarial=True),
    ),
    network=CompactConfig(widths=(16, 24), blocks=1),
    discriminator_width=8,
    mixed_precision="no",
)


@pytest.fixture(autouse=True)
def no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "Vgg16Features", FlatFeatures)


def _train(
    folder: Path, tiny_set: Path, stop_after: int | None = None, resume: bool = False
) -> None:
    run = tiny_run(folder, stop_after, resume)
    recipe.train(TINY, tiny_set, run)


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    return {**state["networks"]["generator"], **state["networks"]["discriminator"]}


def test_interrupted_training_ends_with_the_same_networks(tmp_path: Path, tiny_set: Path) -> None:
    _train(tmp_path / "whole", tiny_set)
    with pytest.raises(KeyboardInterrupt):
        _train(tmp_path / "parts", tiny_set, stop_after=4)
    _train(tmp_path / "parts", tiny_set, resume=True)
    ours, theirs = _weights(tmp_path / "whole"), _weights(tmp_path / "parts")
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name


def test_exported_weights_paint(tmp_path: Path, tiny_set: Path) -> None:
    _train(tmp_path / "run", tiny_set)
    path = tmp_path / "weights.safetensors"
    assert recipe.export(tmp_path / "run", path) == path.stat().st_size
    sketch = np.full((50, 40, 1), 255, np.uint8)
    cv2.circle(sketch, (20, 25), 12, 0, 2)
    layers = load("auto_painter", weights=path)(sketch=sketch)
    assert list(layers) == ["flats", "shade", "lines", "color"]
    assert layers["color"].shape == (50, 40, 4)


def test_training_goes_on_from_weights(tmp_path: Path, tiny_set: Path) -> None:
    _train(tmp_path / "first", tiny_set)
    path = tmp_path / "weights.safetensors"
    recipe.export(tmp_path / "first", path)
    run = Run(RunOptions(tmp_path / "second", workers=0))
    still = replace(TINY, phases=(replace(TINY.phases[0], steps=1, learning_rate=0.0),))
    recipe.train(still, tiny_set, run, start_from=path)
    ours, theirs = _weights(tmp_path / "first"), _weights(tmp_path / "second")
    averaged = torch.load(tmp_path / "first" / "checkpoint.pt", weights_only=True)["averages"]
    for name, value in averaged["generator"].items():
        assert torch.allclose(theirs[name], value.half().float()), name
    assert any(not torch.equal(ours[n], theirs[n]) for n in averaged["generator"])
