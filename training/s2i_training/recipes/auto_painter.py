"""Auto-painter: line art and color hints to a colored drawing, trained as a conditional GAN.

The losses are the paper's: pixel-level L1, VGG feature, adversarial and total variation. Ours are
the coverage (where paint goes at all), the mode-seeking loss, and the phases: colors are learned
first on small pictures with the pixel loss alone, which is cheap and steady, and the other losses
join when there is something to refine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from s2i_models.auto_painter.compact import (
    CompactConfig,
    CompactGenerator,
)
from s2i_training.data.lineart import LineArtDataset
from s2i_training.discriminator import CompactDiscriminator, train_critic
from s2i_training.export import averaged_state, write_weights
from s2i_training.hints import HintSampler
from s2i_training.losses import (
    feature,
    hinge_discriminator,
    variation_isotropic,
    wasserstein_generator,
)
from s2i_training.painted_losses import mode_loss, pixel_loss
from s2i_training.perceptual import Vgg16Features
from s2i_training.run import Run, set_learning_rate, warm_up_and_decay

FEATURE_LAYER = "relu3_3"


@dataclass(frozen=True)
class Phase:
    """A part of the training with one picture size and one set of losses.

    `learning_rate`: the highest; it warms up and falls within the phase.
    `pixel_weight`, `mode_weight`: of the L1 and the mode-seeking loss. `adversarial`: with
    discriminator, feature and total-variation losses.
    """

    name: str
    steps: int
    size: int
    batch_size: int
    learning_rate: float
    adversarial: bool = False
    pixel_weight: float = 10.0
    mode_weight: float = 0.0


@dataclass(frozen=True)
class Config:
    """Every number of the recipe.

    Weights of the losses are relative to the L1 loss of colors from 0 to 1. The paper gives
    100 / 1e-4 / 1 / 1e-4 (pixel / feature / adversarial / total variation) for sums over pixels;
    ours are for means.
    """

    phases: tuple[Phase, ...]
    network: CompactConfig
    discriminator_width: int = 48
    coverage_weight: float = 1.0
    feature_weight: float = 0.5
    adversarial_weight: float = 0.1
    variation_weight: float = 0.05
    adversarial_learning_rate: float = 1e-4
    average: float = 0.998
    mixed_precision: str = "bf16"


PRESETS = {
    # About an hour and a half on two cores that compute in bf16.
    "cpu": Config(
        phases=(
            Phase("colors", 4000, 128, 16, 8e-4),
            Phase("modes", 1800, 128, 16, 4e-4, mode_weight=10.0),
            Phase("shapes", 400, 192, 16, 3e-4, pixel_weight=3.0, mode_weight=20.0),
            Phase("paint", 350, 192, 8, 2e-4, True, pixel_weight=3.0, mode_weight=20.0),
        ),
        network=CompactConfig(widths=(48, 96, 192, 256)),
    ),
    # Sized for a data-center GPU; not measured yet.
    "gpu": Config(
        phases=(
            Phase("colors", 8000, 128, 128, 1e-3),
            Phase("modes", 8000, 128, 128, 6e-4, mode_weight=10.0),
            Phase("shapes", 5000, 192, 96, 4e-4, pixel_weight=3.0, mode_weight=20.0),
            Phase("paint", 6000, 192, 96, 2e-4, True, pixel_weight=3.0, mode_weight=20.0),
        ),
        network=CompactConfig(widths=(64, 128, 256, 256)),
        average=0.9995,
    ),
}


class HintedLineArt:
    """Line-art drawings with hints sampled for each; an `EpochDataset`.

    Items add `hints` (4, S, S) float32 to those of `LineArtDataset`.
    """

    def __init__(self, drawings: LineArtDataset, sampler: HintSampler, seed: int):
        self.drawings = drawings
        self.sampler = sampler
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.drawings)

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        self.drawings.set_epoch(epoch)

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        item: dict[str, Any] = dict(self.drawings[index])
        rng = np.random.default_rng((self.seed, self.epoch, index, 1))
        hints = self.sampler(
            item["color"].permute(1, 2, 0).numpy(),
            item["painted"][0].numpy(),
            item["lines"][0].numpy(),
            rng,
        )
        item["hints"] = torch.from_numpy(hints).permute(2, 0, 1)
        return item


def train(config: Config, data: Path, run: Run, start_from: Path | None = None) -> None:
    """Train in `run.options.folder` on the set built in `data`.

    `start_from`: a weights file whose generator the training begins with.
    """
    generator = CompactGenerator(config.network)
    if start_from is not None:
        _load_generator(generator, start_from)
    discriminator = CompactDiscriminator(config.discriminator_width)
    generator = generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    discriminator = discriminator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    generator_optimizer = torch.optim.AdamW(
        generator.parameters(), config.phases[0].learning_rate, betas=(0.9, 0.99), weight_decay=1e-4
    )
    discriminator_optimizer = torch.optim.Adam(
        discriminator.parameters(), config.adversarial_learning_rate, betas=(0.5, 0.99)
    )
    painter = run.add("generator", generator, generator_optimizer, average=config.average)
    run.add("discriminator", discriminator, discriminator_optimizer)
    run.start()

    features = None
    begin = 0
    for phase in config.phases:
        if phase.adversarial and features is None:
            features = Vgg16Features(layers=(FEATURE_LAYER,)).to(run.device)
        dataset = HintedLineArt(
            LineArtDataset(data, "train", phase.size, run.options.seed),
            HintSampler(),
            run.options.seed,
        )
        for batch in run.batches(phase.name, dataset, phase.batch_size, phase.steps):
            lines, hints, color = batch["lines"], batch["hints"], batch["color"]
            rate = warm_up_and_decay(run.step - begin, phase.steps, phase.learning_rate)
            set_learning_rate(run.optimizers["generator"], rate)

            with run.accelerator.autocast():
                painted, coverage = painter(lines, hints).float().split([3, 1], dim=1)
            losses = {
                "pixel": pixel_loss(painted, color, batch["painted"], lines),
                "coverage": F.binary_cross_entropy_with_logits(coverage, batch["painted"]),
            }
            loss = (
                phase.pixel_weight * losses["pixel"] + config.coverage_weight * losses["coverage"]
            )
            if phase.mode_weight:
                losses["mode"] = mode_loss(painted, color, batch["painted"], lines)
                loss = loss + phase.mode_weight * losses["mode"]
            if phase.adversarial and features is not None:
                losses["critic"], verdict = train_critic(
                    run, lines, color, painted, hinge_discriminator
                )
                losses["adversarial"] = wasserstein_generator(verdict)
                losses["feature"] = feature_loss(features, painted, color, run)
                losses["variation"] = variation_isotropic(painted, "mean")
                loss = (
                    loss
                    + config.adversarial_weight * losses["adversarial"]
                    + config.feature_weight * losses["feature"]
                    + config.variation_weight * losses["variation"]
                )
            run.optimizers["generator"].zero_grad()
            run.accelerator.backward(loss)
            run.accelerator.clip_grad_norm_(painter.parameters(), 1.0)
            run.optimizers["generator"].step()
            run.after_step(losses, images=lambda b=batch: preview(run, b))
        begin += phase.steps
    run.finish()


def feature_loss(features: Vgg16Features, painted: Tensor, color: Tensor, run: Run) -> Tensor:
    """The paper's L_f on VGG16's relu3_3, at half size, where colors are what counts."""
    with run.accelerator.autocast():
        ours = features(F.avg_pool2d(painted, 2))[FEATURE_LAYER].float()
        with torch.no_grad():
            theirs = features(F.avg_pool2d(color, 2))[FEATURE_LAYER].float()
    return feature(ours, theirs, "l1")


@torch.no_grad()
def preview(run: Run, batch: dict[str, Tensor], count: int = 4) -> Tensor:
    """Rows of lines with hints, painted by the averaged network, and the original."""
    lines, hints = batch["lines"][:count], batch["hints"][:count]
    painted = run.averaged("generator")(lines, hints)[:, :3]
    shown = lines * (1 - hints[:, 3:]) + hints[:, :3] * hints[:, 3:]
    return torch.cat([shown.expand(-1, 3, -1, -1), painted, batch["color"][:count]], dim=3)


def _load_generator(generator: CompactGenerator, path: Path) -> None:
    state = load_file(path)
    generator.load_state_dict({k: v.float() for k, v in state.items()})


def export(folder: Path, path: Path) -> int:
    """Write the averaged generator of the run in `folder` to `path`; returns the file's bytes."""
    state, _ = averaged_state(folder, "generator")
    config = _config_of(state)
    return write_weights(path, state, "auto_painter", "compact", config.to_dict())


def _config_of(state: Mapping[str, Tensor]) -> CompactConfig:
    """Read the network's widths off its weights, so that they can not disagree."""
    levels = len({name.split(".")[1] for name in state if name.startswith("encoder.")})
    blocks = len({name.split(".")[2] for name in state if name.startswith("encoder.0.")})
    widths = tuple(state[f"encoder.{level}.0.conv1.weight"].shape[0] for level in range(levels))
    return CompactConfig(widths=widths, blocks=blocks)
