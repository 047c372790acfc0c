"""What is typed about another computer concerns what runs here only once that is to be used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_krita.application import Krita
from pytestqt.qtbot import QtBot
from scripted_client import ScriptedClient
from studio import Studio

from s2i_krita import extension


@pytest.fixture
def studio(
    krita: Krita, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Studio]:
    monkeypatch.setenv("S2I_RUNTIME_DIR", str(tmp_path / "run"))
    made = Studio(qtbot)
    made.settings.changed.connect(lambda name: extension._setting_changed(made.workspace, name))
    made.connect()
    yield made
    made.close()


def test_jobs_here_go_on_while_an_address_and_a_key_are_typed(studio: Studio) -> None:
    job = studio.connection.submit("painter", [], {}, document="d")
    studio.settings.set("remote_endpoint", "tower:41207")
    studio.settings.set("remote_key", "a" * 40)
    assert not studio.client.closed and not job.ended and studio.connection.is_ready
    studio.settings.set("remote", True)
    assert studio.client.closed and job.ended


def test_a_daemon_elsewhere_is_another_one_when_its_address_changes(studio: Studio) -> None:
    studio.settings.set("remote", True)
    other = ScriptedClient()
    studio.connection.replace_client(other)
    studio.settings.set("remote_endpoint", "tower:41207")
    assert other.closed
