"""Starts the worker processes, notices their death and starts them again."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from s2i_backend.child_environment import child_environment
from s2i_backend.link import BrokerEnd

log = logging.getLogger(__name__)
MAX_FAILED_STARTS = 3
# A worker that lived so long after it came up has died by itself, not of how it was started.
_LONG_LIFE_SECONDS = 30.0
_LONGEST_PAUSE_SECONDS = 30.0
_STOP_SECONDS = 2.0
# How a worker's own log lines begin, see `configure_worker`.
_LOG_LINE = re.compile(r"(DEBUG|INFO|WARNING|ERROR|CRITICAL) \S+: ")


@dataclass
class Worker:
    """A worker process. `state`: starting, idle, busy or unusable. `up_at`: when it came up."""

    name: str
    device: str
    process: subprocess.Popen
    state: str = "starting"
    info: dict[str, Any] = field(default_factory=dict)
    memory: int = 0
    up_at: float = 0.0

    @property
    def pid(self) -> int:
        return self.process.pid


class Supervisor:
    """One worker for each device, for as long as the broker lives.

    Workers run in `folder`, which is the daemon's own.
    """

    def __init__(
        self,
        link: BrokerEnd,
        folder: Path,
        devices: tuple[str, ...],
        arguments: tuple[str, ...] = (),
    ):
        self._link = link
        self._folder = folder
        self._arguments = arguments
        self._count = 0
        # Why the last worker that was given up could not be started.
        self.reason = ""
        self._failed_starts: dict[str, int] = {}
        # Of each device: how often in a row no process could be made, or one died soon after
        # it came up.
        self._short_lives: dict[str, int] = {}
        self._restarts: list[tuple[float, str]] = []  # when, and on which device
        self.workers: dict[str, Worker] = {}
        for device in devices:
            self.start(device)

    def start(self, device: str) -> None:
        """Start a worker; it says `up` when it can be used.

        A machine that can not make a process just now is asked again later.
        """
        self._count += 1
        name = f"worker-{self._count}"
        command = [
            sys.executable, "-m", "s2i_backend.worker", "--endpoint", self._link.endpoint,
            "--name", name, "--device", device, *self._arguments,
        ]  # fmt: skip
        # The worker ends when its standard input does: the broker holds the only other end, so
        # no worker outlives a broker, however that died.
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=self._folder,
                env={**child_environment(), **self._link.environment},
            )
        except OSError as error:
            log.error("no process could be made for %s: %s", device, error)
            self._restart(device, time.monotonic(), 1)
            return
        threading.Thread(target=_copy_log, args=(name, process), daemon=True).start()
        self.workers[name] = Worker(name, device, process)
        log.info("started %s for %s, process %d", name, device, process.pid)

    def up(self, name: str, info: dict[str, Any]) -> None:
        """A worker said that it is ready; `info` names its device and others it saw."""
        worker = self.workers[name]
        self._failed_starts.pop(worker.device, None)
        worker.device = info["device"]
        worker.info = info
        worker.state = "idle"
        worker.up_at = time.monotonic()
        served = {w.device for w in self.workers.values()} | {
            device for _, device in self._restarts
        }
        for device in info.get("others", ()):
            if device not in served:
                self.start(device)

    def give_up(self, name: str, reason: str) -> None:
        """A worker said that starting it again would not help."""
        worker = self.workers[name]
        log.error("%s can not be used: %s", worker.device, reason)
        worker.state = "unusable"
        self.reason = reason
        worker.process.terminate()

    @property
    def idle(self) -> list[Worker]:
        return [worker for worker in self.workers.values() if worker.state == "idle"]

    @property
    def usable(self) -> bool:
        """Whether there is, or will be, a worker to run jobs."""
        return any(w.state != "unusable" for w in self.workers.values()) or bool(self._restarts)

    def tick(self, now: float) -> list[Worker]:
        """Return the workers that have died, and start others for their devices."""
        dead = []
        for worker in list(self.workers.values()):
            # Asked of one that was given up too, which would else stay a zombie.
            ended = worker.process.poll() is not None
            if ended and worker.state != "unusable":
                log.error("%s ended with code %s", worker.name, worker.process.returncode)
                dead.append(worker)
                self._bury(worker, now)
        due = [restart for restart in self._restarts if restart[0] <= now]
        self._restarts = [restart for restart in self._restarts if restart[0] > now]
        for _, device in due:
            self.start(device)
        return dead

    def _bury(self, worker: Worker, now: float) -> None:
        if worker.process.stdin is not None:
            worker.process.stdin.close()
        came_up = worker.state != "starting"
        if came_up:
            del self.workers[worker.name]
            if now - worker.up_at >= _LONG_LIFE_SECONDS:
                self._short_lives.pop(worker.device, None)
            self._restart(worker.device, now, 0)
            return
        failures = self._failed_starts.get(worker.device, 0) + 1
        self._failed_starts[worker.device] = failures
        if failures >= MAX_FAILED_STARTS:
            self.give_up(worker.name, f"its process ended {failures} times while it started")
            return
        del self.workers[worker.name]
        self._restarts.append((now + failures, worker.device))

    def _restart(self, device: str, now: float, least: float) -> None:
        """Start a worker after `least` seconds or more: at once the first time, then ever later."""
        lives = self._short_lives.get(device, 0)
        self._short_lives[device] = lives + 1
        pause = min(2.0 ** (lives - 1), _LONGEST_PAUSE_SECONDS) if lives else 0.0
        self._restarts.append((now + max(pause, least), device))

    def stop(self) -> None:
        """End all workers and wait for them."""
        for worker in self.workers.values():
            if worker.process.stdin is not None:
                worker.process.stdin.close()
            if worker.process.poll() is None:
                worker.process.terminate()
        end = time.monotonic() + _STOP_SECONDS
        for worker in self.workers.values():
            try:
                worker.process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()


def _copy_log(name: str, process: subprocess.Popen) -> None:
    """Write what a worker says, tracebacks too, into the daemon's log."""
    assert process.stderr is not None
    copy_lines(logging.getLogger(f"s2i_backend.{name}"), process.stderr)


def copy_lines(target: logging.Logger, lines: Iterable[bytes]) -> None:
    """Log each line at the level it begins with.

    A line without one belongs to the record before it, as those of a traceback do, or comes from
    a library or a crash, which must not be missed: it has at least the level WARNING.
    """
    level = logging.WARNING
    for line in lines:
        text = line.decode(errors="replace").rstrip()
        if found := _LOG_LINE.match(text):
            level = logging.getLevelName(found[1])
            target.log(level, "%s", text)
        else:
            level = max(level, logging.WARNING)
            target.log(level, "%s", text)
