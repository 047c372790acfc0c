"""The recipe of find_reference on a tiny set: trains, resumes, exports what the pipeline loads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_set import tiny_run

from s2i_models.find_reference.network import Body, Embedder, load_embedder
from s2i_training.recipes import sketch_retrieval as recipe
from s2i_training.run import Run, RunOptions

TINY = recipe.Config(
    phases=(recipe.Phase("pairs", 4, 3, 1e-3),),
    frozen_blocks=3,
    renders=False,
    mixed_precision="no",
)
SIZE = 32


def _shrink(patch: pytest.MonkeyPatch) -> None:
    """A small picture and random weights in place of the download."""
    torch.manual_seed(1)
    state = Body().state_dict()
    patch.setattr(Embedder, "size", SIZE)
    patch.setattr(recipe, "published_state", dict)
    patch.setattr(recipe, "body_state", lambda _published: state)


@pytest.fixture(autouse=True)
def small_and_without_download(monkeypatch: pytest.MonkeyPatch) -> None:
    _shrink(monkeypatch)


def _train(folder: Path, data: Path, stop_after: int | None = None, resume: bool = False) -> None:
    run = tiny_run(folder, stop_after, resume)
    recipe.train(TINY, data, run)


def _weights(folder: Path, kind: str = "networks") -> dict[str, torch.Tensor]:
    state = torch.load(folder / "checkpoint.pt", weights_only=True)[kind]
    return {f"{name}.{key}": value for name in state for key, value in state[name].items()}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_set: Path) -> Path:
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        _shrink(patch)
        _train(folder, tiny_set)
    return folder


def test_interrupted_training_ends_with_the_same_networks(
    tmp_path: Path, tiny_set: Path, trained: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        _train(tmp_path, tiny_set, stop_after=2)
    _train(tmp_path, tiny_set, resume=True)
    ours, theirs = _weights(trained), _weights(tmp_path)
    assert "objective.log_scale" in ours
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name


def test_what_is_frozen_stays_and_the_rest_learns(trained: Path) -> None:
    torch.manual_seed(1)
    before = {f"embedder.body.{name}": value for name, value in Body().state_dict().items()}
    after = _weights(trained)
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert "embedder.body.head.weight" in changed
    assert "embedder.body.blocks.3.expand.weight" in changed
    frozen = ("embedder.body.stem", *(f"embedder.body.blocks.{n}." for n in range(3)))
    assert not [name for name in changed if name.startswith(frozen) or ".filter." in name]


def test_exported_weights_are_the_average_and_load(trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    assert recipe.export(trained, path) == path.stat().st_size
    network = load_embedder(path)
    averages = _weights(trained, "averages")
    assert torch.equal(
        network.projection.weight, averages["embedder.projection.weight"].half().float()
    )
    assert network(torch.rand(1, 3, SIZE, SIZE)).shape == (1, Embedder.width)


def test_training_goes_on_from_weights(trained: Path, tmp_path: Path, tiny_set: Path) -> None:
    path = tmp_path / "weights.safetensors"
    recipe.export(trained, path)
    run = Run(RunOptions(tmp_path / "second", workers=0))
    still = replace(TINY, phases=(replace(TINY.phases[0], steps=1, learning_rate=0.0),))
    recipe.train(still, tiny_set, run, start_from=path)
    after = _weights(tmp_path / "second")
    for name, value in load_embedder(path).state_dict().items():
        assert torch.equal(after[f"embedder.{name}"], value), name
