"""The recipe of PI-REC on a tiny set: hands its weights on, resumes in any phase, exports."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from tiny_set import FlatFeatures, tiny_run

from s2i_models.pi_rec.compact import CompactConfig
from s2i_training.recipes import pi_rec as recipe
from s2i_training.run import Run, RunOptions

TINY = recipe.Config(
    phases=(
        recipe.Phase("imitation", 2, 2, 1e-3, 0.0, 0.1, 0.0),
        recipe.Phase("generating", 2, 2, 1e-3, 0.1, 0.1, 1.0),
        recipe.Phase("refinement", 2, 2, 1e-3, 0.1, 0.1, 1.0),
    ),
    network=CompactConfig(widths=(4, 8), middle_blocks=1),
    discriminator_width=8,
    mixed_precision="no",
)


@pytest.fixture(autouse=True)
def no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "Vgg16Features", FlatFeatures)


def _train(
    folder: Path,
    data: Path,
    config: recipe.Config = TINY,
    stop_after: int | None = None,
    resume: bool = False,
) -> Run:
    run = tiny_run(folder, stop_after, resume)
    recipe.train(config, data, run)
    return run


def _networks(folder: Path) -> dict[str, dict[str, torch.Tensor]]:
    return torch.load(folder / "checkpoint.pt", weights_only=True)["networks"]


@pytest.mark.parametrize("stop_after", [1, 3, 4, 5])
def test_a_run_interrupted_in_any_phase_ends_with_the_same_networks(
    tmp_path: Path, tiny_set: Path, stop_after: int
) -> None:
    _train(tmp_path / "whole", tiny_set)
    with pytest.raises(KeyboardInterrupt):
        _train(tmp_path / "parts", tiny_set, stop_after=stop_after)
    _train(tmp_path / "parts", tiny_set, resume=True)
    ours, theirs = _networks(tmp_path / "whole"), _networks(tmp_path / "parts")
    for network, state in ours.items():
        for name, value in state.items():
            assert torch.equal(value, theirs[network][name]), (network, name)


def test_the_refiner_begins_as_the_generator_and_leaves_it_alone(
    tmp_path: Path, tiny_set: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        _train(tmp_path / "run", tiny_set, stop_after=4)
    before = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    still = replace(TINY, phases=(*TINY.phases[:2], replace(TINY.phases[2], learning_rate=0.0)))
    _train(tmp_path / "run", tiny_set, still, resume=True)
    after = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    for name, value in before["averages"]["generator"].items():
        assert torch.allclose(after["networks"]["refiner"][name], value), name
    for name, value in before["networks"]["generator"].items():
        assert torch.equal(after["networks"]["generator"][name], value), name
    ours = before["networks"]["discriminator"]["layers.0.bias"]
    assert not torch.equal(after["networks"]["discriminator"]["layers.0.bias"], ours)


def test_exported_networks_are_the_averaged_ones(tmp_path: Path, tiny_set: Path) -> None:
    run = _train(tmp_path / "run", tiny_set)
    path = tmp_path / "weights.safetensors"
    assert recipe.export(tmp_path / "run", path) == path.stat().st_size
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    assert (metadata["s2i.pipeline"], metadata["s2i.network"]) == ("pi_rec", "compact")
    assert CompactConfig.from_dict(json.loads(metadata["s2i.config"])) == TINY.network
    for part, network in (("generate", "generator"), ("refine", "refiner")):
        for name, value in run.averaged(network).state_dict().items():
            assert torch.equal(state[f"{part}.{name}"], value.half().float()), name


def test_before_its_refinement_a_run_gives_the_generator_alone(
    tmp_path: Path, tiny_set: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        _train(tmp_path / "run", tiny_set, stop_after=4)
    recipe.export(tmp_path / "run", tmp_path / "weights.safetensors")
    with safe_open(tmp_path / "weights.safetensors", framework="pt") as file:
        assert {name.split(".")[0] for name in file.keys()} == {"generate"}  # noqa: SIM118


def test_training_goes_on_from_weights(tmp_path: Path, tiny_set: Path) -> None:
    first = _train(tmp_path / "first", tiny_set)
    recipe.export(tmp_path / "first", tmp_path / "weights.safetensors")
    still = replace(TINY, phases=tuple(replace(p, learning_rate=0.0) for p in TINY.phases))
    run = Run(RunOptions(tmp_path / "second", workers=0))
    recipe.train(still, tiny_set, run, start_from=tmp_path / "weights.safetensors")
    theirs = _networks(tmp_path / "second")
    for network in ("generator", "refiner"):
        for name, value in first.averaged(network).state_dict().items():
            assert torch.allclose(theirs[network][name], value.half().float()), (network, name)


def test_without_imitation_the_next_phase_has_its_steps() -> None:
    names = [(p.name, p.steps) for p in recipe.phases_of(replace(TINY, imitation=False))]
    assert names == [("generating", 4), ("refinement", 2)]


def test_without_refinement_there_are_two_phases() -> None:
    names = [p.name for p in recipe.phases_of(replace(TINY, refinement=False))]
    assert names == ["imitation", "generating"]


def test_each_phase_gives_its_network_what_the_paper_says(tmp_path: Path) -> None:
    run = Run(RunOptions(tmp_path))
    run.add("generator", _Add(), average=0.5)
    small, large = recipe.SIDE, recipe.SIDE * recipe.SCALE
    batch = {
        "small": torch.full((1, 3, small, small), 0.2),
        "picture": torch.arange(large * large).view(1, 1, large, large).expand(1, 3, -1, -1),
        "small_edges": torch.ones(1, 1, small, small),
        "edges": torch.arange(large * large).view(1, 1, large, large),
        "domain": torch.full((1, 3, small, small), 0.7),
        "mask": torch.zeros(1, 1, small, small),
    }
    batch["mask"][..., :10] = 1
    colors, edges, picture = recipe.given(TINY.phases[0], batch, run)
    assert (colors[..., :10] == 1).all() and (colors[..., 10:] == 0.2).all()
    assert edges is batch["small_edges"] and picture is batch["small"]
    assert recipe.given(TINY.phases[1], batch, run)[0] is batch["domain"]
    colors, edges, picture = recipe.given(TINY.phases[2], batch, run)  # step 0: the same size
    assert torch.allclose(colors, torch.tensor(0.8)) and picture is batch["small"]
    run.step = 1
    colors, edges, picture = recipe.given(TINY.phases[2], batch, run)
    assert colors.shape == (1, 3, small, small) and torch.allclose(colors, torch.tensor(0.8))
    assert torch.equal(edges, picture[:, :1])  # the same part of both
    assert edges.shape == (1, 1, small, small)


class _Add(torch.nn.Module):
    """A generator that adds a tenth."""

    def forward(self, colors: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
        return colors + 0.1
