"""A job from Generate to its result: every answer, every lost connection, every cancel."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from fake_krita import testing
from fake_krita.application import Krita
from pytestqt.qtbot import QtBot
from studio import (
    BLUE,
    PAINTER,
    RED,
    SIDE,
    Studio,
    no_scratch,
    noise,
    painted,
    preview_of,
    settle,
    small_picture,
    users_layers,
)

from s2i_client.errors import JobFailed
from s2i_client.jobs import Job, JobState
from s2i_client.messages import Submit
from s2i_client.pixels import Picture
from s2i_krita.host.canvas import StrokeWatch
from s2i_krita.model import history as history_module
from s2i_krita.model.document_model import ApplyAs, DocumentModel, Progress
from s2i_krita.model.task import Task
from s2i_krita.qt import QtCore


def request_of(job: Job) -> Submit:
    assert job.request is not None
    return job.request


def picture_of(job: Job, name: str) -> Picture:
    """What was sent for an input."""
    picture = next(each for each in request_of(job).pictures if each.name == name)
    assert isinstance(picture, Picture)
    return picture


def steps(model: DocumentModel) -> list[Progress | None]:
    """What is told of the progress from now on."""
    told: list[Progress | None] = []
    model.progress_changed.connect(lambda: told.append(model.progress))
    return told


# What the daemon says.


def test_what_was_chosen_is_what_is_sent(studio: Studio) -> None:
    _, model = studio.open()
    model.set_parameter("detail", 0.75)
    model.generate()
    job = studio.submitted()
    request = request_of(job)
    assert (request.pipeline, request.lane, request.outputs) == ("painter", "batch", None)
    assert request.parameters == {"detail": 0.75, "steps": 8, "way": "calm"}
    assert request.document == model.session_name
    assert [each.name for each in request.pictures] == ["sketch"]
    assert picture_of(job, "sketch").data == noise(0)


def test_two_documents_have_different_names_for_the_daemon(studio: Studio) -> None:
    assert studio.open()[1].session_name != studio.open()[1].session_name


def test_waiting_and_running_are_told_with_step_and_preview(studio: Studio) -> None:
    _, model = studio.open()
    model.generate()
    job = studio.submitted()
    studio.client.queue(job, 3)
    studio.connection.poll()
    assert model.progress == Progress(0.0, "Waiting", 3, None)
    studio.client.progress(job, 0.4, "Coloring", small_picture())
    studio.connection.poll()
    assert model.progress is not None and model.progress.preview is not None
    assert (model.progress.fraction, model.progress.step, model.progress.place) == (
        0.4,
        "Coloring",
        0,
    )
    color = model.progress.preview.pixelColor(5, 5)
    assert (color.red(), color.green(), color.blue()) == BLUE
    assert model.is_busy


def test_other_documents_hear_nothing_of_it(studio: Studio) -> None:
    _, model = studio.open()
    _, other = studio.open()
    told = steps(other)
    model.generate()
    job = studio.submitted()
    studio.client.progress(job, 0.4)
    studio.finish(job)
    studio.until_idle(model)
    assert told == [] and not other.history.entries


def test_a_result_is_kept_selected_and_shown_and_changes_nothing(
    studio: Studio, krita: Krita
) -> None:
    raw, model = studio.open()
    before, undo = users_layers(raw), testing.undo_steps(raw)
    told = steps(model)
    studio.generate(model)
    assert [entry.pipeline for entry in model.history.entries] == ["painter"]
    assert model.selected is model.history.entries[0]
    assert told[-1] is None and model.progress is None
    preview = preview_of(raw)
    assert preview is not None
    assert preview.pixelData(0, 0, SIDE, SIDE).data() == painted()[0].data
    assert users_layers(raw) == before and testing.undo_steps(raw) == undo
    model.select(None)
    assert preview_of(raw) is None
    assert users_layers(raw) == before and testing.undo_steps(raw) == undo
    assert no_scratch(krita)


def test_the_newest_result_is_the_first(studio: Studio) -> None:
    _, model = studio.open()
    studio.generate(model, *painted(RED))
    studio.generate(model, *painted(BLUE))
    color = model.history.entries[0].thumbnail.pixelColor(50, 50)
    assert (color.red(), color.green(), color.blue()) == BLUE
    assert len(model.history.entries) == 2


def test_the_settings_bound_what_is_kept(studio: Studio) -> None:
    _, model = studio.open()
    studio.settings.set("history_megabytes", 0)
    studio.generate(model)
    studio.generate(model)
    assert len(model.history.entries) == 1


def test_generate_twice_is_one_job(studio: Studio) -> None:
    _, model = studio.open()
    model.generate()
    model.generate()
    studio.finish(studio.submitted())
    studio.until_idle(model)
    assert len(studio.client.submitted) == 1 and len(model.history.entries) == 1


@pytest.mark.parametrize("state", [JobState.cancelled, JobState.superseded])
def test_an_end_that_somebody_wanted_needs_no_message(studio: Studio, state: JobState) -> None:
    _, model = studio.open()
    model.generate()
    studio.client.end(studio.submitted(), state)
    studio.connection.poll()
    studio.until_idle(model)
    assert model.message is None and not model.history.entries and model.progress is None


def test_a_failure_says_what_and_what_to_do_and_the_next_try_clears_it(studio: Studio) -> None:
    _, model = studio.open()
    model.generate()
    error = JobFailed("invalid_request", "detail: got 2", "", {"field": "detail"})
    studio.client.end(studio.submitted(), JobState.failed, error=error)
    studio.connection.poll()
    studio.until_idle(model)
    assert model.message is not None
    assert model.message.text == "detail: got 2" and "Correct the named field" in model.message.fix
    assert model.message.is_error and not model.history.entries
    studio.generate(model)


def test_a_result_of_no_layers_is_told(studio: Studio) -> None:
    _, model = studio.open()
    model.generate()
    studio.client.finish(studio.submitted())
    studio.connection.poll()
    studio.until_idle(model)
    assert model.message is not None and "Painter found nothing" in model.message.text


# Without a daemon.


def test_before_any_daemon_answered_generate_says_so(krita: Krita, qtbot: QtBot) -> None:
    studio = Studio(qtbot)
    _, model = studio.open()
    assert model.pipeline is None and model.parameters == {} == model.live_parameters
    model.generate()
    studio.until_idle(model)
    assert model.message is not None and "Start it first" in model.message.text
    assert not studio.client.submitted
    studio.connect()
    assert model.pipeline is not None and model.pipeline.name == "painter"
    studio.generate(model)
    studio.close()


def lose_before_it_is_submitted(studio: Studio, model: DocumentModel) -> Job:
    studio.lose()
    model.generate()
    return studio.submitted()


def lose_when_it_is_submitted(studio: Studio, model: DocumentModel) -> Job:
    model.generate()
    job = studio.submitted()
    studio.lose()
    return job


def lose_while_it_runs(studio: Studio, model: DocumentModel) -> Job:
    job = lose_when_it_is_submitted(studio, model)
    studio.connect()
    studio.client.progress(job, 0.5, "Coloring")
    studio.lose()
    return job


@pytest.mark.parametrize(
    "lose", [lose_before_it_is_submitted, lose_when_it_is_submitted, lose_while_it_runs]
)
def test_a_job_goes_on_when_the_daemon_is_back(
    studio: Studio, lose: Callable[[Studio, DocumentModel], Job]
) -> None:
    raw, model = studio.open()
    before = users_layers(raw)
    job = lose(studio, model)
    assert model.is_busy and model.progress is not None and model.message is None
    settle()
    assert model.is_busy
    studio.connect()
    studio.finish(job)
    studio.until_idle(model)
    assert len(model.history.entries) == 1 and len(studio.client.submitted) == 1
    assert users_layers(raw) == before


def test_a_result_that_came_before_the_daemon_went_is_kept(studio: Studio) -> None:
    _, model = studio.open()
    model.generate()
    job = studio.submitted()
    studio.client.finish(job, *painted())
    studio.client.lose()
    studio.connection.poll()
    studio.until_idle(model)
    assert len(model.history.entries) == 1 and model.message is None


def test_a_job_that_ended_every_daemon_is_told_with_a_way_to_start_one(studio: Studio) -> None:
    _, model = studio.open()
    model.generate()
    studio.client.fail(studio.submitted(), "lost", "The daemon does not know the job.")
    studio.connection.poll()
    studio.until_idle(model)
    assert model.message is not None and model.message.repair is not None
    assert model.message.repair.value == "start"


def test_another_daemon_leaves_the_model_idle(studio: Studio) -> None:
    from scripted_client import ScriptedClient

    _, model = studio.open()
    model.generate()
    studio.submitted()
    other = ScriptedClient((PAINTER,))
    studio.connection.replace_client(other)
    studio.until_idle(model)
    assert model.message is None
    studio.client = other
    studio.connect()
    studio.generate(model)


# Moments of a job, to cancel it and to close its document at.


class Moment:
    """Brings a model to a moment of its work and holds it there until `go_on`."""

    def __init__(self, studio: Studio, monkeypatch: pytest.MonkeyPatch):
        self.studio = studio
        self.raw, self.model = studio.open()
        self._gate = threading.Event()
        self._patch = monkeypatch

    def reading(self) -> None:
        testing.keep_busy(self.raw, 1 << 30)
        self.model.generate()
        settle()

    def waiting_without_a_daemon(self) -> None:
        self.studio.lose()
        self.queued()

    def queued(self) -> None:
        self.model.generate()
        self.studio.submitted()

    def running(self) -> None:
        self.queued()
        self.studio.client.progress(self.studio.client.submitted[-1], 0.5, "Coloring")
        self.studio.connection.poll()

    def keeping(self) -> None:
        self._hold("_pack")
        self.queued()
        self.studio.finish(self.studio.client.submitted[-1])
        self._until_step("Keeping the result")

    def showing(self) -> None:
        self.studio.generate(self.model)
        self.model.select(None)
        testing.keep_busy(self.raw, 1 << 30)
        self.model.select(self.model.history.entries[0])
        settle()

    def applying(self) -> None:
        self.studio.generate(self.model)
        self.model.apply(ApplyAs.group)
        # Only now: taking the preview away has ended what was painted until then.
        testing.keep_busy(self.raw, 1 << 30)
        self._until_step("Making layers")
        settle()

    def splitting(self) -> None:
        self.studio.generate(self.model)
        self.model.apply(ApplyAs.by_color)
        self.studio.submitted(2)

    def live(self) -> None:
        self.model.live.start()
        self.studio.submitted()

    def go_on(self) -> None:
        self._gate.set()
        if self.raw.kis.is_open:
            testing.keep_busy(self.raw, 0)

    def _hold(self, name: str) -> None:
        inner = getattr(history_module, name)

        def wait(*arguments: Any) -> Any:
            self._gate.wait(10)
            return inner(*arguments)

        self._patch.setattr(history_module, name, wait)

    def _until_step(self, step: str) -> None:
        self.studio.bot.waitUntil(
            lambda: self.model.progress is not None and self.model.progress.step == step
        )


WORK: list[Callable[[Moment], None]] = [
    Moment.reading,
    Moment.waiting_without_a_daemon,
    Moment.queued,
    Moment.running,
    Moment.keeping,
    Moment.applying,
    Moment.splitting,
    Moment.live,
]
every_moment = pytest.mark.parametrize("moment", WORK, ids=lambda moment: moment.__name__)


@every_moment
def test_cancel_leaves_it_idle_at_once_and_tells_the_daemon(
    studio: Studio,
    krita: Krita,
    monkeypatch: pytest.MonkeyPatch,
    moment: Callable[[Moment], None],
) -> None:
    at = Moment(studio, monkeypatch)
    before, undo = users_layers(at.raw), testing.undo_steps(at.raw)
    moment(at)
    jobs, kept = studio.client.submitted[:], at.model.history.entries[:]
    told = steps(at.model)
    at.model.cancel()
    assert not at.model.is_busy and at.model.progress is None and not at.model.live.active
    assert all(job.ended or job.cancel_wanted for job in jobs)
    at.go_on()
    studio.connection.poll()
    studio.until_idle(at.model)
    assert [each for each in told if each is not None] == []
    assert at.model.message is None and at.model.history.entries == kept
    assert users_layers(at.raw) == before and testing.undo_steps(at.raw) == undo
    # What was looked at before is still looked at.
    assert (preview_of(at.raw) is not None) is (at.model.selected is not None)
    monkeypatch.undo()
    if not studio.connection.is_ready:
        studio.connect()
    studio.generate(at.model)
    assert len(at.model.history.entries) == len(kept) + 1
    at.model.select(None)
    assert no_scratch(krita)


@pytest.mark.parametrize("moment", [*WORK, Moment.showing], ids=lambda moment: moment.__name__)
def test_a_document_can_be_closed_at_every_moment(
    studio: Studio,
    krita: Krita,
    monkeypatch: pytest.MonkeyPatch,
    moment: Callable[[Moment], None],
) -> None:
    at = Moment(studio, monkeypatch)
    moment(at)
    jobs = studio.client.submitted[:]
    closed: list[DocumentModel] = []
    studio.workspace.closed.connect(closed.append)
    at.raw.close()
    settle()
    studio.workspace.sweep()
    assert closed == [at.model]
    assert all(job.ended or job.cancel_wanted for job in jobs)
    at.go_on()
    studio.connection.poll()
    settle()
    settle()
    assert krita.documents() == []
    assert not studio.workspace.findChildren(Task)
    _, other = studio.open()
    if not studio.connection.is_ready:
        studio.connect()
    studio.generate(other)


@every_moment
def test_krita_can_be_closed_at_every_moment(
    krita: Krita, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, moment: Callable[[Moment], None]
) -> None:
    studio = Studio(qtbot)
    studio.connect()
    at = Moment(studio, monkeypatch)
    moment(at)
    before = users_layers(at.raw)
    studio.workspace.close()
    assert studio.client.closed and all(job.ended for job in studio.client.submitted)
    at.go_on()
    settle()
    assert users_layers(at.raw) == before
    assert not [task for task in studio.workspace.findChildren(Task) if task.running]
    studio.workspace.deleteLater()
    settle()


def test_what_was_looked_at_is_shown_again_when_another_job_comes_to_nothing(
    studio: Studio,
) -> None:
    raw, model = studio.open()
    studio.generate(model)
    for end in ("cancel", "fail"):
        model.generate()
        job = studio.submitted(len(studio.client.submitted) + 1)
        assert preview_of(raw) is None
        if end == "cancel":
            model.cancel()
        else:
            studio.client.fail(job, "memory", "Too large.")
        studio.connection.poll()
        studio.until_idle(model)
        assert model.selected is model.history.entries[0]
        assert preview_of(raw) is not None


# Nothing is left behind.


def qobjects_left(studio: Studio) -> list[QtCore.QObject]:
    """All below the workspace but its own timer."""
    found = studio.workspace.findChildren(QtCore.QObject)
    return [each for each in found if each is not studio.workspace._sweeper]


def open_and_close_ten(studio: Studio) -> tuple[list[weakref.ref], list[None]]:
    """Opens documents, begins something in each, and closes them; what may be left of them.

    The second fills with one item for each model that Qt has deleted.
    """
    opened = []
    for number in range(10):
        raw, model = studio.open()
        opened.append((raw, model))
        if number % 3 == 0:
            model.live.start()
        else:
            model.generate()
        job = studio.submitted(number + 1)
        if number % 3 == 1:
            studio.finish(job)
            studio.until_idle(model)
    assert len(qobjects_left(studio)) >= 30
    gone: list[None] = []
    left = []
    for raw, model in opened:
        model.destroyed.connect(lambda: gone.append(None))
        left += map(weakref.ref, (model, model.live, model.history, model.preview))
        raw.close()
        studio.workspace.sweep()
    assert all(job.ended or job.cancel_wanted for job in studio.client.submitted)
    studio.connection.poll()
    return left, gone


def test_ten_documents_opened_and_closed_while_jobs_run_leave_no_object(
    studio: Studio, krita: Krita
) -> None:
    before = len(qobjects_left(studio))
    signals = (
        (studio.connection, studio.connection.state_changed),
        (studio.connection, studio.connection.job_changed),
        (studio.palette, studio.palette.changed),
        (studio.settings, studio.settings.changed),
    )
    listening = [sender.receivers(signal) for sender, signal in signals]
    left, gone = open_and_close_ten(studio)
    settle()
    assert len(gone) == 10
    assert len(qobjects_left(studio)) == before
    assert [sender.receivers(signal) for sender, signal in signals] == listening
    assert not krita.windows()[0].qwindow().findChildren(StrokeWatch)
    settle()
    assert krita.documents() == [] and studio.client.jobs == []
    gc.collect()
    assert [ref() for ref in left if ref() is not None] == []
