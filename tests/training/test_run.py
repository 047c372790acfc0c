"""The shared training run: resuming, phases, averages, several processes."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from torch import nn

from s2i_training.run import Run, RunOptions, ShuffledShard, warm_up_and_decay


class NoisyNumbers:
    """A data set whose items depend on (epoch, index) only."""

    epoch = 0

    def __len__(self) -> int:
        return 23

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        generator = torch.Generator().manual_seed(1000 * self.epoch + index)
        return {"x": torch.randn(4, generator=generator)}


def train(folder: Path, stop_after: int | None = None, resume: bool = False) -> list[float]:
    run = Run(RunOptions(folder, seed=3, workers=0, resume=resume, checkpoint_every=1))
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 4))
    model = run.add("net", network, torch.optim.Adam(network.parameters(), 0.01), average=0.9)
    run.start()
    losses = []
    for phase, steps in (("first", 7), ("second", 12)):
        for batch in run.batches(phase, NoisyNumbers(), 4, steps):
            loss = (model(batch["x"]) - batch["x"]).square().mean()
            run.optimizers["net"].zero_grad()
            run.accelerator.backward(loss)
            run.optimizers["net"].step()
            run.after_step({"loss": loss})
            losses.append(loss.item())
            if stop_after is not None and run.step == stop_after:
                return losses
    run.finish()
    return losses


@pytest.mark.parametrize("interrupted_at", [3, 7, 10, 16])
def test_resumed_run_has_the_same_losses(tmp_path: Path, interrupted_at: int) -> None:
    whole = train(tmp_path / "whole")
    first = train(tmp_path / "parts", stop_after=interrupted_at)
    rest = train(tmp_path / "parts", resume=True)
    assert len(whole) == 19
    assert first + rest == whole
    ours, theirs = (
        torch.load(tmp_path / name / "checkpoint.pt", weights_only=True)
        for name in ("whole", "parts")
    )
    for name, value in ours["averages"]["net"].items():
        assert torch.equal(value, theirs["averages"]["net"][name])


def test_a_resumed_run_scales_its_losses_as_before(tmp_path: Path) -> None:
    # The scaler of fp16 works on GPUs only, but keeps its numbers anywhere.
    def new(resume: bool) -> Run:
        run = Run(RunOptions(tmp_path, workers=0, resume=resume))
        run.accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        return run

    run = new(resume=False)
    assert run.accelerator.scaler is not None
    run.accelerator.scaler.load_state_dict({**run.accelerator.scaler.state_dict(), "scale": 8.0})
    run.save()
    resumed = new(resume=True)
    resumed.start()
    assert resumed.accelerator.scaler is not None
    assert resumed.accelerator.scaler.get_scale() == 8.0


def test_a_run_is_not_overwritten_by_accident(tmp_path: Path) -> None:
    train(tmp_path, stop_after=2)
    with pytest.raises(ValueError, match="--resume"):
        Run(RunOptions(tmp_path))


def test_too_few_items_for_a_batch_is_an_error_not_an_endless_loop(tmp_path: Path) -> None:
    run = Run(RunOptions(tmp_path, workers=0))
    run.start()
    with pytest.raises(ValueError, match="smaller batch"):
        next(run.batches("only", NoisyNumbers(), 24, 1))


def test_shards_of_an_epoch_are_disjoint_and_shuffled_anew() -> None:
    shards = [list(ShuffledShard(23, 0, 0, rank, 2, 0)) for rank in (0, 1)]
    assert len(shards[0]) == len(shards[1]) == 11
    assert not set(shards[0]) & set(shards[1])
    assert shards[0] != list(ShuffledShard(23, 0, 1, 0, 2, 0))
    assert list(ShuffledShard(23, 0, 0, 0, 2, 4)) == shards[0][4:]


def test_learning_rate_warms_up_then_decays() -> None:
    rates = [warm_up_and_decay(step, 1000, 1.0, warm_up=100) for step in range(1000)]
    assert rates[0] < rates[50] < rates[99] == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(0.1, abs=0.01)


@pytest.mark.slow
def test_two_processes_train_one_network(tmp_path: Path) -> None:
    script = tmp_path / "two.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import sys, torch
            sys.path.insert(0, {str(Path(__file__).parent)!r})
            from pathlib import Path
            from torch import nn
            from test_run import NoisyNumbers
            from s2i_training.run import Run, RunOptions
            run = Run(RunOptions(Path({str(tmp_path / "run")!r}), workers=0, force_cpu=True))
            network = nn.Linear(4, 4)
            model = run.add("net", network, torch.optim.SGD(network.parameters(), 0.1))
            run.start()
            for batch in run.batches("only", NoisyNumbers(), 4, 5):
                loss = model(batch["x"]).square().mean()
                run.optimizers["net"].zero_grad()
                run.accelerator.backward(loss)
                run.optimizers["net"].step()
                run.after_step({{"loss": loss}})
            weights = run.accelerator.gather(run.plain("net").weight.detach()[None])
            assert weights.shape[0] == 2 and torch.equal(weights[0], weights[1]), weights
            run.finish()
            """
        )
    )
    # accelerate's --cpu starts one process only; --multi_gpu is its name for several, and the
    # environment variable keeps them off any GPU.
    command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu"]
    command += ["--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no"]
    command += ["--main_process_port", "0", str(script)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"},
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    state = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert state["step"] == 5
    assert len(state["random"]) == 2
