"""A fault inside the broker is logged, and the broker goes on."""

import logging
from types import SimpleNamespace

import pytest
import zmq

from s2i_backend import broker as broker_module
from s2i_backend.broker import Broker
from s2i_backend.options import ServeOptions


@pytest.fixture
def broker(tmp_path, monkeypatch):
    monkeypatch.setattr(broker_module, "_RETRY_SECONDS", 0.01)
    broker = Broker(ServeOptions(run_folder=tmp_path), zmq.curve_keypair(), b"")
    yield broker
    broker.close()


def failing_at_first(broker, times):
    """A function that raises `times` times, and then asks the broker to end."""
    calls = []

    def work(*_):
        calls.append(1)
        if len(calls) <= times:
            raise BlockingIOError("no more processes")
        broker.stop_asked = True

    return work, calls


def test_a_tick_that_fails_is_logged_and_tried_again(broker, caplog):
    tick, calls = failing_at_first(broker, times=2)
    broker.dispatch = SimpleNamespace(tick=tick, has_work=False)
    with caplog.at_level(logging.ERROR):
        broker.run()
    assert len(calls) == 3
    assert [str(r.exc_info[1]) for r in caplog.records] == ["no more processes"] * 2


def test_a_question_about_a_key_that_can_not_be_answered_ends_nothing(broker, monkeypatch):
    broker.dispatch = SimpleNamespace(tick=lambda now: None, has_work=False)
    answer, calls = failing_at_first(broker, times=2)
    gate = broker._gate.socket
    monkeypatch.setattr(broker._gate, "answer", answer)
    monkeypatch.setattr(broker, "_poller", SimpleNamespace(poll=lambda _: [(gate, zmq.POLLIN)]))
    broker.run()
    assert len(calls) == 3
