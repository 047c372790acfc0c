"""How long does a step of training reference-based colorization take, and how much memory?

`python benchmarks/reference_training.py` compares the step of a public implementation
(Snailpong/reference_based_sketch_image_colorization) with ours for the same network, at the same
batch, size and precision (float32). It does these things that ours does not: the generator runs
once for the discriminator's step and once more for its own, VGG's weights get gradients that nobody
uses, so the target's features are kept for a backward pass too, the style loss is of one matrix for
the whole batch, and the discriminator's weights get gradients in the generator's step. Ours also
keeps tensors and weights with channels last and steps with PyTorch's fused Adam, where that
implementation has the defaults. Both have the same losses on the same layers of the same VGG16.

Each row is a process of its own, whose peak is its own too; they take turns step by step, so that
whatever else the machine does falls on all of them. On a busy machine compare processor time, with
`--threads 1`, in which waiting for other programs does not count.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2i_models.reference_colorization.compact import CompactGenerator
from s2i_models.reference_colorization.network import PaperConfig, PaperGenerator, PatchGan
from s2i_training.correspondence_losses import MARGIN, counterparts, elsewhere, triplet
from s2i_training.discriminator import CompactDiscriminator
from s2i_training.losses import feature, hinge_discriminator, style, wasserstein_generator
from s2i_training.perceptual import Vgg16Features
from s2i_training.recipes.reference_colorization import (
    PERCEPTUAL_LAYERS,
    PRESETS,
    STYLE_LAYER,
    matching_losses,
)

# The last layer of each stage, as in that implementation.
LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")
WEIGHTS = {"triplet": 1.0, "reconstruction": 30.0, "adversarial": 1.0, "perceptual": 0.01}
STYLE_WEIGHT = 50.0

Step = Callable[[], None]


def pictures(batch: int, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """A sketch, a reference and a target, −1 to 1, of noise: time does not depend on what is
    drawn."""
    torch.manual_seed(0)
    sketch = (torch.rand(batch, 1, side, side) > 0.1).float() * 2 - 1
    reference, target = (
        F.interpolate(torch.rand(batch, 3, side // 8, side // 8), (side, side), mode="bilinear")
        for _ in range(2)
    )
    return sketch, 2 * reference - 1, 2 * target - 1


def public_step(batch: int, side: int, *, frozen: bool) -> tuple[nn.Module, Step]:
    """As that implementation trains; `frozen`: but with VGG's weights really frozen."""
    sketch, reference, target = pictures(batch, side)
    config = PaperConfig("snailpong", token_layout="reshape", leaky_output=True)
    generator, judge = PaperGenerator(config), PatchGan()
    vgg = Vgg16Features(LAYERS).requires_grad_(not frozen)
    adam = torch.optim.Adam
    generator_optimizer = adam(generator.parameters(), 1e-4, (0.5, 0.999))
    judge_optimizer = adam(judge.parameters(), 2e-4, (0.5, 0.999))

    def batch_gram(features: Tensor) -> Tensor:
        flat = features.flatten(2).flatten(0, 1)
        return flat @ flat.T / features.numel()

    def step() -> None:
        judge_optimizer.zero_grad()
        painted = generator.paint(sketch, reference)[0].detach()
        fake, real = judge(sketch, painted), judge(sketch, target)
        (fake.square().mean() + (real - 1).square().mean()).backward()
        judge_optimizer.step()

        generator_optimizer.zero_grad()
        painted, logits = generator.paint(sketch, reference)
        ours, theirs = vgg((painted + 1) / 2), vgg((target + 1) / 2)
        losses = {
            # Its negatives take another product of tokens; these are for free.
            "triplet": (MARGIN - logits + logits.roll(1, 0)).clamp(min=0).mean(),
            "reconstruction": (painted - target).abs().mean(),
            "adversarial": (judge(sketch, painted) - 1).square().mean(),
            "perceptual": torch.stack([feature(ours[n], theirs[n]) for n in LAYERS]).sum(),
        }
        loss = torch.stack([WEIGHTS[name] * loss for name, loss in losses.items()]).sum()
        texture = (batch_gram(ours[LAYERS[-1]]) - batch_gram(theirs[LAYERS[-1]])).abs().mean()
        (loss + STYLE_WEIGHT * texture).backward()
        generator_optimizer.step()
        generator_optimizer.zero_grad()

    return generator, step


@contextmanager
def untrained(network: nn.Module) -> Iterator[None]:
    """Gradients pass through `network` and are not computed for its weights."""
    network.requires_grad_(False)
    yield
    network.requires_grad_(True)


def our_step(batch: int, side: int, config: PaperConfig) -> tuple[nn.Module, Step]:
    """The same losses, with one run of the generator for both steps."""
    sketch, reference, target = (
        h.contiguous(memory_format=torch.channels_last) for h in pictures(batch, side)
    )
    generator = PaperGenerator(config).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    judge = PatchGan("batch" if config.preset == "snailpong" else "spectral")
    judge = judge.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    vgg = Vgg16Features(LAYERS).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    generator_optimizer = torch.optim.Adam(generator.parameters(), 1e-4, (0.5, 0.999), fused=True)
    judge_optimizer = torch.optim.Adam(judge.parameters(), 2e-4, (0.5, 0.999), fused=True)
    cells = side // config.stride
    rows, columns = torch.meshgrid(torch.arange(cells), torch.arange(cells), indexing="ij")
    place = torch.stack([columns, rows], dim=2).float().expand(batch, -1, -1, -1)
    bias = torch.zeros(batch, cells * cells)
    counted = torch.ones(batch, cells * cells, dtype=torch.bool)

    def step() -> None:
        painted, logits = generator.paint(sketch, reference)
        fake, real = judge(sketch, painted.detach()), judge(sketch, target)
        (fake.square().mean() + (real - 1).square().mean()).backward()
        judge_optimizer.step()
        judge_optimizer.zero_grad()

        with untrained(judge):
            verdict = judge(sketch, painted)
        with torch.no_grad():
            theirs = vgg((target + 1) / 2)
        ours = vgg((painted + 1) / 2)
        against = elsewhere(logits, place, cells, bias)
        found = counterparts(place, cells, cells, bias)
        losses = {
            "triplet": triplet(logits, found, against, counted),
            "reconstruction": (painted - target).abs().mean(),
            "adversarial": (verdict - 1).square().mean(),
            "perceptual": torch.stack([feature(ours[n], theirs[n]) for n in LAYERS]).sum(),
        }
        loss = torch.stack([WEIGHTS[name] * loss for name, loss in losses.items()]).sum()
        (loss + STYLE_WEIGHT * style(ours[LAYERS[-1]], theirs[LAYERS[-1]])).backward()
        generator_optimizer.step()
        generator_optimizer.zero_grad()

    return generator, step


def compact_step(batch: int, side: int) -> tuple[nn.Module, Step]:
    """The network that ships, with the losses of its recipe's last phase."""
    sketch, reference, target = ((h + 1) / 2 for h in pictures(batch, side))
    config = PRESETS["cpu"]
    layout = torch.channels_last
    generator = CompactGenerator(config.network).to(memory_format=layout)  # type: ignore[call-overload]
    judge = CompactDiscriminator(config.discriminator_width).to(memory_format=layout)  # type: ignore[call-overload]
    vgg = Vgg16Features(PERCEPTUAL_LAYERS)
    generator_optimizer = torch.optim.AdamW(generator.parameters(), 2e-4, (0.9, 0.99))
    judge_optimizer = torch.optim.Adam(judge.parameters(), 2e-4, (0.5, 0.999))
    cells = side // CompactGenerator.cell
    rows, columns = torch.meshgrid(torch.arange(cells), torch.arange(cells), indexing="ij")
    given = {
        "lines": sketch,
        "hints": torch.zeros(batch, 4, side, side),
        "reference": torch.cat([reference, torch.ones_like(sketch)], dim=1),
        "color": target,
        "painted": torch.ones_like(sketch),
        "place": torch.stack([columns, rows], dim=2).float().expand(batch, -1, -1, -1),
    }

    def step() -> None:
        made = generator(given["lines"], given["hints"], given["reference"])
        losses = matching_losses(made, given, config)
        painted = made.output[:, :3]
        both = judge(sketch.repeat(2, 1, 1, 1), torch.cat([target, painted.detach()]))
        hinge_discriminator(*both.chunk(2)).backward()
        judge_optimizer.step()
        judge_optimizer.zero_grad()
        with untrained(judge):
            verdict = judge(sketch, painted)
        with torch.no_grad():
            theirs = vgg(F.avg_pool2d(target, 2))
        ours = vgg(F.avg_pool2d(painted, 2))
        perceptual = [feature(ours[name], theirs[name]) for name in PERCEPTUAL_LAYERS]
        loss = (
            config.reconstruction_weight * losses["reconstruction"]
            + config.coverage_weight * losses["coverage"]
            + config.triplet_weight * losses["triplet"]
            + config.contrastive_weight * losses["contrastive"]
            + config.adversarial_weight * wasserstein_generator(verdict)
            + config.perceptual_weight * torch.stack(perceptual).sum()
            + config.style_weight * style(ours[STYLE_LAYER], theirs[STYLE_LAYER])
        )
        loss.backward()
        generator_optimizer.step()
        generator_optimizer.zero_grad()

    return generator, step


ROWS: dict[str, Callable[[int, int], tuple[nn.Module, Step]]] = {
    "public step, paper's network": lambda b, s: public_step(b, s, frozen=False),
    "– with VGG's weights frozen": lambda b, s: public_step(b, s, frozen=True),
    "our step, the same network": lambda b, s: our_step(b, s, PaperConfig("snailpong")),
    "our step, after the supplement": lambda b, s: our_step(b, s, PaperConfig("supplement")),
    "our step, the network that ships": compact_step,
}


def train(row: str, batch: int, side: int, threads: int, line: Connection) -> None:
    """A process: a step for each message, answered by the seconds that passed and those that its
    threads worked; at the end its peak."""
    torch.set_num_threads(threads)
    network, step = ROWS[row](batch, side)
    line.send(sum(p.numel() for p in network.parameters()) / 1e6)
    while line.recv():
        begin, worked = time.perf_counter(), time.process_time()
        step()
        line.send((time.perf_counter() - begin, time.process_time() - worked))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line.send(peak * (1 if sys.platform == "darwin" else 1024) / 1e9)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--side", type=int, default=256, help="of the pictures, px")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--row", choices=ROWS, action="append", help="only these")
    options = parser.parse_args()
    rows = options.row or list(ROWS)
    spawn = multiprocessing.get_context("spawn")
    lines, millions = {}, {}
    for row in rows:
        lines[row], theirs = spawn.Pipe()
        arguments = (row, options.batch, options.side, options.threads, theirs)
        spawn.Process(target=train, args=arguments, daemon=True).start()
        theirs.close()
        millions[row] = lines[row].recv()
    passed: dict[str, list[tuple[float, float]]] = {row: [] for row in rows}
    for number in range(options.rounds + 1):
        for row, line in lines.items():
            line.send(True)
            seconds, worked = line.recv()
            print(f"{number}, {row}: {seconds:.2f} s, {worked:.2f} s", file=sys.stderr)
            if number:  # the first step also fills caches and the optimizers' states
                passed[row].append((seconds, worked))
    peaks = {}
    for row, line in lines.items():
        line.send(False)
        peaks[row] = line.recv()
    medians = {
        row: [statistics.median(column) for column in zip(*passed[row], strict=True)]
        for row in rows
    }
    print(
        f"{options.batch} pictures of {options.side} × {options.side}, float32, "
        f"{options.threads} threads, median of {options.rounds} steps in turns\n"
    )
    print("| training step | million weights | s | speed | processor, s | speed | peak, GB |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        columns = [
            f"{own:.2f} | {first / own:.2f} ×"
            for own, first in zip(medians[row], medians[rows[0]], strict=True)
        ]
        print(f"| {row} | {millions[row]:.1f} | {' | '.join(columns)} | {peaks[row]:.2f} |")


if __name__ == "__main__":
    main()
