"""A daemon of a test's own, in a process and folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from s2i_backend.options import ServeOptions
from s2i_backend.serve import serve
from s2i_client.blocking import BlockingClient
from s2i_client.connection_file import Connection, read_connection
from s2i_client.pixels import Picture

PATIENCE = 60.0  # seconds; only a hang takes so long, on however busy a machine


class Daemon:
    """Started at once, with `ServeOptions` given as keywords."""

    def __init__(self, folder: Path, **options: Any):
        self.folder = folder
        self._options = options
        self.process = self.launch()
        self.connection = self.wait_until_found()

    def launch(self) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, __file__, str(self.folder), json.dumps(self._options)],
            stderr=subprocess.PIPE,
            text=True,
        )

    def restart(self) -> None:
        self.process = self.launch()
        self.connection = self.wait_until_found()

    @property
    def run_folder(self) -> Path:
        return self.folder / "run"

    def wait_until_found(self) -> Connection:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            connection = read_connection(self.run_folder)
            if connection is not None and connection.pid == self.process.pid:
                return connection
            assert self.process.poll() is None, self.process.communicate()[1]
            time.sleep(0.01)
        raise TimeoutError("the daemon did not come up")

    def client(self, name: str = "test") -> BlockingClient:
        return BlockingClient(name, folder=self.run_folder, timeout=PATIENCE)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def end(self) -> int:
        """End it as a service manager would; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
        return self.process.returncode

    def __enter__(self) -> Daemon:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


def sketch(width: int = 16, height: int = 12, **changes: Any) -> Picture:
    """A small picture of bytes that differ."""
    data = bytes(index % 251 for index in range(width * height * 4))
    return Picture(name="sketch", width=width, height=height, data=data, **changes)


def worker_pid(client: BlockingClient) -> int:
    """The process of the one worker that is up; waits for it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        up = [w["pid"] for w in client.status().workers if w["state"] in ("idle", "busy")]
        if up:
            return up[0]
        time.sleep(0.05)
    raise TimeoutError("no worker came up")


def wait_until_gone(pid: int) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return
        except psutil.NoSuchProcess:
            return
        time.sleep(0.05)
    raise AssertionError(f"process {pid} still runs")


if __name__ == "__main__":
    os.environ["S2I_LOG_LEVEL"] = "WARNING"
    place = Path(sys.argv[1])
    sys.exit(
        serve(
            ServeOptions(
                **{
                    "devices": ("cpu",),
                    "run_folder": place / "run",
                    "logs": place / "logs",
                    "config": place / "config",
                    **json.loads(sys.argv[2]),
                }
            )
        )
    )
