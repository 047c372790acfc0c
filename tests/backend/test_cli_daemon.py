"""Serve, status and stop; and a command line that starts fast."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import zmq
from click.testing import CliRunner

from s2i_backend import daemon_process
from s2i_backend.broker import Broker
from s2i_backend.cli import main
from s2i_backend.options import ServeOptions
from s2i_client.connection_file import read_connection
from s2i_client.errors import DaemonUnavailable, S2IError

COMMAND = [sys.executable, "-m", "s2i_backend"]


@pytest.fixture(autouse=True)
def runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "run"
    monkeypatch.setenv("S2I_RUNTIME_DIR", str(folder))
    return folder


def call(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, result.output


def test_a_daemon_is_served_described_and_stopped(runtime_folder: Path) -> None:
    assert call("status")[0] == 1
    assert call("status", "--json") == (1, '{"running": false}\n')
    assert call("stop") == (0, "No daemon runs.\n")
    serving = subprocess.Popen([*COMMAND, "serve", "--device", "cpu"], stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 20
        while read_connection(runtime_folder) is None and time.monotonic() < end:
            time.sleep(0.02)
        code, output = call("status")
        assert code == 0
        assert f"process {serving.pid}" in output
        assert "cpu" in output
        plain = json.loads(call("status", "--json")[1])
        assert plain["running"] is True
        assert plain["pid"] == serving.pid
        assert plain["queue"]["running"] == 0
        code, output = call("stop")
        assert (code, output) == (0, f"Stopped the daemon (process {serving.pid}).\n")
        assert serving.wait(timeout=10) == 0
        assert not (runtime_folder / "connection.json").exists()
    finally:
        if serving.poll() is None:
            serving.kill()
            serving.wait()


def test_a_started_daemon_outlives_its_starter_and_ends_when_idle(runtime_folder: Path) -> None:
    starter = "from s2i_backend.daemon_process import start; start(['cpu'], idle_seconds=0.5)"
    subprocess.run([sys.executable, "-c", starter], check=True, timeout=60)
    connection = read_connection(runtime_folder)
    assert connection is not None
    if sys.platform != "win32":
        # A session of its own: Ctrl-C and the end of a terminal do not reach it.
        assert os.getsid(connection.pid) == connection.pid
    assert daemon_process.wait_for_end(connection.pid, seconds=20)
    assert read_connection(runtime_folder) is None


def test_a_daemon_that_can_not_start_says_why(
    runtime_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime_folder.mkdir()
    monkeypatch.setattr(sys, "executable", str(runtime_folder / "broken"))
    (runtime_folder / "broken").write_text("#!/bin/sh\necho the disk is full >&2\nexit 1\n")
    (runtime_folder / "broken").chmod(0o755)
    with pytest.raises(DaemonUnavailable, match="the disk is full"):
        daemon_process.start(["cpu"])


def test_modules_in_the_users_folder_are_not_run_by_the_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime_folder: Path
) -> None:
    (tmp_path / "zmq.py").write_text("raise SystemExit('the wrong module')")
    monkeypatch.chdir(tmp_path)
    daemon_process.start(["cpu"], idle_seconds=0.5)
    connection = read_connection(runtime_folder)
    assert connection is not None
    assert daemon_process.wait_for_end(connection.pid, seconds=20)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["serve", "--device", "gpu"], "allowed is auto, cpu"),
        (["serve", "--memory-limit", "much"], "512M"),
        (["serve", "--idle-timeout", "0"], "--idle-timeout"),
        (["serve", "--port", "70000"], "--port"),
    ],
)
def test_wrong_options_of_serve_say_what_is_allowed(arguments: list[str], named: str) -> None:
    code, output = call(*arguments)
    assert code == 2
    assert named in output


def test_a_port_in_use_is_named_with_what_is_allowed(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(S2IError, match=f"--port {port} can not be used.* 1024 to 65535"):
            Broker(ServeOptions(port=port, run_folder=tmp_path), zmq.curve_keypair(), b"")


def test_an_address_that_is_not_ours_is_named_with_what_is_allowed(tmp_path: Path) -> None:
    options = ServeOptions(remote="192.0.2.1", run_folder=tmp_path, config=tmp_path)
    with pytest.raises(S2IError, match=r"--remote 192\.0\.2\.1 can not be used.* 0\.0\.0\.0"):
        Broker(options, zmq.curve_keypair(), b"")


def test_serve_ends_with_a_plain_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(options: object) -> int:
        raise S2IError("not_allowed", "--port 80 can not be used.", "Take another.")

    monkeypatch.setattr("s2i_backend.serve.serve", refuse)
    assert call("serve") == (1, "Error: --port 80 can not be used. Take another.\n")


def test_a_started_daemon_writes_its_log_once(runtime_folder: Path) -> None:
    daemon_process.start(["cpu"], idle_seconds=0.5)
    connection = read_connection(runtime_folder)
    assert connection is not None
    assert daemon_process.wait_for_end(connection.pid, seconds=20)
    said = (runtime_folder / daemon_process.LOG_NAME).read_text()
    assert "serving at" in said
    assert "started worker" not in said
    assert "ended" not in said


def test_sizes_are_read_in_powers_of_1024() -> None:
    from s2i_backend.commands.daemon import ByteSize

    texts = ["512", "1K", "512M", "4G", "1.5GiB", "2 gb"]
    sizes = [512, 1024, 512 << 20, 4 << 30, 3 << 29, 2 << 30]
    assert [ByteSize().convert(text, None, None) for text in texts] == sizes


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["models", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from s2i_backend.cli import main\n"
        f"main({arguments!r}, standalone_mode=False)\n"
        "heavy = {'torch', 'numpy', 'cv2', 'zmq', 'rich', 'PIL', 'scipy'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage:" in done.stdout
