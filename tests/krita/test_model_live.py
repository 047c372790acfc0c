"""Live follows the strokes: one job at a time, none without a change, and it leaves no trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fake_krita import Document as KritaDocument
from fake_krita import testing
from fake_krita.application import Krita
from fake_krita.testing import layer_names
from pytestqt.qtbot import QtBot
from studio import (
    BLUE,
    RED,
    SIDE,
    Studio,
    no_scratch,
    noise,
    painted,
    preview_of,
    settle,
    users_layers,
)

from s2i_client.jobs import Job, JobState
from s2i_client.pixels import Picture
from s2i_krita.host.canvas import StrokeWatch
from s2i_krita.host.document import Document
from s2i_krita.host.layer import Layer
from s2i_krita.host.results import Placement
from s2i_krita.model import live as live_module
from s2i_krita.model.document_model import ApplyAs, DocumentModel
from s2i_krita.model.sources import Source, SourceKind, from_layer
from s2i_krita.qt import QtCore

FLATS = painted()[0]
LEFT = QtCore.Qt.MouseButton.LeftButton


class Clock:
    """The time as live sees it; it goes when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Session:
    """A document with live going on in it; the first job is under way."""

    def __init__(self, studio: Studio):
        self.studio = studio
        self.raw, self.model = studio.open()
        self.before, self.undo = users_layers(self.raw), testing.undo_steps(self.raw)
        self.live = self.model.live
        self.live.start()
        self.first = studio.submitted()

    @property
    def canvas(self) -> object:
        [view] = [v for v in self.raw.kis.application.views() if v.document() == self.raw]
        return view.canvas_widget

    def press(self) -> None:
        self.studio.bot.mousePress(self.canvas, LEFT)

    def release(self) -> None:
        self.studio.bot.mouseRelease(self.canvas, LEFT)

    def stroke(self, seed: int) -> None:
        """Draw something else."""
        self.press()
        self.change(seed)
        self.release()

    def change(self, seed: int) -> None:
        """As undo or a script does it: without a sign."""
        named(self.raw, "lines").node.setPixelData(noise(seed), 0, 0, SIDE, SIDE)

    def finish(self, job: Job, color: tuple[int, int, int] = RED, **timing: float) -> None:
        """Let a job end, and wait until its preview is there."""
        with self.studio.bot.waitSignal(self.live.shown):
            self.studio.finish(job, painted(color)[0], **timing)

    def look_around(self) -> None:
        """Time enough for many looks at the layers."""
        self.studio.bot.wait(40)

    @property
    def count(self) -> int:
        return len(self.studio.client.submitted)


def named(raw: KritaDocument, name: str) -> Layer:
    return next(layer for layer in Document(raw).layers() if layer.name == name)


def sketch_of(job: Job) -> bytes:
    assert job.request is not None
    picture = next(each for each in job.request.pictures if each.name == "sketch")
    assert isinstance(picture, Picture)
    return bytes(picture.data)


@pytest.fixture
def studio(krita: Krita, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """A daemon that answers, and looks that come fast."""
    monkeypatch.setattr(live_module, "LEAST_LOOK_SECONDS", 0.002)
    monkeypatch.setattr(live_module, "LOOK_SHARE", 0)
    monkeypatch.setattr(live_module, "TICK_SECONDS", 0.001)
    made = Studio(qtbot)
    made.settings.set("live_grace", 0)
    made.connect()
    yield made
    made.close()


@pytest.fixture
def session(studio: Studio) -> Session:
    return Session(studio)


# What is sent, and when.


def test_a_live_job_asks_for_one_layer_as_fast_as_it_can_be_had(session: Session) -> None:
    request = session.first.request
    assert request is not None
    assert (request.lane, request.outputs, request.document) == (
        "live",
        ("flats",),
        session.model.session_name,
    )
    assert request.parameters == {"detail": 0.5, "steps": 2, "way": "calm"}
    assert sketch_of(session.first) == noise(0)


def test_nothing_is_sent_while_nothing_changed(session: Session) -> None:
    session.finish(session.first)
    session.look_around()
    session.press()
    session.release()
    session.look_around()
    assert session.count == 1


def test_a_stroke_leads_to_a_job(session: Session) -> None:
    session.finish(session.first)
    session.stroke(5)
    assert sketch_of(session.studio.submitted(2)) == noise(5)


def test_a_change_without_a_stroke_is_seen_too(session: Session) -> None:
    session.finish(session.first)
    session.change(6)
    assert sketch_of(session.studio.submitted(2)) == noise(6)


def test_strokes_during_a_job_lead_to_exactly_one_more(session: Session) -> None:
    for seed in (5, 6, 7):
        session.stroke(seed)
        session.look_around()
    assert session.count == 1
    session.finish(session.first)
    second = session.studio.submitted(2)
    assert sketch_of(second) == noise(7)
    session.finish(second)
    session.look_around()
    assert session.count == 2


def test_what_was_set_otherwise_leads_to_a_job(session: Session) -> None:
    session.finish(session.first)
    session.model.set_parameter("steps", 30)
    second = session.studio.submitted(2)
    assert second.request is not None and second.request.parameters["steps"] == 30
    session.finish(second)
    testing.select(session.raw, 1, 1, 4, 4)
    session.finish(session.studio.submitted(3))
    session.model.set_source("sketch", from_layer(named(session.raw, "other")))
    assert sketch_of(session.studio.submitted(4)) == noise(1)


def test_a_stroke_has_a_grace(
    studio: Studio, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(live_module, "time", clock)
    monkeypatch.setattr(live_module, "LEAST_LOOK_SECONDS", 10_000.0)
    studio.settings.set("live_grace", 40)
    session.finish(session.first)
    session.stroke(5)
    clock.now += 0.039
    session.look_around()
    assert session.count == 1
    # Another stroke begins within it: the grace begins anew when that ends.
    session.stroke(6)
    clock.now += 0.039
    session.look_around()
    assert session.count == 1
    clock.now += 0.002
    assert sketch_of(studio.submitted(2)) == noise(6)


def test_nothing_is_sent_while_a_stroke_is_being_painted(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(live_module, "time", clock)
    session.finish(session.first)
    session.press()
    session.change(5)
    for _ in range(3):
        clock.now += 0.5
        session.look_around()
    assert session.count == 1
    session.release()
    session.studio.submitted(2)


# What is shown.


def test_the_result_is_shown_and_never_known_to_undo(session: Session, krita: Krita) -> None:
    session.finish(session.first, RED)
    session.stroke(5)
    session.finish(session.studio.submitted(2), BLUE)
    preview = preview_of(session.raw)
    assert preview is not None
    data = preview.pixelData(0, 0, SIDE, SIDE).data()
    assert data == painted(BLUE)[0].data
    session.change(0)
    assert users_layers(session.raw) == session.before
    assert testing.undo_steps(session.raw) == session.undo
    session.live.stop()
    assert preview_of(session.raw) is None and no_scratch(krita)
    assert users_layers(session.raw) == session.before
    assert testing.undo_steps(session.raw) == session.undo
    assert not session.model.history.entries


def test_it_lies_over_a_scan_and_under_lines_on_nothing(session: Session) -> None:
    session.finish(session.first)
    order = layer_names(session.raw.rootNode())
    assert order == ["Background", "lines", "s2i preview", "other"]
    named(session.raw, "lines").node.setPixelData(bytes(4 * SIDE**2), 0, 0, SIDE, SIDE)
    session.finish(session.studio.submitted(2))
    order = layer_names(session.raw.rootNode())
    assert order == ["Background", "s2i preview", "lines", "other"]


def test_only_what_is_selected_is_shown(session: Session) -> None:
    session.finish(session.first)
    testing.select(session.raw, 2, 3, 4, 5)
    session.finish(session.studio.submitted(2))
    preview = preview_of(session.raw)
    assert preview is not None and preview.bounds().getRect() == (2, 3, 4, 5)


def test_how_long_it_took_is_known_with_the_network_s_share(session: Session) -> None:
    session.finish(session.first, network=0.25, run=0.5)
    session.stroke(5)
    session.finish(session.studio.submitted(2), run=0.125)
    assert [network for _, network in session.live.latencies] == [0.25, 0.125]
    assert all(seconds > 0 for seconds, _ in session.live.latencies)


def test_a_result_that_was_looked_at_makes_room(studio: Studio) -> None:
    raw, model = studio.open()
    studio.generate(model, *painted(BLUE))
    model.live.start()
    assert preview_of(raw) is None
    job = studio.submitted(2)
    with studio.bot.waitSignal(model.live.shown):
        studio.finish(job, FLATS)
    model.select(model.history.entries[0])
    settle()
    preview = preview_of(raw)
    assert preview is not None
    assert preview.pixelData(0, 0, SIDE, SIDE).data() == FLATS.data


def test_saving_in_the_middle_takes_the_preview_away_and_live_goes_on(session: Session) -> None:
    session.finish(session.first)
    session.studio.workspace.set_saving(True)
    assert preview_of(session.raw) is None
    session.studio.workspace.set_saving(False)
    session.stroke(5)
    second = session.studio.submitted(2)
    testing.keep_busy(session.raw, 1 << 30)
    session.studio.finish(second, FLATS)
    session.look_around()  # it is about to be shown
    session.studio.workspace.set_saving(True)
    testing.keep_busy(session.raw, 0)
    session.look_around()
    assert preview_of(session.raw) is None and session.model.message is None
    session.studio.workspace.set_saving(False)
    session.studio.bot.waitUntil(lambda: preview_of(session.raw) is not None)


def test_a_stroke_whose_end_was_not_seen_does_not_stop_the_looking(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.finish(session.first)
    session.press()
    session.change(5)
    session.look_around()
    assert session.count == 1  # it is being painted
    monkeypatch.setattr(live_module, "LONGEST_STROKE_SECONDS", 0.02)
    session.studio.submitted(2)


# How it ends.


def escape(session: Session) -> None:
    session.studio.bot.keyClick(session.canvas, QtCore.Qt.Key.Key_Escape)


ENDS: list[Callable[[Session], None]] = [
    lambda session: session.live.stop(),
    lambda session: session.live.toggle(),
    lambda session: session.model.cancel(),
    escape,
]
every_end = pytest.mark.parametrize("end", ENDS, ids=["stop", "toggle", "cancel", "escape"])


@every_end
def test_its_end_cancels_what_runs_and_takes_the_preview_away(
    session: Session, end: Callable[[Session], None]
) -> None:
    session.finish(session.first)
    session.stroke(5)
    second = session.studio.submitted(2)
    assert session.live.active and not second.cancel_wanted
    told: list[bool] = []
    session.live.changed.connect(lambda: told.append(session.live.active))
    end(session)
    assert told == [False] and second.cancel_wanted
    assert preview_of(session.raw) is None
    session.studio.connection.poll()
    session.stroke(6)
    session.look_around()
    assert session.count == 2 and not session.live.active
    assert testing.undo_steps(session.raw) == session.undo
    settle()
    window = session.model.document.window
    assert window is not None and not window.findChildren(StrokeWatch)


def test_it_can_begin_again(session: Session) -> None:
    session.finish(session.first)
    session.live.stop()
    session.live.toggle()
    session.live.start()
    session.finish(session.studio.submitted(2))
    assert preview_of(session.raw) is not None


def test_another_system_ends_it(session: Session) -> None:
    session.model.choose("flatter")
    assert not session.live.active and session.first.cancel_wanted


def test_generate_ends_it_and_asks_for_all(session: Session) -> None:
    session.finish(session.first)
    session.model.generate()
    assert not session.live.active and preview_of(session.raw) is None
    second = session.studio.submitted(2)
    assert second.request is not None and second.request.lane == "batch"


def test_apply_ends_it_and_makes_a_result_of_full_quality_first(session: Session) -> None:
    session.studio.client.submitted.clear()
    session.model.live.stop()
    session.studio.generate(session.model, *painted(RED))
    session.live.start()
    session.studio.submitted(2)
    session.model.apply(ApplyAs.one_layer, Placement.top)
    assert not session.live.active
    job = session.studio.submitted(3)
    assert job.request is not None and job.request.parameters["steps"] == 8
    session.studio.finish(job, *painted(BLUE))
    session.studio.until_idle(session.model)
    made = session.raw.topLevelNodes()[-1]
    assert made.pixelData(0, 0, SIDE, SIDE).data() == painted(BLUE)[0].data


def test_a_sketch_that_is_deleted_ends_it_and_says_so(session: Session) -> None:
    session.finish(session.first)
    named(session.raw, "lines").node.remove()
    session.studio.bot.waitUntil(lambda: not session.live.active)
    assert session.model.message is not None and "“lines” is gone" in session.model.message.text
    assert preview_of(session.raw) is None


def test_a_sketch_that_is_deleted_while_a_job_runs_ends_it_too(session: Session) -> None:
    named(session.raw, "lines").node.remove()
    session.studio.finish(session.first, FLATS)
    session.studio.bot.waitUntil(lambda: not session.live.active)
    assert session.model.message is not None and "layer is gone" in session.model.message.text
    assert preview_of(session.raw) is None


def test_a_document_that_is_closed_ends_it(session: Session, krita: Krita) -> None:
    session.finish(session.first)
    session.raw.close()
    session.studio.workspace.sweep()
    settle()
    settle()
    assert krita.documents() == []


def test_a_window_that_was_closed_does_no_harm(session: Session) -> None:
    window = session.model.document.window
    assert window is not None
    [watch] = window.findChildren(StrokeWatch)
    watch.setParent(None)
    watch.deleteLater()
    del watch
    settle()
    session.live.stop()
    assert not session.live.active


# When it can not begin.


def test_all_that_is_visible_can_not_be_the_sketch(studio: Studio) -> None:
    _, model = studio.open()
    model.set_source("sketch", Source(SourceKind.canvas))
    model.live.start()
    assert not model.live.active and model.message is not None
    assert "Choose a layer" in model.message.fix


def test_it_does_not_begin_while_a_result_is_made(studio: Studio) -> None:
    _, model = studio.open()
    model.generate()
    model.live.start()
    assert not model.live.active and model.is_busy


def test_a_required_input_that_is_missing_ends_it_with_a_message(studio: Studio) -> None:
    _, model = studio.open()
    model.set_enabled("sketch", False)
    model.live.start()
    studio.bot.waitUntil(lambda: not model.live.active)
    assert model.message is not None and "needs an input: Sketch" in model.message.text


# When a job goes wrong.


def message(model: DocumentModel) -> str:
    return "" if model.message is None else model.message.text


def test_a_failure_is_told_and_the_next_stroke_tries_again(session: Session) -> None:
    session.studio.client.fail(session.first, "memory", "Too large.")
    session.studio.connection.poll()
    session.studio.bot.waitUntil(lambda: message(session.model) == "Too large.")
    session.look_around()
    assert session.count == 1 and session.live.active
    session.stroke(5)
    second = session.studio.submitted(2)
    assert message(session.model) == "Too large."
    session.finish(second)
    assert session.model.message is None


def test_a_result_of_no_layers_is_told_and_live_goes_on(session: Session) -> None:
    session.studio.client.finish(session.first)
    session.studio.connection.poll()
    session.studio.bot.waitUntil(lambda: "found nothing" in message(session.model))
    session.stroke(5)
    session.finish(session.studio.submitted(2))
    assert session.live.active


@pytest.mark.parametrize("state", [JobState.cancelled, JobState.superseded])
def test_an_end_without_a_result_needs_no_message(session: Session, state: JobState) -> None:
    session.studio.client.end(session.first, state)
    session.studio.connection.poll()
    session.look_around()
    assert session.count == 1 and session.model.message is None
    session.stroke(5)
    session.finish(session.studio.submitted(2))


def test_a_job_goes_on_when_the_daemon_is_back(session: Session) -> None:
    session.studio.lose()
    session.stroke(5)
    session.look_around()
    assert session.count == 1 and session.live.active
    session.studio.connect()
    session.finish(session.first)
    assert sketch_of(session.studio.submitted(2)) == noise(5)


def test_without_a_daemon_nothing_is_sent_until_it_is_back(session: Session) -> None:
    session.finish(session.first)
    session.studio.lose()
    session.stroke(5)
    session.look_around()
    assert session.count == 1 and session.live.active and preview_of(session.raw) is not None
    session.studio.connect()
    session.finish(session.studio.submitted(2))


def test_live_waits_for_a_first_daemon(krita: Krita, qtbot: QtBot) -> None:
    studio = Studio(qtbot)
    _, model = studio.open()
    model.live.start()
    studio.bot.wait(20)
    assert model.live.active and not studio.client.submitted
    studio.connect()
    studio.submitted()
    studio.close()
