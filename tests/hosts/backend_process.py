"""The real `s2i-backend serve`, in a process and folders of a test's own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from processes import end, launch

from s2i_client.blocking import BlockingClient
from s2i_client.connection_file import Connection, read_connection

_PATIENCE = 60.0  # seconds; only a hang takes so long, on however busy a machine


def backend_environment(folder: Path) -> dict[str, str]:
    """Variables with which the backend, and whoever looks for it, stay within `folder`."""
    return {
        "S2I_RUNTIME_DIR": str(folder / "run"),
        "S2I_MODELS_DIR": str(folder / "models"),
        "S2I_DATA_DIR": str(folder / "data"),
    }


class BackendProcess:
    """A daemon in `folder`, started at once; `start` it again after `kill` or `stop`."""

    def __init__(self, folder: Path, *options: str):
        self.folder = folder
        self._options = options
        self.start()

    def start(self) -> None:
        """Start it and wait until hosts can find it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        of_user = {
            name: str(self.folder / name.lower())
            for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
        }
        with (self.folder / "serve.log").open("ab") as log:
            self.process = launch(
                [sys.executable, "-m", "s2i_backend", "serve", "--device=cpu", *self._options],
                env={**os.environ, **of_user, **backend_environment(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.connection = self._wait_until_found()

    def client(self, name: str = "test") -> BlockingClient:
        """A client of this daemon, besides the one in the host."""
        return BlockingClient(name, folder=self.folder / "run", timeout=_PATIENCE)

    def kill(self) -> None:
        """End it at once, as a crash does; its workers see that and end by themselves."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End it as a service manager would; its exit code."""
        return end(self.process)

    def _wait_until_found(self) -> Connection:
        finish = time.monotonic() + _PATIENCE
        while time.monotonic() < finish:
            connection = read_connection(self.folder / "run")
            if connection is not None and connection.pid == self.process.pid:
                return connection
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        end(self.process)
        said = (self.folder / "serve.log").read_text(errors="replace")
        raise RuntimeError(f"The daemon did not come up:\n{said}")
