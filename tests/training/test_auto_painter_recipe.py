"""The Auto-painter recipe on a tiny set: trains, resumes, exports what the pipeline loads."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from s2i_models import load
from s2i_models.auto_painter.compact import CompactConfig
from s2i_training.data.build import build_set
from s2i_training.data.drawing import Drawing, Picture
from s2i_training.data.published import Package
from s2i_training.data.sources import Source
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


class FlatFeatures(torch.nn.Module):
    """Stands in for VGG16, whose weights are a download: shrinks the picture."""

    def __init__(self, layers: tuple[str, ...]):
        super().__init__()
        self.layers = layers

    def forward(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        return {name: torch.nn.functional.avg_pool2d(pictures, 4) for name in self.layers}


def _picture(number: int) -> Picture:
    color = np.zeros((64, 64, 4), np.uint8)
    lines = np.full((64, 64), 255, np.uint8)
    radius = 12 + number % 12
    cv2.circle(color, (32, 32), radius, (200, 5 * number % 255, 60, 255), -1)
    cv2.circle(lines, (32, 32), radius, 0, 2)
    return Picture(color, lines)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def read(_archives: object):
        for number in range(40):
            drawn = partial(_picture, number)
            name = f"d{number}"
            yield Drawing(
                id=name, subject=f"name:{number}", text=name.encode(), render=drawn, variant_of=name
            )

    folder = tmp_path_factory.mktemp("set")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("s2i_training.data.build.fetch", lambda package, _folder: package)
        build_set([Source("made", (Package("npm", "made", "1", ""),), "CC0-1.0", "", read)], folder)
    return folder


@pytest.fixture(autouse=True)
def no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "Vgg16Features", FlatFeatures)


def _train(folder: Path, data: Path, stop_after: int | None = None, resume: bool = False) -> None:
    run = Run(RunOptions(folder, workers=0, resume=resume, checkpoint_every=1, log_every=1))
    if stop_after is not None:
        after_step = run.after_step

        def stopping(*arguments, **keywords) -> None:
            after_step(*arguments, **keywords)
            if run.step == stop_after:
                raise KeyboardInterrupt

        run.after_step = stopping  # type: ignore[method-assign]
    recipe.train(TINY, data, run)


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    return {**state["networks"]["generator"], **state["networks"]["discriminator"]}


def test_interrupted_training_ends_with_the_same_networks(tmp_path: Path, data: Path) -> None:
    _train(tmp_path / "whole", data)
    with pytest.raises(KeyboardInterrupt):
        _train(tmp_path / "parts", data, stop_after=4)
    _train(tmp_path / "parts", data, resume=True)
    ours, theirs = _weights(tmp_path / "whole"), _weights(tmp_path / "parts")
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name


def test_exported_weights_paint(tmp_path: Path, data: Path) -> None:
    _train(tmp_path / "run", data)
    path = tmp_path / "weights.safetensors"
    assert recipe.export(tmp_path / "run", path) == path.stat().st_size
    sketch = np.full((50, 40, 1), 255, np.uint8)
    cv2.circle(sketch, (20, 25), 12, 0, 2)
    layers = load("auto_painter", weights=path)(sketch=sketch)
    assert list(layers) == ["flats", "shade", "lines", "color"]
    assert layers["color"].shape == (50, 40, 4)


def test_training_goes_on_from_weights(tmp_path: Path, data: Path) -> None:
    _train(tmp_path / "first", data)
    path = tmp_path / "weights.safetensors"
    recipe.export(tmp_path / "first", path)
    run = Run(RunOptions(tmp_path / "second", workers=0))
    still = replace(TINY, phases=(replace(TINY.phases[0], steps=1, learning_rate=0.0),))
    recipe.train(still, data, run, start_from=path)
    ours, theirs = _weights(tmp_path / "first"), _weights(tmp_path / "second")
    averaged = torch.load(tmp_path / "first" / "checkpoint.pt", weights_only=True)["averages"]
    for name, value in averaged["generator"].items():
        assert torch.allclose(theirs[name], value.half().float()), name
    assert any(not torch.equal(ours[n], theirs[n]) for n in averaged["generator"])


def test_presets_differ_in_size_and_share_the_phases() -> None:
    cpu, gpu = recipe.PRESETS["cpu"], recipe.PRESETS["gpu"]
    assert [p.name for p in cpu.phases] == [p.name for p in gpu.phases]
    assert sum(p.steps * p.batch_size for p in cpu.phases) < sum(
        p.steps * p.batch_size for p in gpu.phases
    )
    assert [p.steps for p in recipe.scaled(cpu, 0.001).phases] == [4, 2, 1, 1]
