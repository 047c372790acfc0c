"""What is told of the daemon while the user works, and the button that leads on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fake_krita.application import Krita
from pytestqt.qtbot import QtBot
from studio import Studio

from s2i_client.errors import JobFailed, S2IError
from s2i_client.installation import InstallProgress
from s2i_client.installed import InstallState
from s2i_client.launch import LaunchReport, LaunchState
from s2i_krita.model.message import Message, Repair, message_of
from s2i_krita.model.notice import DaemonNotice


@pytest.fixture
def studio(krita: Krita, qtbot: QtBot) -> Iterator[Studio]:
    """A daemon that never answered."""
    made = Studio(qtbot)
    yield made
    made.close()


@pytest.fixture
def notice(studio: Studio) -> DaemonNotice:
    return DaemonNotice(studio.workspace)


def launcher_says(studio: Studio, state: LaunchState, message: str = "", fix: str = "") -> None:
    studio.launcher.report = LaunchReport(state, message, fix)
    studio.daemon.poll()


def told(notice: DaemonNotice) -> Message:
    assert notice.message is not None
    return notice.message


def test_nothing_is_told_before_a_daemon_answered_and_while_all_is_well(
    studio: Studio, notice: DaemonNotice
) -> None:
    assert notice.message is None
    launcher_says(studio, LaunchState.starting)
    assert notice.message is None
    launcher_says(studio, LaunchState.running)
    studio.connect()
    assert notice.message is None


def test_a_lost_daemon_is_told_with_a_button_until_it_is_back(
    studio: Studio, notice: DaemonNotice
) -> None:
    changes: list[None] = []
    notice.changed.connect(lambda: changes.append(None))
    studio.connect()
    studio.lose()
    assert told(notice).repair is Repair.start and "not lost" in told(notice).fix
    assert len(changes) == 1
    launcher_says(studio, LaunchState.failed, "Exit code 1.", "See the log.")
    assert (told(notice).text, told(notice).fix) == ("Exit code 1.", "See the log.")
    notice.repair(Repair.start)
    assert len(studio.launcher.starts) == 1
    assert told(notice).repair is None and not told(notice).is_error
    launcher_says(studio, LaunchState.running)
    assert "Connecting" in told(notice).text
    studio.connect()
    assert notice.message is None


def test_what_was_dismissed_is_told_again_only_after_all_was_well(
    studio: Studio, notice: DaemonNotice
) -> None:
    studio.connect()
    studio.lose()
    notice.dismiss()
    assert notice.message is None
    studio.daemon.poll()
    assert notice.message is None
    studio.connect()
    studio.lose()
    assert notice.message is not None


def test_a_backend_that_was_removed_can_be_installed_again(
    studio: Studio, notice: DaemonNotice
) -> None:
    studio.connect()
    studio.launcher.found = ""
    studio.lose()
    studio.daemon.poll()
    assert told(notice).repair is Repair.install
    notice.repair(Repair.install)
    assert len(studio.installation.asked) == 1
    studio.installation.now = InstallProgress("Downloading", 0.42, ())
    studio.daemon.poll()
    assert told(notice).text == "Installing the backend: 42 %" and not told(notice).is_error
    assert told(notice).repair is Repair.cancel
    notice.repair(Repair.cancel)
    assert studio.installation.cancelled == 1


def test_a_newer_backend_is_offered_while_the_old_one_works(
    studio: Studio, notice: DaemonNotice
) -> None:
    studio.connect()
    studio.installation.disk = InstallState.outdated
    launcher_says(studio, LaunchState.running)
    assert told(notice).repair is Repair.update and not told(notice).is_error
    notice.repair(Repair.update)
    assert len(studio.installation.asked) == 1


def test_of_a_remote_daemon_only_that_it_is_away_is_told(
    studio: Studio, notice: DaemonNotice
) -> None:
    studio.settings.set("remote_endpoint", "workstation:41207")
    studio.settings.set("remote", True)
    studio.connect()
    studio.installation.disk = InstallState.outdated
    studio.daemon.poll()
    assert notice.message is None
    studio.lose()
    assert "workstation:41207" in told(notice).text and told(notice).repair is None


def test_an_error_has_its_text_its_fix_and_the_button_there_is_for_it() -> None:
    made = message_of(JobFailed("memory", "Too large.", "Use less."))
    assert made == Message("Too large.", "Use less.")
    assert message_of(S2IError("no_daemon", "No.")).repair is Repair.start
    assert message_of(ValueError("Choose one.")) == Message("Choose one.")
    assert message_of(KeyError()).text == "KeyError"
