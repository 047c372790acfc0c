"""Reference-based colorization: a drawing colored like its own bent picture (Lee et al. 2020).

The losses are the paper's six, with its weights where they act on the same quantities: triplet,
reconstruction, conditional adversarial, perceptual and style. Ours are the coverage (where paint
goes), a contrastive form of the triplet, and the phases: attention and colors are learned first
without the losses that need other networks, which then join when there is something to refine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from s2i_models.reference_colorization.compact import CompactConfig, CompactGenerator, Painted
from s2i_models.reference_colorization.generators import PaperPainter
from s2i_models.reference_colorization.network import READINGS, PaperConfig, PaperGenerator
from s2i_training.correspondence import count_near, inside_drawing
from s2i_training.correspondence_losses import (
    Counterparts,
    contrastive,
    counterparts,
    elsewhere,
    in_neighbor,
    triplet,
)
from s2i_training.data.augmented_self import AugmentedSelfDataset
from s2i_training.data.lineart import LineArtDataset
from s2i_training.discriminator import CompactDiscriminator, train_critic
from s2i_training.export import (
    averaged_state,
    describe_network,
    described_network,
    write_weights,
)
from s2i_training.losses import (
    feature,
    hinge_discriminator,
    style,
    wasserstein_generator,
)
from s2i_training.painted_losses import pixel_loss
from s2i_training.perceptual import Vgg16Features
from s2i_training.run import Run, set_learning_rate, warm_up_and_decay

PERCEPTUAL_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
# The seed's reading of eq. (9), whose layer the paper leaves open.
STYLE_LAYER = "relu5_1"
# What `TrainedPaper` puts before the names of the paper's own weights.
_OF_PAPER = "painter.generator."


@dataclass(frozen=True)
class Phase:
    """A part of the training with one picture size.

    `learning_rate`: the highest; it warms up and falls within the phase. `refine`: with the
    adversarial, perceptual and style losses.
    """

    name: str
    steps: int
    size: int
    batch_size: int
    learning_rate: float
    refine: bool = False


@dataclass(frozen=True)
class Config:
    """Every number of the recipe. The first five weights are the paper's.

    `negative`: the triplet's: "spatial", a token elsewhere in the reference, or "batch", the same
    place in the next item's reference. `harder`: references are turned, sized and mirrored beside
    being bent, and colors change more than the paper's shift. `generator`: "compact", the network
    that ships, of the size in `network`; or a reading of the paper's, one of `network.READINGS`,
    for comparisons.
    """

    phases: tuple[Phase, ...]
    network: CompactConfig
    generator: str = "compact"
    triplet_weight: float = 1.0
    reconstruction_weight: float = 30.0
    adversarial_weight: float = 1.0
    perceptual_weight: float = 0.01
    style_weight: float = 50.0
    contrastive_weight: float = 1.0
    coverage_weight: float = 1.0
    negative: Literal["spatial", "batch"] = "spatial"
    harder: bool = True
    discriminator_width: int = 48
    discriminator_learning_rate: float = 2e-4
    average: float = 0.998
    validate_every: int = 250
    mixed_precision: str = "bf16"


PRESETS = {
    "cpu": Config(
        phases=(
            Phase("match", 2400, 128, 16, 8e-4),
            Phase("shapes", 500, 192, 12, 4e-4),
            Phase("refine", 200, 192, 8, 2e-4, refine=True),
        ),
        network=CompactConfig(),
    ),
    # Sized for a data-center GPU; not measured yet.
    "gpu": Config(
        phases=(
            Phase("match", 12000, 128, 128, 1e-3),
            Phase("shapes", 8000, 192, 96, 5e-4),
            Phase("refine", 8000, 192, 96, 2e-4, refine=True),
        ),
        network=CompactConfig(widths=(64, 128, 256), token_width=192),
        average=0.9995,
    ),
}


def train(config: Config, data: Path, run: Run, start_from: Path | None = None) -> None:
    """Train in `run.options.folder` on the set built in `data`.

    `start_from`: a weights file whose generator the training begins with. Beside the log, the
    file `curves.jsonl` of the folder gets a line at every validation.
    """
    generator = build_generator(config)
    if start_from is not None:
        generator.load_state_dict({k: v.float() for k, v in load_file(start_from).items()})
    generator = generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    discriminator = CompactDiscriminator(config.discriminator_width)
    discriminator = discriminator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    generator_optimizer = torch.optim.AdamW(
        generator.parameters(), config.phases[0].learning_rate, betas=(0.9, 0.99), weight_decay=1e-4
    )
    discriminator_optimizer = torch.optim.Adam(
        discriminator.parameters(), config.discriminator_learning_rate, betas=(0.5, 0.999)
    )
    painter = run.add("generator", generator, generator_optimizer, average=config.average)
    run.add("discriminator", discriminator, discriminator_optimizer)
    run.start()
    if run.accelerator.is_main_process:
        describe_network(run.options.folder, config.generator, generator.config.to_dict())

    features = None
    begin = 0
    for phase in config.phases:
        if phase.refine and features is None:
            features = Vgg16Features(layers=PERCEPTUAL_LAYERS).to(run.device)
        dataset = triples(
            data, "train", phase.size, run.options.seed, cell=generator.cell, harder=config.harder
        )
        validation = _Validation(data, phase.size, generator.cell, run)
        for batch in run.batches(phase.name, dataset, phase.batch_size, phase.steps):
            rate = warm_up_and_decay(run.step - begin, phase.steps, phase.learning_rate)
            set_learning_rate(run.optimizers["generator"], rate)
            with run.accelerator.autocast():
                made = painter(batch["lines"], batch["hints"], batch["reference"])
            losses = matching_losses(made, batch, config)
            loss = (
                config.reconstruction_weight * losses["reconstruction"]
                + config.coverage_weight * losses["coverage"]
                + config.triplet_weight * losses["triplet"]
                + config.contrastive_weight * losses["contrastive"]
            )
            if phase.refine:
                assert features is not None
                painted = made.output[:, :3].float()
                losses |= _refining_losses(run, features, batch, painted)
                loss = (
                    loss
                    + config.adversarial_weight * losses["adversarial"]
                    + config.perceptual_weight * losses["perceptual"]
                    + config.style_weight * losses["style"]
                )
            run.optimizers["generator"].zero_grad()
            run.accelerator.backward(loss)
            run.accelerator.clip_grad_norm_(painter.parameters(), 1.0)
            run.optimizers["generator"].step()
            run.after_step(losses, images=lambda b=batch: preview(run, b))
            if run.step % config.validate_every == 0:
                validation.write(losses)
        begin += phase.steps
    run.finish()


class TrainedPaper(nn.Module):
    """A paper's generator with the interface that the compact one has for training."""

    def __init__(self, config: PaperConfig):
        super().__init__()
        self.config = config
        self.painter = PaperPainter(PaperGenerator(config))
        self.cell = self.painter.cell

    def forward(self, lines: Tensor, hints: Tensor, reference: Tensor) -> Painted:
        tokens = self.painter.read_reference(reference)
        output, logits = self.painter.paint(lines, hints, tokens)
        # Queries stay inside: only the negatives of a batch would need them.
        return Painted(output, logits, tokens.keys[:, :0], tokens.keys, tokens.bias)


def build_generator(config: Config) -> CompactGenerator | TrainedPaper:
    """The generator that `config` names, untrained. Raises ValueError when there is none."""
    if config.negative not in ("spatial", "batch"):
        raise ValueError(f"no negative {config.negative!r}: choose spatial or batch")
    if config.generator == "compact":
        return CompactGenerator(config.network)
    if config.generator not in READINGS:
        known = ", ".join(("compact", *READINGS))
        raise ValueError(f"no generator {config.generator!r}: choose from {known}")
    if config.negative == "batch":
        raise ValueError("negatives from the batch need the compact generator: set spatial")
    return TrainedPaper(PaperConfig(config.generator))  # type: ignore[arg-type]  # checked above


def triples(
    data: Path,
    split: Literal["train", "validation", "test"],
    size: int,
    seed: int = 0,
    *,
    cell: int = CompactGenerator.cell,
    harder: bool = True,
) -> AugmentedSelfDataset:
    """The set in `data` as training triples of `size` pixels, `cell` of them a token's side.

    Outside of the train split colors stay and references are bent by the spline alone.
    """
    train = split == "train"
    return AugmentedSelfDataset(
        LineArtDataset(data, split, size, seed),
        cell,
        seed,
        change=train,
        harder=train and harder,
        hinted=0.3 if train else 0.0,
    )


def matching_losses(
    made: Painted, batch: Mapping[str, Tensor], config: Config
) -> dict[str, Tensor]:
    """What needs no other network: reconstruction, coverage, and where attention looks."""
    color, coverage = made.output.float().split([3, 1], dim=1)
    place = batch["place"]
    height, width = place.shape[1:3]
    found = counterparts(place, height, width, made.bias)
    counted = inside_drawing(batch["painted"], place)
    against = _negatives(made, place, found, width, config)
    return {
        "reconstruction": pixel_loss(color, batch["color"], batch["painted"], batch["lines"]),
        "coverage": F.binary_cross_entropy_with_logits(coverage, batch["painted"]),
        "triplet": triplet(made.logits, found, against, counted),
        "contrastive": contrastive(made.logits, found, counted),
    }


def _negatives(
    made: Painted, place: Tensor, found: Counterparts, width: int, config: Config
) -> Tensor:
    if config.negative == "batch":
        return in_neighbor(made.query, made.key.float(), found)
    return elsewhere(made.logits, place, width, made.bias)


def _refining_losses(
    run: Run,
    features: Vgg16Features,
    batch: Mapping[str, Tensor],
    painted: Tensor,
) -> dict[str, Tensor]:
    """One step of the discriminator, and what it and VGG16 say of the same painted batch."""
    lines, color = batch["lines"], batch["color"]
    loss, verdict = train_critic(run, lines, color, painted, hinge_discriminator)
    with run.accelerator.autocast():
        # At half size, where colors are what counts.
        ours = features(F.avg_pool2d(painted, 2))
        with torch.no_grad():
            theirs = features(F.avg_pool2d(color, 2))
    differences = [feature(ours[name].float(), theirs[name].float()) for name in PERCEPTUAL_LAYERS]
    return {
        "discriminator": loss,
        "adversarial": wasserstein_generator(verdict),
        "perceptual": torch.stack(differences).sum(),
        "style": style(ours[STYLE_LAYER].float(), theirs[STYLE_LAYER].float()),
    }


class _Validation:
    """Curves on the same held-out drawings: does attention find, and do colors stay put?"""

    def __init__(self, data: Path, size: int, cell: int, run: Run, count: int = 64):
        dataset = triples(data, "validation", size, cell=cell)
        items = [dataset[index] for index in range(min(count, len(dataset)))]
        self._batches = [
            {
                name: torch.stack([item[name] for item in items[start : start + 16]]).to(run.device)
                for name in items[0]
            }
            for start in range(0, len(items), 16)
        ]
        self._run = run

    @torch.no_grad()
    def write(self, losses: Mapping[str, Tensor]) -> None:
        line: dict[str, Any] = {"step": self._run.step}
        for name, network in (
            ("", self._run.averaged("generator")),
            ("raw_", self._run.plain("generator")),
        ):
            colors, sums = 0.0, torch.zeros(4, dtype=torch.float64)
            training = network.training
            network.eval()
            for batch in self._batches:
                with self._run.accelerator.autocast():
                    made = network(batch["lines"], batch["hints"], batch["reference"])
                color = made.output[:, :3].float().clamp(0, 1)
                colors += float(pixel_loss(color, batch["color"], batch["painted"], batch["lines"]))
                counted = inside_drawing(batch["painted"], batch["place"])
                sums += count_near(made.logits, batch["place"], counted)
            network.train(training)
            line[f"{name}color"] = colors / len(self._batches)
            line[f"{name}attention"] = float(sums[0] / sums[3])
        line |= {name: float(value) for name, value in losses.items()}
        if self._run.accelerator.is_main_process:
            with (self._run.options.folder / "curves.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


@torch.no_grad()
def preview(run: Run, batch: dict[str, Tensor], count: int = 4) -> Tensor:
    """Rows of reference, lines, painted by the averaged network, and the target."""
    lines, hints = batch["lines"][:count], batch["hints"][:count]
    reference = batch["reference"][:count]
    painted = run.averaged("generator")(lines, hints, reference).output[:, :3]
    cells = [reference[:, :3], lines.expand(-1, 3, -1, -1), painted, batch["color"][:count]]
    return torch.cat(cells, dim=3)


def export(folder: Path, path: Path) -> int:
    """Write the averaged generator of the run in `folder` to `path`; returns the file's bytes."""
    state, _ = averaged_state(folder, "generator")
    state = {name.removeprefix(_OF_PAPER): value for name, value in state.items()}
    network, config = described_network(folder) or _recognized(state)
    ships = network == "compact"
    return write_weights(path, state, "reference_colorization", network, config, ships=ships)


def _recognized(state: Mapping[str, Tensor]) -> tuple[str, dict[str, Any]]:
    """The network and its config by their weights, for runs older than their description."""
    if "query.weight" in state:
        fine, middle, coarse = (
            state[f"sketch_encoder.levels.{level}.0.conv1.weight"].shape[0] for level in range(3)
        )
        blocks = len({name.split(".")[1] for name in state if name.startswith("fine.")})
        width = state["query.weight"].shape[0]
        return "compact", CompactConfig((fine, middle, coarse), width, blocks).to_dict()
    # Spectral normalization is the supplement's alone; snailpong's encoders have no norm.
    spectral = any("parametrizations" in name for name in state)
    norms = any("sketch_encoder.blocks.0.norm" in name for name in state)
    preset = "supplement" if spectral else "jungjaewon" if norms else "snailpong"
    return preset, PaperConfig(preset).to_dict()
