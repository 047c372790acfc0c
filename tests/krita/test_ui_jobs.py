"""A job as its user sees it, from waiting to its end, whatever the daemon does meanwhile."""

from __future__ import annotations

import pytest
from desk import Desk, layers, picture

from s2i_client.jobs import JobState
from s2i_client.launch import LaunchReport, LaunchState
from s2i_krita.qt import QtWidgets


def label(desk: Desk) -> str:
    return desk.find("generate", QtWidgets.QPushButton).text()


def geometry(desk: Desk) -> dict[str, tuple[int, int, int, int]]:
    """Where everything is that should stay in its place."""
    names = ("generate", "live", "step", "history", "apply", "system")
    places = {}
    for name in names:
        widget = desk.find(name)
        origin = widget.mapTo(desk.view, widget.rect().topLeft())
        places[name] = (origin.x(), origin.y(), widget.width(), widget.height())
    return places


def test_from_waiting_to_the_result(desk: Desk) -> None:
    model = desk.ready()
    assert desk.text("step") == "Ready (CPU)"
    desk.click("generate")
    assert label(desk) == "Cancel"
    job = desk.submitted()
    desk.client.queue(job, 2)
    desk.poll()
    assert desk.text("step") == "Waiting, 2 before it"
    desk.client.progress(job, 0.25, "painting", picture())
    desk.poll()
    assert desk.text("step") == "Painting"
    assert desk.find("progress", QtWidgets.QProgressBar).value() == 250
    shown = desk.find("job_preview", QtWidgets.QLabel).pixmap()
    assert shown.toImage().pixelColor(5, 5).getRgb()[:3] == (200, 90, 40)
    desk.client.finish(job, *layers())
    desk.until_idle(model)
    assert label(desk) == "Generate"
    assert desk.text("step") == "Ready (CPU)"
    assert not desk.sees("progress")
    history = desk.find("history", QtWidgets.QListWidget)
    assert history.count() == 1
    assert history.currentRow() == 0
    assert len(history.selectedItems()) == 1


def test_nothing_moves_when_a_job_begins_and_ends(desk: Desk) -> None:
    model = desk.ready()
    before = geometry(desk)
    desk.click("generate")
    job = desk.submitted()
    desk.client.progress(job, 0.5, "painting", picture())
    desk.poll()
    assert geometry(desk) == before
    desk.client.finish(job, *layers())
    desk.until_idle(model)
    assert geometry(desk) == before


def test_a_message_takes_room_from_the_history_alone(desk: Desk) -> None:
    model = desk.ready()
    before = geometry(desk)
    desk.click("generate")
    desk.client.fail(desk.submitted(), "memory", "Too large.")
    desk.until_idle(model)
    after = geometry(desk)
    assert {n: p for n, p in after.items() if n != "history"} == {
        n: p for n, p in before.items() if n != "history"
    }


def test_cancel_ends_it_at_once(desk: Desk) -> None:
    model = desk.ready()
    desk.click("generate")
    job = desk.submitted()
    desk.client.progress(job, 0.5, "painting")
    desk.poll()
    desk.click("generate")
    assert job.cancel_wanted
    assert not model.is_busy
    assert label(desk) == "Generate"
    desk.poll()
    assert not desk.sees("message"), "the user knows"


def test_a_job_the_daemon_cancels_is_no_error(desk: Desk) -> None:
    model = desk.ready()
    desk.click("generate")
    desk.client.end(desk.submitted(), JobState.cancelled)
    desk.until_idle(model)
    assert not desk.sees("message")


def test_a_failure_says_what_to_do(desk: Desk) -> None:
    model = desk.ready()
    desk.click("generate")
    desk.client.fail(desk.submitted(), "memory", "The job ran out of memory twice.")
    desk.until_idle(model)
    assert desk.text("message") == "The job ran out of memory twice."
    assert desk.text("message_fix").startswith("Use a smaller canvas")
    assert desk.find("message_sign").accessibleName() == "Error"
    assert not desk.sees("repair")
    desk.click("generate")
    assert not desk.sees("message"), "the next try begins without it"


def test_a_message_can_be_dismissed(desk: Desk) -> None:
    model = desk.ready()
    desk.click("generate")
    desk.client.fail(desk.submitted(), "memory", "Too large.")
    desk.until_idle(model)
    desk.click("dismiss")
    assert not desk.sees("message_bar")
    assert model.message is None


def test_a_daemon_that_is_lost_in_the_middle_and_comes_back(desk: Desk) -> None:
    model = desk.ready()
    desk.click("generate")
    job = desk.submitted()
    desk.client.progress(job, 0.5, "painting", picture())
    desk.poll()
    desk.lose()
    assert desk.sees("main_page"), "the page stays"
    assert desk.text("message") == "The daemon has ended."
    assert desk.find("repair", QtWidgets.QPushButton).text() == "Start"
    assert not desk.sees("dismiss"), "it is the way back"
    assert label(desk) == "Cancel", "the job lives on"
    desk.click("repair")
    assert len(desk.launcher.starts) == 1
    assert desk.text("message") == "The daemon is starting…"
    assert not desk.sees("repair")
    desk.launcher.report = LaunchReport(LaunchState.idle)
    desk.poll()
    assert desk.text("message") == "The daemon has ended.", "said again"
    desk.click("repair")
    desk.launcher.report = LaunchReport(LaunchState.running)
    desk.poll()
    assert desk.text("message") == "Connecting to the daemon…"
    desk.connect()
    assert not desk.sees("message_bar")
    desk.client.finish(job, *layers())
    desk.until_idle(model)
    assert desk.find("history", QtWidgets.QListWidget).count() == 1


@pytest.mark.parametrize("moment", ["idle", "reading", "queued", "running", "result", "live"])
def test_a_disconnect_at_any_moment_leaves_a_docker_that_works(desk: Desk, moment: str) -> None:
    model = desk.ready()
    if moment == "live":
        desk.click("live")
        desk.submitted()
    elif moment != "idle":
        desk.click("generate")
    if moment in ("queued", "running", "result"):
        job = desk.submitted()
        desk.client.queue(job, 1)
        if moment != "queued":
            desk.client.progress(job, 0.5, "painting")
            desk.poll()
        if moment == "result":
            desk.client.finish(job, *layers())
    desk.lose()
    assert desk.sees("main_page")
    desk.connect()
    if moment == "live":
        assert model.live.active
        desk.click("live")
    for running in desk.client.jobs:
        desk.client.finish(running, *layers())
    if moment == "reading":
        desk.client.finish(desk.submitted(), *layers())
    desk.until_idle(model)
    before = len(model.history.entries)
    desk.result(model)
    assert len(model.history.entries) == before + 1
    assert not desk.sees("message_bar")


def test_an_update_is_offered_beside_the_work(desk: Desk) -> None:
    from s2i_client.installation import InstallProgress
    from s2i_client.installed import InstallState

    desk.ready()
    desk.launcher.report = LaunchReport(LaunchState.running)
    desk.installation.disk = InstallState.outdated
    desk.poll()
    assert desk.text("message") == "This plugin brings a newer backend."
    assert desk.find("message_sign").accessibleName() == "Hint"
    desk.click("dismiss")
    assert not desk.sees("message_bar")
    desk.poll()
    assert not desk.sees("message_bar"), "said once"
    desk.installation.disk = InstallState.ready
    desk.poll()
    desk.installation.disk = InstallState.outdated
    desk.poll()
    desk.click("repair")
    desk.installation.now = InstallProgress("Installing PyTorch", 0.3, ())
    desk.poll()
    assert desk.text("message") == "Installing the backend: 30 %"
    assert desk.find("generate").isEnabled()
    assert desk.find("repair", QtWidgets.QPushButton).text() == "Cancel"
    desk.click("repair")
    assert desk.installation.cancelled == 1


def test_live_is_switched_by_its_button(desk: Desk) -> None:
    model = desk.ready()
    desk.click("live")
    assert model.live.active
    assert desk.find("live", QtWidgets.QPushButton).isChecked()
    assert desk.text("step") == "Live: draw, and the result follows"
    desk.click("live")
    assert not model.live.active
    assert not desk.find("live", QtWidgets.QPushButton).isChecked()


def test_live_that_can_not_begin_says_why_and_stays_off(desk: Desk) -> None:
    desk.ready()
    desk.choose("source_sketch", "Everything visible")
    desk.click("live")
    assert not desk.find("live", QtWidgets.QPushButton).isChecked()
    assert desk.text("message").startswith("Live needs a sketch layer")


def test_buttons_tell_their_keys(desk: Desk) -> None:
    from s2i_krita.qt import QtCore, QtGui

    desk.ready()
    point = QtCore.QPointF(1, 1)
    bar = desk.find("generate").parentWidget()
    QtWidgets.QApplication.sendEvent(bar, QtGui.QEnterEvent(point, point, point))
    assert desk.find("generate").toolTip().endswith("(keys of s2i_generate)")
    assert desk.find("live").toolTip().endswith("(keys of s2i_live)")
