"""How a daemon is to be served."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from s2i_client.connection_file import runtime_folder


def log_folder() -> Path:
    """The user's folder for logs, as the platform has it."""
    return platformdirs.user_log_path("s2i", appauthor=False)


def config_folder() -> Path:
    """The user's folder for keys that outlive a run, as the platform has it."""
    return platformdirs.user_config_path("s2i", appauthor=False)


@dataclass(frozen=True)
class ServeOptions:
    """What `s2i-backend serve` can be told.

    `devices`: torch device names, a worker each; `auto` is every GPU, or else the CPU.
    `remote`: an address to listen on for other machines, such as `0.0.0.0`; None is loopback.
    `port`: 0 is any free one. `idle_seconds`: end when no host has been there for so long; None
    is never. `max_jobs`: jobs that may wait. `frame_bytes`: memory for pictures of jobs that
    have not ended; `kept_bytes` and `kept_minutes` bound the results kept for hosts that are
    away. `model_bytes`: memory for loaded weights in each worker, None is half of the machine's.
    `quiet`: write nothing more to standard error once the daemon serves, only to the log file.
    """

    devices: tuple[str, ...] = ("auto",)
    remote: str | None = None
    port: int = 0
    idle_seconds: float | None = None
    max_jobs: int = 256
    frame_bytes: int = 4 << 30
    kept_bytes: int = 2 << 30
    kept_minutes: float = 30.0
    model_bytes: int | None = None
    quiet: bool = False
    run_folder: Path = field(default_factory=runtime_folder)
    logs: Path = field(default_factory=log_folder)
    config: Path = field(default_factory=config_folder)
