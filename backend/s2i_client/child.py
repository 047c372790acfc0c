"""Child processes that are watched from a timer: a wait is a generator that yields."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import IO

from .environment import start_detached


class InstallFailed(Exception):
    """A step did not succeed: what happened, and what the user can do."""

    def __init__(self, message: str, fix: str = ""):
        super().__init__(f"{message} {fix}".strip())
        self.message = message
        self.fix = fix


def run(
    command: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path
) -> Generator[None, None, int]:
    """Run a command whose output is added to `log`, in `folder`; its exit code.

    Yields until it has ended. A generator that is closed before ends the process and all that it
    started. Raises `InstallFailed` when the program can not be started.
    """
    with log.open("ab") as output:
        process = _start(command, environment, output, subprocess.STDOUT, folder)
    try:
        while (code := process.poll()) is None:
            yield
        return code
    finally:
        end(process)


def answer(
    command: Sequence[str], environment: Mapping[str, str], seconds: float
) -> Generator[None, None, str]:
    """What a command prints, at most a pipe full (some KiB); empty when it fails or hangs."""
    try:
        process = _start(command, environment, subprocess.PIPE, subprocess.DEVNULL, None)
    except InstallFailed:
        return ""
    give_up_at = time.monotonic() + seconds
    try:
        while process.poll() is None:
            if time.monotonic() > give_up_at:
                return ""
            yield
        with contextlib.suppress(subprocess.TimeoutExpired):
            # It has ended, so that nothing is waited for, unless it left the pipe to another.
            output, _ = process.communicate(timeout=0.01)
            return output.decode("utf-8", errors="replace") if process.returncode == 0 else ""
        return ""
    finally:
        end(process)
        if process.stdout is not None:
            process.stdout.close()


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its group; what it was making is thrown away, so nobody is asked."""
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        tree = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
        start_detached(tree, os.environ, stdout=subprocess.DEVNULL)
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    # A killed process is gone within a millisecond or so; one that is not is left to the system.
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=0.01)


def _start(
    command: Sequence[str],
    environment: Mapping[str, str],
    stdout: IO[bytes] | int,
    stderr: int,
    folder: Path | None,
) -> subprocess.Popen[bytes]:
    try:
        return start_detached(command, environment, stdout=stdout, stderr=stderr, folder=folder)
    except OSError as error:
        raise InstallFailed(
            f"{command[0]} can not be started: {error.strerror or error}.",
            "See whether it is there and may be run.",
        ) from error
