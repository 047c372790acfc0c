"""Finding the daemon from the command line, and starting one when none runs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from s2i_backend.child_environment import child_environment
from s2i_client.blocking import BlockingClient
from s2i_client.connection_file import make_private_folder, read_connection, runtime_folder
from s2i_client.errors import DaemonUnavailable

IDLE_SECONDS = 60  # a daemon that `run` started waits so long for the next one
START_SECONDS = 30
LOG_NAME = "started.log"


def connect(version: str = "") -> BlockingClient:
    """A client of the daemon that runs. Raises `DaemonUnavailable` when there is none."""
    connection = read_connection(runtime_folder())
    if connection is None:
        raise DaemonUnavailable("no_daemon", "No daemon runs.")
    try:
        return BlockingClient("cli", version)
    except DaemonUnavailable as error:
        raise DaemonUnavailable(
            "no_daemon",
            f"The daemon (process {connection.pid}) does not answer.",
            f"End process {connection.pid}, then start again with `s2i-backend serve`.",
        ) from error


def connect_or_start(devices: Sequence[str], version: str = "") -> BlockingClient:
    """A client of the daemon, which is started on `devices` when none runs.

    Raises `DaemonUnavailable` when it can not be started, or runs on other devices.
    """
    if read_connection(runtime_folder()) is None:
        start(devices)
        return connect(version)
    client = connect(version)
    there = [str(worker.get("device")) for worker in client.ready.devices]
    absent = [device for device in devices if device not in there and device != "auto"]
    if absent and "auto" not in there:  # a worker that is starting does not know its device yet
        client.close()
        raise DaemonUnavailable(
            "no_daemon",
            f"The daemon that runs uses {', '.join(there)}, not {', '.join(absent)}.",
            "Stop it with `s2i-backend stop`, or leave out --device.",
        )
    return client


def start(devices: Sequence[str], idle_seconds: float = IDLE_SECONDS) -> None:
    """Start a daemon that outlives this program, and wait until it can be found.

    Raises `DaemonUnavailable` with the end of its log when it does not come up.
    """
    folder = make_private_folder(runtime_folder()).resolve()
    command = [sys.executable, "-m", "s2i_backend", "serve", f"--idle-timeout={idle_seconds:g}"]
    # What it says until it serves is for `_tail`; the rest is in its own log.
    command += ["--started-by-run"]
    command += [f"--device={device}" for device in devices]
    log = folder / LOG_NAME
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=child_environment(),
            **_detached(),
        )
    end = time.monotonic() + START_SECONDS
    while read_connection(folder) is None:
        # The one that ends may have lost a race against another that was started just now.
        if process.poll() is not None and read_connection(folder) is None:
            raise DaemonUnavailable(
                "no_daemon",
                f"The daemon could not be started:\n{_tail(log)}",
                "Start it with `s2i-backend serve` to see more.",
            )
        if time.monotonic() > end:
            process.terminate()
            raise DaemonUnavailable(
                "no_daemon",
                f"The daemon did not come up within {START_SECONDS} s.",
                f"See {log}.",
            )
        time.sleep(0.02)


def _detached() -> dict[str, Any]:
    if sys.platform == "win32":
        # A console of its own, without a window, which its workers share: Ctrl-C and the closing
        # of this one do not reach it.
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        return {"creationflags": flags}
    return {"start_new_session": True}


def _tail(log: Path, lines: int = 5) -> str:
    text = log.read_text(encoding="utf-8", errors="replace").strip()
    return "\n".join(text.splitlines()[-lines:]) or "it wrote nothing."


def wait_for_end(pid: int, seconds: float) -> bool:
    """Whether the process is gone within `seconds`; one that only waits to be reaped is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False
