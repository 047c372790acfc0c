"""The recipe of reference-based colorization on a tiny set: trains, resumes, exports."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from tiny_set import FlatFeatures, tiny_run

from s2i_models.reference_colorization.compact import CompactConfig, CompactGenerator
from s2i_models.reference_colorization.generators import PaperPainter, load_generator
from s2i_models.reference_colorization.network import PaperConfig
from s2i_training.export import describe_network, described_network
from s2i_training.recipes import reference_colorization as recipe
from s2i_training.run import Run, RunOptions

TINY = recipe.Config(
    phases=(
        recipe.Phase("match", 3, 32, 4, 1e-3),
        recipe.Phase("refine", 3, 32, 4, 1e-3, refine=True),
    ),
    network=CompactConfig(widths=(8, 16, 24), token_width=16, blocks=1),
    discriminator_width=8,
    validate_every=2,
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
) -> None:
    run = tiny_run(folder, stop_after, resume)
    recipe.train(config, data, run)


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


def test_curves_are_written_at_every_validation(tmp_path: Path, tiny_set: Path) -> None:
    _train(tmp_path / "run", tiny_set)
    lines = [json.loads(line) for line in (tmp_path / "run" / "curves.jsonl").open()]
    assert [line["step"] for line in lines] == [2, 4, 6]
    for line in lines:
        assert 0 <= line["attention"] <= 1
        assert 0 < line["color"] < 1
        assert {"raw_color", "raw_attention", "triplet", "reconstruction"} <= line.keys()
    assert "style" in lines[-1] and "style" not in lines[0]


def test_exported_weights_are_the_averaged_ones(tmp_path: Path, tiny_set: Path) -> None:
    _train(tmp_path / "run", tiny_set)
    path = tmp_path / "weights.safetensors"
    assert recipe.export(tmp_path / "run", path) == path.stat().st_size
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    assert metadata["s2i.pipeline"] == "reference_colorization"
    config = CompactConfig.from_dict(json.loads(metadata["s2i.config"]))
    assert config == TINY.network
    CompactGenerator(config).load_state_dict(state)
    averaged = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["averages"]
    for name, value in averaged["generator"].items():
        assert torch.equal(state[name], value.half().float()), name


def test_training_goes_on_from_weights(tmp_path: Path, tiny_set: Path) -> None:
    _train(tmp_path / "first", tiny_set)
    path = tmp_path / "weights.safetensors"
    recipe.export(tmp_path / "first", path)
    run = Run(RunOptions(tmp_path / "second", workers=0))
    still = replace(TINY, phases=(replace(TINY.phases[0], steps=1, learning_rate=0.0),))
    recipe.train(still, tiny_set, run, start_from=path)
    averaged = torch.load(tmp_path / "first" / "checkpoint.pt", weights_only=True)["averages"]
    theirs = _weights(tmp_path / "second")
    for name, value in averaged["generator"].items():
        assert torch.allclose(theirs[name], value.half().float()), name


@pytest.mark.parametrize("negative", ["spatial", "batch"])
def test_every_part_of_the_network_gets_a_gradient(tiny_set: Path, negative) -> None:
    torch.manual_seed(0)
    network = CompactGenerator(TINY.network)
    # Residual branches begin at zero, which would hide what is behind them.
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    dataset = recipe.triples(tiny_set, "train", 32)
    items = [dataset[index] for index in range(4)]
    batch = {name: torch.stack([item[name] for item in items]) for name in items[0]}
    made = network(batch["lines"], batch["hints"], batch["reference"])
    losses = recipe.matching_losses(made, batch, replace(TINY, negative=negative))
    torch.stack(list(losses.values())).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_the_papers_weights_are_the_papers() -> None:
    config = recipe.PRESETS["gpu"]
    weights = (
        config.triplet_weight, config.reconstruction_weight, config.adversarial_weight,
        config.perceptual_weight, config.style_weight,
    )  # fmt: skip
    assert weights == (1, 30, 1, 0.01, 50)


def test_a_reading_of_the_paper_trains_and_can_be_painted_with(
    tmp_path: Path, tiny_set: Path
) -> None:
    phase = recipe.Phase("match", 1, 64, 4, 1e-3)
    _train(tmp_path / "run", tiny_set, replace(TINY, phases=(phase,), generator="supplement"))
    path = tmp_path / "weights.safetensors"
    recipe.export(tmp_path / "run", path)
    painter = load_generator(path, "cpu")
    tokens = painter.read_reference(torch.rand(1, 4, 64, 64))
    made, logits = painter.paint(torch.rand(1, 1, 64, 64), torch.zeros(1, 4, 64, 64), tokens)
    assert made.shape == (1, 4, 64, 64)
    assert logits.shape == (1, 64, 64)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"generator": "unet"}, "compact, supplement"),
        ({"generator": "snailpong", "negative": "batch"}, "set spatial"),
        ({"negative": "other"}, "spatial or batch"),
    ],
)
def test_what_can_not_be_built_says_what_can(change: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        recipe.build_generator(replace(TINY, **change))


def _keep(folder: Path, generator: torch.nn.Module) -> None:
    """A checkpoint of `generator`, as of a run that did not describe its network."""
    folder.mkdir()
    averages = {"generator": generator.state_dict()}
    torch.save({"averages": averages, "step": 1}, folder / "checkpoint.pt")


@pytest.mark.parametrize("preset", ["supplement", "snailpong", "jungjaewon"])
def test_the_papers_networks_are_recognized_where_a_run_does_not_describe_them(
    tmp_path: Path, preset: Any
) -> None:
    _keep(tmp_path / "run", recipe.TrainedPaper(PaperConfig(preset, width=2)))
    recipe.export(tmp_path / "run", tmp_path / "w.safetensors")
    with safe_open(tmp_path / "w.safetensors", framework="pt") as file:
        metadata = file.metadata()
    assert metadata["s2i.network"] == preset
    assert json.loads(metadata["s2i.config"]) == PaperConfig(preset).to_dict()


def test_export_believes_the_description_of_a_run(tmp_path: Path) -> None:
    config = PaperConfig("snailpong", width=2, leaky_output=True)  # weights tell neither
    _keep(tmp_path / "run", recipe.TrainedPaper(config))
    describe_network(tmp_path / "run", "snailpong", config.to_dict())
    recipe.export(tmp_path / "run", tmp_path / "w.safetensors")
    painter = load_generator(tmp_path / "w.safetensors", "cpu")
    assert isinstance(painter, PaperPainter)
    assert painter.generator.config == config


def test_a_run_describes_the_network_it_trains(tmp_path: Path, tiny_set: Path) -> None:
    phase = recipe.Phase("match", 1, 32, 4, 1e-3)
    _train(tmp_path / "run", tiny_set, replace(TINY, phases=(phase,)))
    described = described_network(tmp_path / "run")
    assert described == ("compact", json.loads(json.dumps(TINY.network.to_dict())))
    (tmp_path / "run" / "network.json").unlink()
    recipe.export(tmp_path / "run", tmp_path / "w.safetensors")
    painter = load_generator(tmp_path / "w.safetensors", "cpu")
    assert isinstance(painter, CompactGenerator)
    assert painter.config == TINY.network
