"""What every recipe shares: batches that can be resumed, checkpoints, EMA, logs, acceleration.

A recipe reads top to bottom; it owns its networks, losses and steps. A `Run` owns everything that
would otherwise be repeated in each recipe: where the run is, how its data is ordered, and what is
written to disk. All randomness follows from the seed and the position in the run, so that a run
that was interrupted and resumed computes the same numbers as one that was not.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from accelerate import Accelerator
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Sampler

CHECKPOINT = "checkpoint.pt"


class EpochDataset(Protocol):
    """A data set whose augmentation depends on nothing but (seed, epoch, index)."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Mapping[str, Any]: ...

    def set_epoch(self, epoch: int) -> None: ...


class ShuffledShard(Sampler[int]):
    """One epoch's order for one process: shuffled by seed and epoch, the first `skip` left out."""

    def __init__(self, length: int, seed: int, epoch: int, rank: int, world: int, skip: int):
        order = np.random.default_rng((seed, epoch)).permutation(length)
        usable = length - length % world
        self._indices = order[:usable][rank::world][skip:].tolist()

    def __iter__(self) -> Iterator[int]:
        return iter(self._indices)

    def __len__(self) -> int:
        return len(self._indices)


@dataclass
class RunOptions:
    """Where and how a run happens, apart from what is trained.

    `mixed_precision`: "no", "bf16" or "fp16". `workers`: data-loading processes per process.
    """

    folder: Path
    seed: int = 0
    mixed_precision: str = "no"
    workers: int = 1
    resume: bool = False
    log_every: int = 20
    checkpoint_every: int = 250
    images_every: int = 500
    force_cpu: bool = False


@dataclass
class _Averaged:
    decay: float
    network: nn.Module


@dataclass
class Run:
    """One training run in one folder; see the module's docstring."""

    options: RunOptions
    networks: dict[str, nn.Module] = field(default_factory=dict)
    optimizers: dict[str, torch.optim.Optimizer] = field(default_factory=dict)
    step: int = 0  # optimizer steps done, over all phases

    def __post_init__(self) -> None:
        options = self.options
        options.folder.mkdir(parents=True, exist_ok=True)
        if not options.resume and (options.folder / CHECKPOINT).exists():
            raise ValueError(
                f"{options.folder} already holds a run: continue it with --resume, "
                "or give another folder with --out"
            )
        self.accelerator = Accelerator(
            mixed_precision=options.mixed_precision,
            cpu=options.force_cpu,
            log_with="tensorboard",
            project_dir=str(options.folder),
        )
        self.accelerator.init_trackers("log")
        self.device = self.accelerator.device
        self._averages: dict[str, _Averaged] = {}
        self._phase_end = 0
        self._progress: Progress | None = None
        self._losses: dict[str, Tensor] = {}
        torch.manual_seed(options.seed + self.accelerator.process_index)

    def add(
        self,
        name: str,
        network: nn.Module,
        optimizer: torch.optim.Optimizer | None = None,
        average: float | None = None,
    ) -> nn.Module:
        """Register a network, wrapped for this machine; returns the wrapped network.

        `average`: decay of an exponential moving average of the weights, kept beside it.
        """
        wrapped = self.accelerator.prepare(network)
        self.networks[name] = wrapped
        if optimizer is not None:
            self.optimizers[name] = self.accelerator.prepare(optimizer)
        if average is not None:
            self._averages[name] = _Averaged(
                average, deepcopy(self.plain(name)).requires_grad_(False)
            )
        return wrapped

    def plain(self, name: str) -> nn.Module:
        """The network called `name` without the wrapping that several processes need."""
        return self.accelerator.unwrap_model(self.networks[name])

    def averaged(self, name: str) -> nn.Module:
        """The moving average of the network called `name`, the one to evaluate and export."""
        return self._averages[name].network

    def start(self) -> None:
        """Call once, after the last `add`: continue from the checkpoint when resuming."""
        path = self.options.folder / CHECKPOINT
        if not self.options.resume or not path.exists():
            return
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.step = state["step"]
        for name in self.networks:
            self.plain(name).load_state_dict(state["networks"][name])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        for name, average in self._averages.items():
            average.network.load_state_dict(state["averages"][name])
        if self.accelerator.scaler is not None and state["scaler"] is not None:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["random"][self.accelerator.process_index])

    def batches(
        self, phase: str, dataset: EpochDataset, batch_size: int, steps: int
    ) -> Iterator[dict[str, Tensor]]:
        """Yield the batches of a phase of `steps` steps, from wherever the run is.

        `batch_size` counts all processes. Phases run one after the other; one that lies before
        the resumed position yields nothing. Epochs are counted within the phase.
        """
        begin = self._phase_end
        self._phase_end += steps
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        per_process = batch_size // world
        per_epoch = len(dataset) // world // per_process
        if per_epoch == 0:
            raise ValueError(
                f"the data set has {len(dataset)} items, fewer than one batch of {batch_size}: "
                "build more data or set a smaller batch size"
            )
        with self._progress_bar(phase, steps) as advance:
            advance(max(0, min(self.step - begin, steps)))
            while self.step < self._phase_end:
                epoch, done = divmod(self.step - begin, per_epoch)
                dataset.set_epoch(epoch)
                shard = ShuffledShard(
                    len(dataset), self.options.seed, epoch, rank, world, done * per_process
                )
                loader = DataLoader(
                    _as_torch(dataset),
                    batch_size=per_process,
                    sampler=shard,
                    drop_last=True,
                    num_workers=self.options.workers,
                    # Its own generator: starting a loader must not draw from the networks' one.
                    generator=torch.Generator(),
                )
                for batch in loader:
                    yield {
                        k: v.to(self.device, non_blocking=True) if isinstance(v, Tensor) else v
                        for k, v in batch.items()
                    }
                    advance(1)
                    if self.step >= self._phase_end:
                        break

    def after_step(
        self, losses: Mapping[str, Tensor], images: Callable[[], Tensor] | None = None
    ) -> None:
        """Count the step; average, log and save when it is time.

        `losses`: scalar tensors by name. `images`: called only when pictures are logged; returns
        (B, 3, H, W) in 0 to 1.
        """
        self.step += 1
        for name, average in self._averages.items():
            _move_average(average.network, self.plain(name), self._decay(average.decay))
        self._losses = {k: v.detach() for k, v in losses.items()}
        options = self.options
        if self.step % options.log_every == 0:
            self.accelerator.log({k: float(v) for k, v in self._losses.items()}, step=self.step)
        show = self.step % options.images_every == 0 and self.accelerator.is_main_process
        if images is not None and show:
            board: Any = self.accelerator.get_tracker("tensorboard", unwrap=True)
            board.add_images("preview", images().float().clamp(0, 1).cpu(), self.step)
        if self.step % options.checkpoint_every == 0:
            self.save()

    def save(self) -> None:
        """Write the checkpoint; the old one stays until the new one is whole."""
        random = [torch.get_rng_state()]
        if self.accelerator.num_processes > 1:
            gathered = self.accelerator.gather(random[0].to(self.device)[None])
            random = [state.cpu() for state in gathered]  # type: ignore[union-attr]
        if not self.accelerator.is_main_process:
            return
        scaler = self.accelerator.scaler  # None but with fp16, which scales the losses
        state = {
            "step": self.step,
            "networks": {name: self.plain(name).state_dict() for name in self.networks},
            "optimizers": {name: o.state_dict() for name, o in self.optimizers.items()},
            "averages": {name: a.network.state_dict() for name, a in self._averages.items()},
            "scaler": None if scaler is None else scaler.state_dict(),
            "random": random,
        }
        path = self.options.folder / CHECKPOINT
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)

    def finish(self) -> None:
        """Save and close the logs."""
        self.save()
        self.accelerator.end_training()

    def _decay(self, decay: float) -> float:
        # A young average would remember the random start for long: let it grow up first.
        return min(decay, (1 + self.step) / (10 + self.step))

    @contextlib.contextmanager
    def _progress_bar(self, phase: str, steps: int) -> Iterator[Callable[[int], None]]:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[losses]}"),
        )
        with Progress(*columns, disable=not self.accelerator.is_main_process) as bar:
            task = bar.add_task(phase, total=steps, losses="")
            shown = -1

            def advance(by: int) -> None:
                nonlocal shown
                bar.advance(task, by)
                if self.step // self.options.log_every != shown:
                    shown = self.step // self.options.log_every
                    text = " ".join(f"{k} {float(v):.4g}" for k, v in self._losses.items())
                    bar.update(task, losses=text)
                    if not bar.console.is_terminal and text:
                        bar.console.print(f"{phase} {self.step}: {text}", soft_wrap=True)

            yield advance


def warm_up_and_decay(
    step: int, total: int, peak: float, warm_up: int = 50, final: float = 0.1
) -> float:
    """Learning rate at `step` of `total`: linear warm-up to `peak`, then cosine to `final`×peak."""
    if step < warm_up:
        return peak * (step + 1) / warm_up
    position = min(1.0, (step - warm_up) / max(1, total - warm_up))
    return peak * (final + (1 - final) * 0.5 * (1 + float(np.cos(np.pi * position))))


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set one learning rate for all parameter groups."""
    for group in optimizer.param_groups:
        group["lr"] = rate


@torch.no_grad()
def _move_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    ours, theirs = average.state_dict(), network.state_dict()
    for name, value in ours.items():
        if value.dtype.is_floating_point:
            value.lerp_(theirs[name].to(value.dtype), 1 - decay)
        else:
            value.copy_(theirs[name])


def _as_torch(dataset: EpochDataset) -> Dataset:
    return dataset  # type: ignore[return-value]  # a map-style data set by its two methods
