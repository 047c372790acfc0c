"""From a run's checkpoint to a weights file that ships: half precision, with its description."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from s2i_training.run import CHECKPOINT

NETWORK_FILE = "network.json"  # beside the checkpoint
MOST_BYTES = 24_000_000  # a shipped file's limit, so that the repository stays light


def averaged_state(folder: Path, network: str) -> tuple[dict[str, Tensor], int]:
    """The averaged weights of `network` in a run's folder, and the run's step.

    Raises ValueError when the folder holds no checkpoint.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        raise ValueError(f"{folder} holds no checkpoint: train first with `s2i-train fit`")
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    return checkpoint["averages"][network], checkpoint["step"]


def describe_network(folder: Path, network: str, config: Mapping) -> None:
    """Keep in a run's folder what `write_weights` will be told of the network that it trains."""
    description = {"network": network, "config": dict(config)}
    (folder / NETWORK_FILE).write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def described_network(folder: Path) -> tuple[str, dict[str, Any]] | None:
    """The network's name and config that `describe_network` kept; None where it kept nothing."""
    path = folder / NETWORK_FILE
    if not path.is_file():
        return None
    description = json.loads(path.read_text(encoding="utf-8"))
    return description["network"], description["config"]


def write_weights(
    path: Path,
    state: Mapping[str, Tensor],
    pipeline: str,
    network: str,
    config: Mapping,
    *,
    ships: bool = True,
) -> int:
    """Write `state` in half precision; returns the file's bytes.

    `network` and `config` say how to build the network again. `ships`: whether the file is meant
    to ship; raises ValueError when it is and would be too large for that.
    """
    half = {name: value.half().contiguous() for name, value in state.items()}
    size = sum(value.numel() * 2 for value in half.values())
    if ships and size > MOST_BYTES:
        raise ValueError(f"{size / 1e6:.1f} MB of weights; at most {MOST_BYTES / 1e6:.0f} ship")
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {
        "s2i.pipeline": pipeline,
        "s2i.network": network,
        "s2i.config": json.dumps(dict(config)),
    }
    save_file(half, path, metadata=metadata)
    return path.stat().st_size
