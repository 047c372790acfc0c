"""What is told of the daemon while the user works, and the button that leads on."""

from __future__ import annotations

import pytest
from studio import Studio

from s2i_client.errors import JobFailed, S2IError
from s2i_client.installation import InstallEnd, InstallOutcome, InstallProgress
from s2i_client.installed import InstallState
from s2i_client.launch import LaunchReport, LaunchState
from s2i_krita.backend import connection
from s2i_krita.model.message import Message, Repair, message_of
from s2i_krita.model.notice import DaemonNotice
from s2i_krita.model.settings import Values


@pytest.fixture
def studio(studio_alone: Studio) -> Studio:
    """A daemon that never answered."""
    return studio_alone


@pytest.fixture
def notice(studio: Studio) -> DaemonNotice:
    return DaemonNotice(studio.workspace)


def launcher_says(studio: Studio, state: LaunchState, message: str = "", fix: str = "") -> None:
    studio.launcher.report = LaunchReport(state, message, fix)
    studio.daemon.poll()


def use_remote(studio: Studio, key: str = "a" * 40) -> None:
    studio.settings.set("remote_endpoint", "workstation:41207")
    studio.settings.set("remote_key", key)
    studio.settings.set("remote", True)


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
    use_remote(studio)
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


# A daemon that runs and is not talked to.


def overdue(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "OVERDUE_SECONDS", 0.0)
    studio.connection.await_answer()
    studio.connection.poll()


def test_a_daemon_on_another_computer_that_stays_silent_is_asked_after_in_the_settings(
    studio: Studio, notice: DaemonNotice, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted: list[None] = []
    notice.settings_wanted.connect(lambda: wanted.append(None))
    use_remote(studio)
    studio.connect()
    studio.lose()
    assert told(notice).repair is None
    overdue(studio, monkeypatch)
    assert "workstation:41207" in told(notice).text and "key" in told(notice).fix
    assert told(notice).repair is Repair.settings
    notice.repair(Repair.settings)
    assert wanted == [None] and studio.launcher.starts == []


def test_an_address_that_is_none_is_told_at_once(studio: Studio, notice: DaemonNotice) -> None:
    studio.connect()
    studio.lose()
    use_remote(studio, key="short")
    assert "40 characters" in told(notice).fix and told(notice).repair is Repair.settings


def test_a_daemon_that_hangs_can_be_restarted(
    studio: Studio, notice: DaemonNotice, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.connect()
    studio.lose()
    monkeypatch.setattr(connection, "OVERDUE_SECONDS", 0.0)
    studio.connection.await_answer()
    monkeypatch.undo()
    # However long none was there, one that runs now gets its time to answer.
    launcher_says(studio, LaunchState.running)
    studio.connection.poll()
    assert told(notice).repair is None and not told(notice).is_error
    overdue(studio, monkeypatch)
    assert told(notice).repair is Repair.restart and told(notice).is_error
    notice.repair(Repair.restart)
    assert len(studio.launcher.restarts) == 1


@pytest.mark.parametrize(
    ("disk", "repair"),
    [(InstallState.outdated, Repair.update), (InstallState.ready, Repair.restart)],
)
def test_a_daemon_of_another_version_is_updated_or_restarted(
    studio: Studio, notice: DaemonNotice, disk: InstallState, repair: Repair
) -> None:
    studio.connect()
    studio.lose()
    studio.installation.disk = disk
    launcher_says(studio, LaunchState.running)
    studio.client.refuse("protocol_version", "The daemon speaks version 2, the host 1.")
    studio.connection.poll()
    assert "versions" in told(notice).text and told(notice).repair is repair
    use_remote(studio)
    assert "both computers" in told(notice).fix and told(notice).repair is None


def test_what_else_is_refused_is_told_with_its_fix(studio: Studio, notice: DaemonNotice) -> None:
    studio.connect()
    studio.client.refuse("malformed", "What?")
    studio.connection.poll()
    assert told(notice).text == "What?" and told(notice).fix and not told(notice).is_error
    studio.lose()
    assert told(notice).text != "What?"


# The restart.


def running(studio: Studio) -> None:
    launcher_says(studio, LaunchState.running)
    studio.connect()


@pytest.mark.parametrize(("name", "value"), [("device", "cpu"), ("memory_gigabytes", 3)])
def test_what_the_daemon_is_started_with_makes_a_restart_wanted(
    studio: Studio, notice: DaemonNotice, name: str, value: object
) -> None:
    studio.settings.set(name, value)
    assert not studio.workspace.restart_wanted, "the next start takes it"
    running(studio)
    studio.settings.set(name, getattr(Values(), name))
    assert told(notice).repair is Repair.restart and not told(notice).is_error
    studio.settings.set(name, value)
    notice.repair(Repair.restart)
    limit, devices = ("", ["cpu"]) if name == "device" else ("3G", [])
    assert studio.client.stopped
    assert studio.launcher.restarts == [{"devices": devices, "memory_limit": limit}]
    studio.lose()
    assert told(notice).text == "The daemon is starting…"
    running(studio)
    assert notice.message is None


def test_a_restart_is_wanted_after_an_update(studio: Studio, notice: DaemonNotice) -> None:
    running(studio)
    studio.installation.disk = InstallState.outdated
    studio.daemon.poll()
    notice.repair(Repair.update)
    studio.installation.now = InstallEnd(InstallOutcome.done)
    studio.installation.disk = InstallState.ready
    studio.daemon.poll()
    assert told(notice).repair is Repair.restart


def test_whoever_else_uses_the_daemon_is_named_before_it_is_restarted(
    studio: Studio, notice: DaemonNotice
) -> None:
    running(studio)
    studio.settings.set("device", "cpu")
    assert studio.client.asked_status == 1 and "used by" not in told(notice).fix
    studio.client.tell_status("krita", "blender")
    studio.connection.poll()
    assert "Blender" in told(notice).fix


def test_a_daemon_elsewhere_or_without_a_successor_is_not_ended(studio: Studio) -> None:
    running(studio)
    studio.launcher.found = ""
    studio.workspace.restart_daemon()
    studio.launcher.found = "s2i-backend"
    use_remote(studio)
    studio.settings.set("device", "cpu")
    studio.workspace.restart_daemon()
    assert not studio.workspace.restart_wanted
    assert not studio.client.stopped and studio.launcher.restarts == []


def test_start_is_offered_only_for_a_daemon_that_can_be_started_here(
    studio: Studio, notice: DaemonNotice
) -> None:
    lost = message_of(S2IError("lost", "Lost."))
    assert notice.offered(lost) is Repair.start
    use_remote(studio)
    assert notice.offered(lost) is Repair.settings
    studio.connect()
    assert notice.offered(lost) is None
    assert notice.offered(Message("x", repair=Repair.update)) is Repair.update
