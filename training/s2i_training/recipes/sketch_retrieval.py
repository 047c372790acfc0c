"""find_reference: sketches and pictures of the same thing to neighbors in one space.

EfficientNet-Lite0, trained on ImageNet, learns from drawings: a rough sketch must find the picture
it was made after among all others, and the picture the sketch; so must a drawing of the same
subject by another hand. Drawings of one subject are never told apart from each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from s2i_models.find_reference.network import NETWORK, PIPELINE, Embedder, load_embedder
from s2i_training.contrast import SketchContrast
from s2i_training.data.imagenet_weights import body_state, published_state
from s2i_training.data.renders import ensure_renders
from s2i_training.data.sketch_pairs import SketchPairs
from s2i_training.export import averaged_state, write_weights
from s2i_training.run import Run, warm_up_and_decay

VIEWS = ("sketch", "picture", "other")


@dataclass(frozen=True)
class Phase:
    """A part of the training. `learning_rate`: the highest; it warms up and falls within the
    phase. Each of the `batch_size` drawings is seen in three views."""

    name: str
    steps: int
    batch_size: int
    learning_rate: float


@dataclass(frozen=True)
class Config:
    """Every number of the recipe.

    `body_rate`: learning rate of the pretrained body as a share of the projection's.
    `frozen_blocks`: stem and so many blocks stay as ImageNet made them. `train_filters`: also
    train the depthwise filters; CPUs take longer for their gradients than for everything else.
    """

    phases: tuple[Phase, ...]
    body_rate: float = 0.3
    frozen_blocks: int = 3
    train_filters: bool = False
    hands_weight: float = 0.7
    weight_decay: float = 0.01
    average: float = 0.995
    mixed_precision: str = "bf16"
    renders: bool = True


PRESETS = {
    # Under an hour on one core that computes in bf16, with another for the data.
    "cpu": Config(phases=(Phase("pairs", 500, 96, 5e-4),)),
    # Sized for a data-center GPU; not measured yet.
    "gpu": Config(
        phases=(Phase("pairs", 12000, 384, 6e-4),),
        frozen_blocks=0,
        train_filters=True,
        average=0.999,
    ),
}


def train(config: Config, data: Path, run: Run, start_from: Path | None = None) -> None:
    """Train in `run.options.folder` on the set built in `data`, and on renders beside it.

    `start_from`: a weights file to begin with instead of those of ImageNet.
    """
    network = Embedder()
    if start_from is not None:
        network.load_state_dict(load_embedder(start_from).state_dict())
    elif not run.options.resume:
        network.body.load_state_dict(body_state(published_state()))
    _freeze(network, config)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    objective = SketchContrast()
    optimizer = torch.optim.AdamW(_groups(network, objective, config), betas=(0.9, 0.99))
    embedder = run.add("embedder", network, optimizer, average=config.average)
    loss_of = run.add("objective", objective)
    run.start()

    roots = [data, ensure_renders(data)] if config.renders else [data]
    begin = 0
    for phase in config.phases:
        dataset = SketchPairs(roots, "train", Embedder.size, run.options.seed)
        for batch in run.batches(phase.name, dataset, phase.batch_size, phase.steps):
            rate = warm_up_and_decay(run.step - begin, phase.steps, phase.learning_rate)
            for group in run.optimizers["embedder"].param_groups:
                group["lr"] = rate * group["share"]

            views = torch.cat([batch[name] for name in VIEWS])
            views = views.contiguous(memory_format=torch.channels_last)
            with run.accelerator.autocast():
                points = embedder(views)
            losses = loss_of(*points.float().chunk(len(VIEWS)), batch["subject"])
            loss = losses["drawing"] + config.hands_weight * losses["hands"]
            run.optimizers["embedder"].zero_grad()
            run.accelerator.backward(loss)
            run.accelerator.clip_grad_norm_(embedder.parameters(), 1.0)
            run.optimizers["embedder"].step()
            run.after_step(losses, images=lambda b=batch: preview(b))
        begin += phase.steps
    run.finish()


def _freeze(network: Embedder, config: Config) -> None:
    if config.frozen_blocks:
        network.body.stem.requires_grad_(False)
    for number, block in enumerate(network.body.blocks):
        if number < config.frozen_blocks:
            block.requires_grad_(False)
        if not config.train_filters:
            # All of it: with the shift alone, PyTorch still computes the filters' gradients.
            block.get_submodule("filter").requires_grad_(False)


def _groups(network: Embedder, objective: SketchContrast, config: Config) -> list[dict]:
    """Parameters with their share of the learning rate; only matrices decay."""
    body = [p for p in network.body.parameters() if p.requires_grad]
    groups = [
        (list(_of_rank(body, matrix=True)), config.body_rate, config.weight_decay),
        (list(_of_rank(body, matrix=False)), config.body_rate, 0.0),
        ([network.projection.weight], 1.0, config.weight_decay),
        ([objective.log_scale], 1.0, 0.0),
    ]
    return [
        {"params": parameters, "share": share, "weight_decay": decay}
        for parameters, share, decay in groups
    ]


def _of_rank(parameters: list[torch.nn.Parameter], *, matrix: bool) -> Iterator[torch.nn.Parameter]:
    return (p for p in parameters if (p.ndim > 1) == matrix)


def preview(batch: dict[str, Tensor], count: int = 6) -> Tensor:
    """Rows of what was told to belong together: sketch, picture, the subject by another hand."""
    return torch.cat([batch[name][:count] for name in VIEWS], dim=3)


def export(folder: Path, path: Path) -> int:
    """Write the averaged network of the run in `folder` to `path`; returns the file's bytes."""
    state, _ = averaged_state(folder, "embedder")
    return write_weights(path, state, PIPELINE, NETWORK, Embedder.config())
