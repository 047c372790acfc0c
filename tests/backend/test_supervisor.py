"""Workers are started where nobody else can write, and restarted with patience."""

from __future__ import annotations

import io
import logging
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from s2i_backend import supervisor
from s2i_backend.child_environment import child_environment
from s2i_backend.supervisor import MAX_FAILED_STARTS, Supervisor


class Process:
    """A process that lives until a test says otherwise."""

    made: list[Process]

    def __init__(self, command, **options):
        self.options = options
        self.pid = len(Process.made) + 1
        self.returncode = None
        self.polls = 0
        self.stdin = io.BytesIO()
        self.stderr = io.BytesIO()
        Process.made.append(self)

    def poll(self):
        self.polls += 1
        return self.returncode

    def terminate(self):
        pass


@pytest.fixture
def clock(monkeypatch):
    time = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: time.now)
    return time


@pytest.fixture
def workers(monkeypatch, tmp_path, clock):
    Process.made = []
    monkeypatch.setattr(subprocess, "Popen", Process)
    link = SimpleNamespace(endpoint="ipc://x", environment={})
    return Supervisor(link, tmp_path, ("cpu",))  # type: ignore[arg-type]


def die(workers, *, came_up):
    (worker,) = [w for w in workers.workers.values() if w.state != "unusable"]
    if came_up:
        workers.up(worker.name, {"device": worker.device})
    worker.process.returncode = 1


def seconds_until_started(workers, clock, limit=100):
    """How long until there is one process more."""
    before, begin = len(Process.made), clock.now
    while clock.now - begin < limit:
        workers.tick(clock.now)
        if len(Process.made) > before:
            return clock.now - begin
        clock.now += 0.5
    raise AssertionError("no worker was started")


def test_a_worker_that_dies_right_after_it_came_up_is_restarted_ever_later(workers, clock):
    pauses = []
    for _ in range(8):
        die(workers, came_up=True)
        pauses.append(seconds_until_started(workers, clock))
    assert pauses == [0, 1, 2, 4, 8, 16, 30, 30]
    assert workers.usable


def test_a_worker_that_lived_long_is_restarted_at_once(workers, clock):
    for _ in range(4):
        (worker,) = workers.workers.values()
        workers.up(worker.name, {"device": "cpu"})
        clock.now += 60
        worker.process.returncode = 1
        assert seconds_until_started(workers, clock) == 0


def test_a_worker_that_never_comes_up_is_given_up(workers, clock):
    for _ in range(MAX_FAILED_STARTS - 1):
        die(workers, came_up=False)
        seconds_until_started(workers, clock)
    die(workers, came_up=False)
    workers.tick(clock.now)
    assert not workers.usable
    assert "while it started" in workers.reason


def test_a_worker_that_was_given_up_is_reaped(workers, clock):
    (worker,) = workers.workers.values()
    workers.give_up(worker.name, "no such device")
    polls = worker.process.polls
    assert workers.tick(clock.now) == []
    assert worker.process.polls > polls


def test_a_machine_that_can_make_no_process_is_asked_again(workers, clock, monkeypatch):
    tries = []

    def fail(*_, **__):
        tries.append(clock.now)
        raise BlockingIOError("no more processes")

    die(workers, came_up=True)
    monkeypatch.setattr(subprocess, "Popen", fail)
    (dead,) = workers.tick(clock.now)
    for _ in range(16):
        assert dead not in workers.tick(clock.now)
        clock.now += 0.5
    assert [tried - tries[0] for tried in tries] == [0, 1, 3, 7]
    assert workers.usable
    monkeypatch.setattr(subprocess, "Popen", Process)
    seconds_until_started(workers, clock)
    assert [w.state for w in workers.workers.values()] == ["starting"]


def test_workers_start_in_the_run_folder_with_our_folders_as_full_paths(
    workers, tmp_path, monkeypatch
):
    assert Process.made[0].options["cwd"] == tmp_path
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("S2I_RUNTIME_DIR", "run")
    monkeypatch.setenv("S2I_LOG_LEVEL", "INFO")
    environment = child_environment()
    assert Path(environment["S2I_RUNTIME_DIR"]) == Path.cwd() / "run"
    assert environment["S2I_LOG_LEVEL"] == "INFO"


def test_what_a_worker_says_is_logged_at_its_own_level(caplog):
    caplog.set_level(logging.DEBUG)
    said = [
        b"INFO s2i_backend.worker: fine\n",
        b"UserWarning: something of a library\n",
        b"ERROR s2i_backend.runner: job j: echo\n",
        b"Traceback (most recent call last):\n",
        b"INFO s2i_backend.worker: fine again\n",
        b"Fatal Python error: Segmentation fault\n",
    ]
    supervisor.copy_lines(logging.getLogger("worker-1"), said)
    assert [record.levelname for record in caplog.records] == [
        "INFO", "WARNING", "ERROR", "ERROR", "INFO", "WARNING",
    ]  # fmt: skip
