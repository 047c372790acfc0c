"""PI-REC: edges and a color domain to a picture, trained in the paper's three phases.

Imitation: to fill a picture in that strokes hide, which teaches what pictures look like.
Generating: to paint it from edges and color domain. Refinement: a second network, which begins as
the first, paints over what that one made. Weights of generator and discriminator go on from phase
to phase.

The paper's loss weights of the phases could not be read; those here are ours, with the losses that
are known: L1, least squares against a discriminator, VGG features and style. Ours too: the refiner
is trained on pictures twice as large, enlarged from the generator's, since that is how large
canvases are painted; and features are compared in random crops, which is what a processor can do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from s2i_models.pi_rec.compact import CompactConfig, CompactGenerator
from s2i_training.data.edges_and_colors import SIDE, Confusion, EdgesAndColors, open_pictures
from s2i_training.discriminator import CompactDiscriminator, train_critic
from s2i_training.export import averaged_state, describe_network, described_network, write_weights
from s2i_training.losses import (
    feature,
    least_squares_discriminator,
    least_squares_generator,
    pixel,
    style,
)
from s2i_training.perceptual import Vgg16Features
from s2i_training.run import Run, set_learning_rate, warm_up_and_decay

FEATURE_LAYERS = ("relu1_2", "relu2_2", "relu3_3")
# The refiner paints at this many times the size that the generator painted at.
SCALE = 2
# Every so many steps it paints at the same size instead, so that it can do either.
SAME_SIZE_EVERY = 3


@dataclass(frozen=True)
class Phase:
    """A part of the training. The weights are those of its losses, relative to L1."""

    name: Literal["imitation", "generating", "refinement"]
    steps: int
    batch_size: int
    learning_rate: float
    adversarial_weight: float
    feature_weight: float
    style_weight: float


@dataclass(frozen=True)
class Config:
    """Every number of the recipe.

    `imitation`: whether there is the first phase; without it the second has its steps too.
    `refinement`: whether there is the third.
    `confusion`, `dropped_edges`, `drawn_edges`, `no_edges`, `no_colors`: see `Confusion`.
    `crop`: side of the part in which features are compared, pixels.
    """

    phases: tuple[Phase, ...]
    network: CompactConfig
    imitation: bool = True
    refinement: bool = True
    confusion: bool = True
    dropped_edges: float = 0.08
    drawn_edges: float = 0.5
    no_edges: float = 0.03
    no_colors: float = 0.04
    crop: int = 48
    discriminator_width: int = 32
    discriminator_learning_rate: float = 1e-4
    average: float = 0.997
    mixed_precision: str = "bf16"


PRESETS = {
    # About an hour and a quarter on one core that computes in bf16.
    "cpu": Config(
        phases=(
            Phase("imitation", 300, 8, 8e-4, 0.0, 0.02, 0.0),
            Phase("generating", 4000, 8, 1.8e-3, 0.005, 0.1, 4.0),
            Phase("refinement", 1200, 8, 8e-4, 0.01, 0.1, 4.0),
        ),
        network=CompactConfig(),
    ),
    # Sized for a data-center GPU; not measured yet.
    "gpu": Config(
        phases=(
            Phase("imitation", 4000, 64, 6e-4, 0.0, 0.02, 0.0),
            Phase("generating", 40000, 64, 6e-4, 0.005, 0.1, 4.0),
            Phase("refinement", 20000, 64, 4e-4, 0.01, 0.1, 4.0),
        ),
        network=CompactConfig(widths=(48, 96, 160, 208)),
        crop=SIDE,
        discriminator_width=64,
        average=0.9995,
    ),
}


def train(config: Config, data: Path, run: Run, start_from: Path | None = None) -> None:
    """Train in `run.options.folder` on the set built in `data`, drawings or faces.

    `start_from`: a weights file whose networks the training begins with.
    """
    generator, refiner = CompactGenerator(config.network), CompactGenerator(config.network)
    refined_before = start_from is not None and _load(generator, refiner, start_from)
    discriminator = CompactDiscriminator(config.discriminator_width)
    for name, network in (("generator", generator), ("refiner", refiner)):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = torch.optim.AdamW(network.parameters(), betas=(0.9, 0.99), weight_decay=1e-4)
        run.add(name, network, optimizer, average=config.average)
    discriminator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    run.add(
        "discriminator",
        discriminator,
        torch.optim.Adam(
            discriminator.parameters(), config.discriminator_learning_rate, betas=(0.5, 0.99)
        ),
    )
    run.start()
    if run.accelerator.is_main_process:
        describe_network(run.options.folder, "compact", config.network.to_dict())

    features = Vgg16Features(layers=FEATURE_LAYERS).to(run.device)
    confusion = Confusion(
        config.confusion,
        config.dropped_edges,
        config.drawn_edges,
        config.no_edges,
        config.no_colors,
    )
    begin = 0
    for phase in phases_of(config):
        refines = phase.name == "refinement"
        trained = "refiner" if refines else "generator"
        if refines and run.step == begin and not refined_before:
            _hand_on(run)
        size = SIDE * (SCALE if refines else 1)
        pictures = open_pictures(data, "train", size, run.options.seed)
        dataset = EdgesAndColors(pictures, confusion, run.options.seed)
        for batch in run.batches(phase.name, dataset, phase.batch_size, phase.steps):
            rate = warm_up_and_decay(run.step - begin, phase.steps, phase.learning_rate)
            set_learning_rate(run.optimizers[trained], rate)
            colors, edges, picture = given(phase, batch, run)
            with run.accelerator.autocast():
                painted = run.networks[trained](colors, edges).float()
            losses = {"pixel": pixel(painted, picture)}
            losses |= _feature_losses(features, painted, picture, config.crop, run)
            loss = (
                losses["pixel"]
                + phase.feature_weight * losses["feature"]
                + phase.style_weight * losses["style"]
            )
            if phase.adversarial_weight:
                losses["discriminator"], verdict = train_critic(
                    run, edges, picture, painted, least_squares_discriminator
                )
                losses["adversarial"] = least_squares_generator(verdict)
                loss = loss + phase.adversarial_weight * losses["adversarial"]
            run.optimizers[trained].zero_grad()
            run.accelerator.backward(loss)
            run.accelerator.clip_grad_norm_(run.networks[trained].parameters(), 1.0)
            run.optimizers[trained].step()
            seen = colors, edges, picture
            run.after_step(losses, images=lambda s=seen, t=trained: preview(run, t, *s))
        begin += phase.steps
    run.finish()


def phases_of(config: Config) -> tuple[Phase, ...]:
    """The phases to be trained; see `Config`."""
    imitation, generating, refinement = config.phases
    begin = (imitation, generating)
    if not config.imitation:
        begin = (replace(generating, steps=imitation.steps + generating.steps),)
    return (*begin, refinement) if config.refinement else begin


def given(phase: Phase, batch: Mapping[str, Tensor], run: Run) -> tuple[Tensor, Tensor, Tensor]:
    """What the network of a phase is given, colors and edges, and the picture that it should make.

    The refinement's are parts of SIDE pixels of the larger picture, the same for a whole batch.
    """
    edges, small = batch["small_edges"], batch["small"]
    if phase.name == "imitation":
        return small * (1 - batch["mask"]) + batch["mask"], edges, small
    if phase.name == "generating":
        return batch["domain"], edges, small
    with torch.no_grad(), run.accelerator.autocast():
        painted = run.averaged("generator")(batch["domain"], edges).float().clamp(0, 1)
    if run.step % SAME_SIZE_EVERY == 0:
        return painted, edges, small
    size = (SIDE * SCALE, SIDE * SCALE)
    larger = F.interpolate(painted, size, mode="bilinear", align_corners=False)
    part = _random_part(SIDE * SCALE, SIDE)
    return larger[part], batch["edges"][part], batch["picture"][part]


def _random_part(side: int, part: int) -> tuple:
    """Slices of a random square of (B, C, `side`, `side`), drawn from torch's generator."""
    top, left = (int(place) for place in torch.randint(0, side - part + 1, (2,)))
    return ..., slice(top, top + part), slice(left, left + part)


def _feature_losses(
    features: Vgg16Features, painted: Tensor, picture: Tensor, crop: int, run: Run
) -> dict[str, Tensor]:
    part = _random_part(painted.shape[-1], crop)
    with run.accelerator.autocast():
        ours = features(painted[part])
        with torch.no_grad():
            theirs = features(picture[part])
    pairs = [(ours[name].float(), theirs[name].float()) for name in FEATURE_LAYERS]
    return {
        "feature": torch.stack([feature(*pair) for pair in pairs]).sum(),
        "style": torch.stack([style(*pair) for pair in pairs]).sum(),
    }


def _hand_on(run: Run) -> None:
    """The refiner begins as the generator is, and its average as the generator's average."""
    averaged = run.averaged("generator").state_dict()
    run.plain("refiner").load_state_dict(averaged)
    run.averaged("refiner").load_state_dict(averaged)


@torch.no_grad()
def preview(
    run: Run, trained: str, colors: Tensor, edges: Tensor, picture: Tensor, count: int = 4
) -> Tensor:
    """Rows of colors with the edges on them, painted by the averaged network, and the picture."""
    colors, edges = colors[:count], edges[:count]
    painted = run.averaged(trained)(colors, edges)
    return torch.cat([colors * (1 - edges), painted, picture[:count]], dim=3)


def _load(generator: CompactGenerator, refiner: CompactGenerator, path: Path) -> bool:
    """Load a weights file into both networks; returns whether it has the refiner's."""
    state = {name: value.float() for name, value in load_file(path).items()}
    parts = {
        part: {k.removeprefix(part): v for k, v in state.items() if k.startswith(part)}
        for part in ("generate.", "refine.")
    }
    generator.load_state_dict(parts["generate."])
    if parts["refine."]:
        refiner.load_state_dict(parts["refine."])
    return bool(parts["refine."])


def export(folder: Path, path: Path) -> int:
    """Write the averaged networks of the run in `folder` to `path`; returns the file's bytes.

    A run that has not come to its refinement yet gives the generator alone.
    """
    state, _ = averaged_state(folder, "generator")
    refiner, _ = averaged_state(folder, "refiner")
    both = {f"generate.{name}": value for name, value in state.items()}
    if bool(refiner["head.weight"].any()):  # zero until the refinement begins
        both |= {f"refine.{name}": value for name, value in refiner.items()}
    described = described_network(folder)
    if described is None:
        raise ValueError(f"{folder} does not say which network it trains: train with this version")
    return write_weights(path, both, "pi_rec", *described)
