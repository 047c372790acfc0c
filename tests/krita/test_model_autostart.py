"""Who installed the daemon, or started it by hand, need not do so each day."""

from __future__ import annotations

import pytest
from studio import Studio

from s2i_client.installation import InstallEnd, InstallOutcome
from s2i_client.launch import LaunchReport, LaunchState
from s2i_krita.model.message import Repair
from s2i_krita.model.notice import DaemonNotice
from s2i_krita.model.settings import Settings


@pytest.fixture
def studio(studio_alone: Studio) -> Studio:
    """A daemon that never answered."""
    return studio_alone


@pytest.fixture
def notice(studio: Studio) -> DaemonNotice:
    return DaemonNotice(studio.workspace)


def install(studio: Studio, outcome: InstallOutcome) -> None:
    """Install, to this end."""
    studio.workspace.install_backend()
    studio.daemon.poll()
    studio.installation.now = InstallEnd(outcome, "", "", ())
    studio.daemon.poll()


def start(studio: Studio) -> None:
    """Start it by hand, until it answers."""
    studio.workspace.start_daemon()
    studio.launcher.report = LaunchReport(LaunchState.running)
    studio.daemon.poll()
    studio.connect()


def offer(notice: DaemonNotice) -> Repair | None:
    return None if notice.message is None else notice.message.repair


def test_a_daemon_that_was_installed_starts_at_once(studio: Studio) -> None:
    install(studio, InstallOutcome.failed)
    assert studio.launcher.starts == []
    install(studio, InstallOutcome.done)
    assert len(studio.launcher.starts) == 1


def test_one_that_runs_or_is_elsewhere_is_not_started_after_an_update(studio: Studio) -> None:
    studio.launcher.report = LaunchReport(LaunchState.running)
    install(studio, InstallOutcome.done)
    studio.launcher.report = LaunchReport(LaunchState.idle)
    studio.daemon.poll()
    studio.settings.set("remote", True)
    install(studio, InstallOutcome.done)
    assert studio.launcher.starts == []


def test_after_a_start_by_hand_it_offers_to_start_with_krita(
    studio: Studio, notice: DaemonNotice
) -> None:
    start(studio)
    assert offer(notice) is Repair.autostart
    assert notice.message is not None and not notice.message.is_error
    notice.repair(Repair.autostart)
    assert notice.message is None
    again = Settings(studio.kept.get, studio.kept.__setitem__).values
    assert again.start_automatically


def test_who_does_not_want_that_is_not_asked_again(studio: Studio, notice: DaemonNotice) -> None:
    start(studio)
    notice.dismiss()
    assert notice.message is None
    again = Settings(studio.kept.get, studio.kept.__setitem__).values
    assert again.autostart_asked and not again.start_automatically
    next_day = Studio(studio.bot, studio.kept)
    start(next_day)
    assert DaemonNotice(next_day.workspace).message is None
    next_day.close()


def test_other_starts_are_no_reason_to_ask(studio: Studio, notice: DaemonNotice) -> None:
    install(studio, InstallOutcome.done)
    studio.launcher.report = LaunchReport(LaunchState.running)
    studio.daemon.poll()
    studio.connect()
    assert notice.message is None, "it was started by the plugin"
    studio.lose()
    start(studio)
    assert notice.message is None, "it was lost"


def test_it_is_asked_of_this_computer_s_daemon_if_it_does_not_yet(
    studio: Studio, notice: DaemonNotice
) -> None:
    studio.settings.set("remote", True)
    start(studio)
    assert offer(notice) is not Repair.autostart
    studio.settings.set("remote", False)
    assert offer(notice) is Repair.autostart
    studio.settings.set("start_automatically", True)
    assert notice.message is None, "it does so already"
