"""Long work runs in slices between the window's events, and ends in exactly one way."""

from __future__ import annotations

import time
import weakref
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from s2i_krita.model import task as task_module
from s2i_krita.model.task import Task, Work
from s2i_krita.qt import QtCore


@pytest.fixture(autouse=True)
def slices(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices that end at their first `yield`, so that what is between them can be counted."""
    monkeypatch.setattr(task_module, "SLICE_SECONDS", 0.0)


def ended(task: Task) -> list[Task]:
    """Where the task is put when it tells that it has ended."""
    told: list[Task] = []
    task.finished.connect(told.append)
    return told


def test_what_the_work_returns_is_there_once_when_it_is_finished(qtbot: QtBot) -> None:
    def work() -> Work:
        yield
        return 7

    task = Task(work())
    told = ended(task)
    assert task.running
    qtbot.waitUntil(lambda: bool(told))
    assert told == [task]
    assert (task.value, task.error, task.running) == (7, None, False)


def test_nothing_of_the_work_runs_before_the_event_loop_has_its_turn(qtbot: QtBot) -> None:
    begun: list[bool] = []

    def work() -> Work:
        begun.append(True)
        yield

    task = Task(work())
    assert task.running and not begun


def test_events_come_between_two_slices(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_module, "SLICE_SECONDS", 0.001)
    ticks = [0]
    timer = QtCore.QTimer()
    timer.timeout.connect(lambda: ticks.__setitem__(0, ticks[0] + 1))
    timer.start(0)
    seen: list[int] = []

    def work() -> Work:
        for _ in range(4):
            end = time.monotonic() + 0.002
            while time.monotonic() < end:
                pass
            yield
            seen.append(ticks[0])

    task = Task(work())
    told = ended(task)
    qtbot.waitUntil(lambda: bool(told))
    assert seen[-1] > seen[0]


def test_a_slice_goes_on_while_there_is_time(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_module, "SLICE_SECONDS", 60.0)
    ticks: list[None] = []
    timer = QtCore.QTimer()
    timer.timeout.connect(lambda: ticks.append(None))
    timer.start(0)
    steps: list[int] = []

    def work() -> Work:
        before = len(ticks)
        for _ in range(1000):
            yield
        steps.append(len(ticks) - before)

    task = Task(work())
    told = ended(task)
    qtbot.waitUntil(lambda: bool(told))
    assert steps == [0] and ticks


def test_a_pause_lasts_at_least_so_long(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_module, "SLICE_SECONDS", 60.0)
    times: list[float] = []

    def work() -> Work:
        times.append(time.monotonic())
        yield 0.02
        times.append(time.monotonic())

    task = Task(work())
    told = ended(task)
    qtbot.waitUntil(lambda: bool(told))
    assert times[1] - times[0] >= 0.015  # Qt's coarse timers may be 5 % early


def test_an_error_is_kept_and_told(qtbot: QtBot) -> None:
    error = OSError("the disk is full")

    def work() -> Work:
        yield
        raise error

    task = Task(work())
    told = ended(task)
    qtbot.waitUntil(lambda: bool(told))
    assert task.error is error and task.value is None and not task.running


def test_cancel_runs_finally_at_once_and_tells_nothing(qtbot: QtBot) -> None:
    steps: list[str] = []

    def work() -> Work:
        try:
            while True:
                steps.append("step")
                yield
        finally:
            steps.append("closed")

    task = Task(work())
    told = ended(task)
    qtbot.waitUntil(lambda: len(steps) > 2)
    task.cancel()
    assert steps[-1] == "closed" and not task.running
    after = len(steps)
    task.cancel()
    qtbot.wait(5)
    assert len(steps) == after and told == []


def test_cancel_before_the_first_slice_runs_nothing(qtbot: QtBot) -> None:
    steps: list[str] = []

    def work() -> Work:
        steps.append("step")
        yield

    task = Task(work())
    told = ended(task)
    task.cancel()
    qtbot.wait(5)
    assert steps == [] and told == []


def test_work_that_cancels_its_own_task_stops_at_its_next_yield(qtbot: QtBot) -> None:
    steps: list[str] = []
    tasks: list[Task] = []

    def work() -> Work:
        try:
            tasks[0].cancel()
            steps.append("goes on")
            yield
            steps.append("never")
        finally:
            steps.append("closed")

    task = Task(work())
    tasks.append(task)
    told = ended(task)
    qtbot.waitUntil(lambda: "closed" in steps)
    qtbot.wait(5)
    assert steps == ["goes on", "closed"] and told == []


@pytest.mark.parametrize("cancelled", [False, True])
def test_an_ended_task_leaves_its_parent(qtbot: QtBot, cancelled: bool) -> None:
    parent = QtCore.QObject()
    gone: list[Any] = []

    def work() -> Work:
        yield

    task = Task(work(), parent)
    task.destroyed.connect(gone.append)
    left = weakref.ref(task)
    if cancelled:
        task.cancel()
    del task
    qtbot.waitUntil(lambda: bool(gone))
    assert parent.children() == [] and left() is None
