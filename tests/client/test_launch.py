"""Starting the daemon from a host: the real one, and stand-ins that fail in every way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from s2i_client.client import Client, ClientState
from s2i_client.connection_file import read_connection
from s2i_client.jobs import Job, JobState
from s2i_client.launch import Launcher, LaunchReport, LaunchState
from s2i_client.pixels import Picture

PATIENCE = 60.0  # seconds; only a hang takes so long, on however busy a machine
SERVE = f"{sys.executable} -m s2i_backend"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The run folder; a daemon that a test left there is ended."""
    for variable in ("S2I_MODELS_DIR", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "user"))
    monkeypatch.setenv("S2I_BACKEND", SERVE)
    # What a host leaks: with these the child would not even find its standard library.
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    yield tmp_path / "run"
    connection = read_connection(tmp_path / "run")
    if connection is not None:
        os.kill(connection.pid, signal.SIGTERM)
        wait_until(lambda: gone(connection.pid))


def gone(pid: int) -> bool:
    """Whether the process has ended; one that only waits to be reaped has."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up_at, "it did not happen"
        time.sleep(0.02)


def outcome(launcher: Launcher) -> LaunchReport:
    """Poll until it is not starting any more."""
    wait_until(lambda: launcher.poll().state is not LaunchState.starting)
    return launcher.poll()


def script(tmp_path: Path, text: str) -> str:
    """A stand-in for the backend, in Python."""
    path = tmp_path / "backend.py"
    path.write_text(text)
    return f'"{sys.executable}" "{path}"'


def test_it_runs_apart_from_the_host_and_ends_after_its_last_host(folder: Path):
    launcher = Launcher(folder=folder)
    assert launcher.poll().state is LaunchState.idle
    launcher.start(idle_seconds=0.5, devices=["cpu"], memory_limit="1G")
    assert launcher.poll().state is LaunchState.starting
    assert outcome(launcher).state is LaunchState.running
    connection = read_connection(folder)
    assert connection is not None
    command = psutil.Process(connection.pid).cmdline()
    assert {"--idle-timeout=0.5", "--device=cpu", "--memory-limit=1G"} <= set(command)
    if sys.platform != "win32":
        assert os.getsid(connection.pid) == connection.pid

    client = Client("test", folder=folder)
    wait_until(lambda: bool(client.poll()) or client.state is ClientState.ready)
    assert client.ready is not None
    assert client.ready.devices[0]["name"]
    client.close()
    wait_until(lambda: launcher.poll().state is LaunchState.idle)
    assert launcher.poll().message == ""
    wait_until(lambda: gone(connection.pid))


HOST = """
import sys, time
from pathlib import Path
from s2i_client.client import Client
from s2i_client.launch import Launcher
launcher, client = Launcher(folder=Path(sys.argv[1])), Client("krita", folder=Path(sys.argv[1]))
launcher.start(idle_seconds=0.5, devices=["cpu"])
while True:
    client.poll()
    print(launcher.poll().state.name, client.state.name, flush=True)
    time.sleep(0.02)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="ends its hosts by a signal")
def test_two_hosts_at_once_share_one_daemon_that_outlives_a_killed_host(folder: Path):
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONHOME"}
    hosts = [
        subprocess.Popen(
            [sys.executable, "-c", HOST, str(folder)], stdout=subprocess.PIPE, text=True, env=clean
        )
        for _ in range(2)
    ]
    try:
        for host in hosts:
            assert host.stdout is not None
            while "running ready" not in (line := host.stdout.readline()):
                assert line, "the host ended"
                assert "failed" not in line
        connection = read_connection(folder)
        assert connection is not None
        # No signal that reaches the host and its group reaches the daemon.
        assert os.getpgid(connection.pid) not in [os.getpgid(host.pid) for host in hosts]
        hosts[0].kill()
        hosts[0].wait()
        client = Client("test", folder=folder)
        wait_until(lambda: bool(client.poll()) or client.state is ClientState.ready)
        assert client.ready is not None
        assert client.ready.pid == connection.pid
        client.close()
    finally:
        for host in hosts:
            host.kill()
            host.communicate()
    wait_until(lambda: read_connection(folder) is None)
    wait_until(lambda: gone(connection.pid))


def test_a_start_that_fails_shows_the_last_lines(folder: Path, tmp_path: Path):
    broken = script(tmp_path, "print('first'); raise SystemExit('no module named torch')")
    launcher = Launcher(chosen=broken, folder=folder, environment={"PATH": ""})
    launcher.start()
    report = outcome(launcher)

    assert report.state is LaunchState.failed
    assert "exit code 1" in report.message
    assert report.lines == ("first", "no module named torch")
    assert report.fix
    # The lines of this start, not those of the one before.
    launcher.chosen = script(tmp_path, "raise SystemExit('again')")
    launcher.start()
    assert outcome(launcher).lines == ("again",)


def test_one_that_does_not_come_up_is_ended(folder: Path, tmp_path: Path):
    sleeper = script(tmp_path, "import time; print('here', flush=True); time.sleep(600)")
    launcher = Launcher(chosen=sleeper, folder=folder, environment={"PATH": ""}, start_seconds=2.0)
    launcher.start()
    report = outcome(launcher)

    assert report.state is LaunchState.failed
    assert "within 2 s" in report.message
    assert str(folder) in report.fix
    mine = str(tmp_path / "backend.py")
    wait_until(
        lambda: not any(mine in (p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"]))
    )


def test_a_daemon_that_was_just_ending_is_followed_by_a_new_one(folder: Path, tmp_path: Path):
    # At first another daemon holds the lock, without a file any more, and then it is gone.
    seen = tmp_path / "seen"
    command = script(
        tmp_path,
        f"import pathlib, runpy, sys\nseen = pathlib.Path({str(seen)!r})\n"
        "if not seen.exists():\n    seen.touch()\n    sys.exit(3)\n"
        "runpy.run_module('s2i_backend', run_name='__main__')\n",
    )
    launcher = Launcher(chosen=command, folder=folder, environment={"PATH": ""})
    launcher.start(idle_seconds=5, devices=["cpu"])
    assert outcome(launcher).state is LaunchState.running
    assert seen.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="kills by a signal")
def test_a_daemon_that_was_killed_is_noted_and_can_be_started_again(folder: Path):
    launcher = Launcher(folder=folder)
    launcher.start(idle_seconds=5, devices=["cpu"])
    assert outcome(launcher).state is LaunchState.running
    connection = read_connection(folder)
    assert connection is not None
    os.kill(connection.pid, signal.SIGKILL)

    wait_until(lambda: launcher.poll().state is LaunchState.idle)
    assert "exit code -9" in launcher.poll().message
    assert launcher.poll().fix
    launcher.start(idle_seconds=5, devices=["cpu"])
    assert outcome(launcher).state is LaunchState.running
    again = read_connection(folder)
    assert again is not None
    assert again.pid != connection.pid
    launcher.start()  # one runs, so nothing happens
    assert launcher.poll().state is LaunchState.running
    assert read_connection(folder) == again


def test_without_a_backend_it_says_so(folder: Path):
    launcher = Launcher(folder=folder, environment={"PATH": ""})
    assert launcher.command() is None
    launcher.start()
    report = launcher.poll()
    assert report.state is LaunchState.failed
    assert "not installed" in report.message
    launcher.chosen = "/nowhere/s2i-backend"
    launcher.start()
    assert "/nowhere/s2i-backend can not be started" in launcher.poll().message


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")
def test_which_backend_is_taken(tmp_path: Path):
    def program(name: str) -> Path:
        path = tmp_path / name / "s2i-backend"
        path.parent.mkdir()
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
        return path

    installed, on_path, chosen = program("installed"), program("path"), program("has blank")
    environment = {"PATH": str(on_path.parent), "S2I_BACKEND": "python -m 'the backend'"}
    launcher = Launcher(installed, str(chosen), environment=environment)
    assert launcher.command() == [str(installed)]
    launcher.installed = tmp_path / "removed"
    assert launcher.command() == ["python", "-m", "the backend"]
    del environment["S2I_BACKEND"]
    assert launcher.command() == [str(on_path)]
    environment["PATH"] = str(tmp_path)
    assert launcher.command() == [str(chosen)]


def finished(client: Client, launcher: Launcher, job: Job) -> bool:
    client.poll()
    launcher.poll()
    return job.ended


def test_a_job_in_flight_survives_a_restart(folder: Path):
    launcher = Launcher(folder=folder)
    launcher.start(idle_seconds=5, devices=["cpu"])
    assert outcome(launcher).state is LaunchState.running
    before = read_connection(folder)
    assert before is not None
    client = Client("krita", folder=folder)
    sketch = Picture(name="sketch", width=1, height=1, data=b"1234")
    job = client.submit("echo", [sketch], {"seconds": 1.0})
    wait_until(lambda: bool(client.poll()) and job.state is JobState.running)

    client.stop_daemon()
    launcher.restart(idle_seconds=4, devices=["cpu"], memory_limit="1G")
    assert launcher.poll().state is LaunchState.starting
    wait_until(lambda: finished(client, launcher, job))

    assert job.state is JobState.done and job.resubmitted
    after = read_connection(folder)
    assert after is not None and after.pid != before.pid
    command = psutil.Process(after.pid).cmdline()
    assert {"--idle-timeout=4", "--device=cpu", "--memory-limit=1G"} <= set(command)
    assert launcher.poll().state is LaunchState.running
    client.close()


def test_one_that_does_not_hear_that_it_should_end_is_ended(folder: Path):
    # It has as long again to end by the signal, on however busy a machine.
    launcher = Launcher(folder=folder, end_seconds=3)
    launcher.start(idle_seconds=30, devices=["cpu"])
    assert outcome(launcher).state is LaunchState.running
    before = read_connection(folder)
    assert before is not None
    launcher.restart(idle_seconds=5, devices=["cpu"])  # and nobody told it
    assert outcome(launcher).state is LaunchState.running
    after = read_connection(folder)
    assert after is not None and after.pid != before.pid
    wait_until(lambda: gone(before.pid))


@pytest.mark.skipif(sys.platform == "win32", reason="stops a process by a signal")
def test_one_that_can_not_be_ended_is_told(folder: Path):
    launcher = Launcher(folder=folder, end_seconds=0.2)
    launcher.start(idle_seconds=30, devices=["cpu"])
    assert outcome(launcher).state is LaunchState.running
    connection = read_connection(folder)
    assert connection is not None
    os.kill(connection.pid, signal.SIGSTOP)
    try:
        launcher.restart(idle_seconds=5, devices=["cpu"])
        reports = []
        wait_until(lambda: bool(reports.append(launcher.poll()) or reports[-1].message))
        assert reports[-1].state is LaunchState.failed and str(connection.pid) in reports[-1].fix
        assert read_connection(folder) == connection
    finally:
        os.kill(connection.pid, signal.SIGCONT)
    wait_until(lambda: gone(connection.pid))


def test_a_restart_without_a_daemon_is_a_start(folder: Path):
    launcher = Launcher(folder=folder)
    launcher.restart(idle_seconds=5, devices=["cpu"])
    assert outcome(launcher).state is LaunchState.running
