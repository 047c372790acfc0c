"""Starts the worker processes, notices their death and starts them again."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from s2i_backend.link import BrokerEnd

log = logging.getLogger(__name__)
MAX_FAILED_STARTS = 3
_STOP_SECONDS = 2.0


@dataclass
class Worker:
    """A worker process. `state`: starting, idle, busy, dead or unusable."""

    name: str
    device: str
    process: subprocess.Popen
    state: str = "starting"
    info: dict[str, Any] = field(default_factory=dict)
    memory: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def pid(self) -> int:
        return self.process.pid


class Supervisor:
    """One worker for each device, for as long as the broker lives."""

    def __init__(self, link: BrokerEnd, devices: tuple[str, ...], arguments: tuple[str, ...] = ()):
        self._link = link
        self._arguments = arguments
        self._count = 0
        # Why the last worker that was given up could not be started.
        self.reason = ""
        self._failed_starts: dict[str, int] = {}
        self._restart_at: dict[str, float] = {}
        self.workers: dict[str, Worker] = {}
        for device in devices:
            self.start(device)

    def start(self, device: str) -> Worker:
        """Start a worker; it says `up` when it can be used."""
        self._count += 1
        name = f"worker-{self._count}"
        command = [
            sys.executable, "-m", "s2i_backend.worker", "--endpoint", self._link.endpoint,
            "--name", name, "--device", device, *self._arguments,
        ]  # fmt: skip
        # The worker ends when its standard input does: the broker holds the only other end, so
        # no worker outlives a broker, however that died.
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, **self._link.environment},
        )
        threading.Thread(target=_copy_log, args=(name, process), daemon=True).start()
        worker = Worker(name, device, process)
        self.workers[name] = worker
        log.info("started %s for %s, process %d", name, device, process.pid)
        return worker

    def up(self, name: str, info: dict[str, Any]) -> None:
        """A worker said that it is ready; `info` names its device and others it saw."""
        worker = self.workers[name]
        self._failed_starts.pop(worker.device, None)
        worker.device = info["device"]
        worker.info = info
        worker.state = "idle"
        served = {w.device for w in self.workers.values()}
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
        return any(w.state != "unusable" for w in self.workers.values()) or bool(self._restart_at)

    def tick(self, now: float) -> list[Worker]:
        """Return the workers that have died, and start others for their devices."""
        dead = []
        for worker in list(self.workers.values()):
            if worker.state != "unusable" and worker.process.poll() is not None:
                log.error("%s ended with code %s", worker.name, worker.process.returncode)
                dead.append(worker)
                self._bury(worker, now)
        for device, at in list(self._restart_at.items()):
            if now >= at:
                del self._restart_at[device]
                self.start(device)
        return dead

    def _bury(self, worker: Worker, now: float) -> None:
        if worker.process.stdin is not None:
            worker.process.stdin.close()
        came_up = worker.state != "starting"
        if came_up:
            del self.workers[worker.name]
            self.start(worker.device)
            return
        failures = self._failed_starts.get(worker.device, 0) + 1
        self._failed_starts[worker.device] = failures
        if failures >= MAX_FAILED_STARTS:
            self.give_up(worker.name, f"its process ended {failures} times while it started")
            return
        del self.workers[worker.name]
        self._restart_at[worker.device] = now + failures

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
    worker_log = logging.getLogger(f"s2i_backend.{name}")
    for line in process.stderr:
        worker_log.info("%s", line.decode(errors="replace").rstrip())
