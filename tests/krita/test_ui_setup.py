"""The docker before a daemon has answered: each state, each with the button that leads on."""

from __future__ import annotations

import pytest
from desk import Desk

from s2i_client.installation import InstallEnd, InstallOutcome, InstallProgress
from s2i_client.installed import InstallState
from s2i_client.launch import LaunchReport, LaunchState
from s2i_krita.backend import connection
from s2i_krita.qt import QtCore, QtWidgets


def test_a_stopped_daemon_is_started_as_the_settings_say(desk: Desk) -> None:
    desk.settings.set("device", "cpu")
    desk.settings.set("memory_gigabytes", 3)
    assert desk.text("setup_headline") == "The daemon does not run"
    desk.click("setup_main")
    assert desk.launcher.starts == [{"devices": ["cpu"], "memory_limit": "3G"}]
    assert desk.text("setup_headline") == "The daemon is starting"
    assert not desk.sees("setup_main")
    assert desk.sees("setup_progress")
    desk.launcher.report = LaunchReport(LaunchState.running)
    desk.poll()
    assert desk.text("setup_headline") == "Connecting"
    desk.connect()
    assert desk.sees("empty_page")


def test_a_start_that_failed_says_why_and_can_be_tried_again(desk: Desk) -> None:
    desk.click("setup_main")
    desk.launcher.report = LaunchReport(
        LaunchState.failed, "It crashed.", "Install it again.", ("last words",)
    )
    desk.poll()
    assert desk.text("setup_failure") == "It crashed.\n\nInstall it again."
    assert desk.find("log_lines", QtWidgets.QPlainTextEdit).toPlainText() == "last words"
    desk.click("setup_main")
    assert len(desk.launcher.starts) == 2


def test_installing_shows_step_and_log_and_can_be_cancelled(desk: Desk) -> None:
    desk.launcher.found = ""
    desk.poll()
    assert desk.text("setup_headline") == "The backend is not installed yet"
    desk.click("setup_main")
    assert desk.installation.asked[0]["variant"] == "auto"
    desk.installation.now = InstallProgress("Installing PyTorch", 0.42, ("one", "two"))
    desk.poll()
    assert desk.text("setup_step") == "Installing PyTorch"
    assert desk.find("setup_progress", QtWidgets.QProgressBar).value() == 42
    assert not desk.sees("log_lines")
    desk.click("log_heading")
    assert desk.find("log_lines", QtWidgets.QPlainTextEdit).toPlainText() == "one\ntwo"
    assert str(desk.installation.log) in desk.text("log_file")
    assert desk.find("setup_main", QtWidgets.QPushButton).text() == "Cancel"
    desk.click("setup_main")
    assert desk.installation.cancelled == 1
    assert desk.text("setup_headline") == "The backend is not installed yet"


def test_an_installation_that_failed_says_what_to_do(desk: Desk) -> None:
    desk.launcher.found = ""
    desk.poll()
    desk.click("setup_main")
    desk.installation.now = InstallEnd(
        InstallOutcome.failed, "The disk is full.", "Make room.", ("error",)
    )
    desk.poll()
    assert desk.text("setup_failure") == "The disk is full.\n\nMake room."
    assert desk.find("setup_main", QtWidgets.QPushButton).text() == "Install"


def test_an_interrupted_installation_is_repaired(desk: Desk) -> None:
    desk.launcher.found = ""
    desk.installation.disk = InstallState.interrupted
    desk.poll()
    assert desk.text("setup_headline") == "The installation was interrupted"
    assert desk.find("setup_main", QtWidgets.QPushButton).text() == "Repair"
    desk.click("setup_main")
    assert len(desk.installation.asked) == 1


def test_an_old_backend_can_be_updated_or_started(desk: Desk) -> None:
    assert not desk.sees("setup_repair")
    desk.installation.disk = InstallState.outdated
    desk.poll()
    assert desk.find("setup_main", QtWidgets.QPushButton).text() == "Start"
    desk.click("setup_repair")
    assert len(desk.installation.asked) == 1


def test_more_has_variant_wheels_and_an_own_backend(desk: Desk) -> None:
    desk.launcher.found = ""
    desk.poll()
    assert not desk.sees("variant")
    desk.click("more_heading")
    desk.choose("variant", "CPU")
    wheels = desk.find("wheels", QtWidgets.QLineEdit)
    wheels.setText("/some/wheels")
    wheels.editingFinished.emit()
    own = desk.find("backend_command", QtWidgets.QLineEdit)
    own.setText(" /opt/s2i-backend ")
    own.editingFinished.emit()
    assert desk.settings.values.backend_command == "/opt/s2i-backend"
    desk.click("setup_main")
    assert desk.installation.asked[0]["variant"] == "cpu"
    assert str(desk.installation.asked[0]["wheels"]) == "/some/wheels"


def test_a_folder_is_chosen_in_a_dialog_that_blocks_nothing(desk: Desk) -> None:
    desk.click("more_heading")
    desk.click("wheels_browse")
    dialog = desk.find("wheels_dialog", QtWidgets.QFileDialog)
    dialog.fileSelected.emit("/chosen")
    assert desk.settings.values.wheels == "/chosen"
    dialog.close()


def test_a_plugin_without_a_backend_says_how_to_get_one(desk: Desk) -> None:
    desk.launcher.found = ""
    desk.daemon._offer = None
    desk.poll()
    desk.daemon.changed.emit()
    assert "pip install s2i" in desk.text("setup_text")
    assert not desk.sees("setup_main")


def use_remote(desk: Desk) -> None:
    desk.settings.set("remote_endpoint", "tower:41207")
    desk.settings.set("remote_key", "a" * 40)
    desk.settings.set("remote", True)


def test_a_remote_daemon_that_stays_silent_leads_to_the_settings(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_remote(desk)
    assert not desk.sees("setup_repair") and desk.sees("setup_progress")
    monkeypatch.setattr(connection, "OVERDUE_SECONDS", 0.0)
    desk.connection.await_answer()
    desk.poll()
    assert "tower:41207" in desk.text("setup_headline")
    assert "address" in desk.text("setup_failure") and not desk.sees("setup_progress")
    assert desk.find("setup_main", QtWidgets.QPushButton).text() == "Use this computer instead"
    desk.click("setup_repair")
    assert desk.view._dialog is not None
    desk.view._dialog.close()


def test_a_daemon_of_another_version_is_updated_and_then_restarted(desk: Desk) -> None:
    desk.installation.disk = InstallState.outdated
    desk.launcher.report = LaunchReport(LaunchState.running)
    desk.poll()
    desk.client.refuse("protocol_version", "The daemon speaks version 2, the host 1.")
    desk.poll()
    button = desk.find("setup_repair", QtWidgets.QPushButton)
    assert "versions" in desk.text("setup_headline") and button.text() == "Update"
    button.click()
    assert len(desk.installation.asked) == 1
    assert desk.text("setup_headline") == "Installing the backend"
    desk.installation.now = InstallEnd(InstallOutcome.done)
    desk.installation.disk = InstallState.ready
    desk.poll()
    assert button.text() == "Restart"
    button.click()
    assert len(desk.launcher.restarts) == 1
    assert desk.text("setup_headline") == "The daemon is starting"


def test_a_remote_daemon_is_looked_for_until_the_user_takes_this_computer(desk: Desk) -> None:
    use_remote(desk)
    assert desk.text("setup_headline") == "Connecting"
    assert "tower:41207" in desk.text("setup_text")
    desk.click("setup_main")
    assert not desk.settings.values.remote
    assert desk.text("setup_headline") == "The daemon does not run"


@pytest.mark.parametrize("state", [InstallState.absent, InstallState.interrupted])
def test_the_page_can_be_used_with_the_keyboard_alone(desk: Desk, state: InstallState) -> None:
    desk.launcher.found = ""
    desk.installation.disk = state
    desk.poll()
    policy = QtCore.Qt.FocusPolicy.TabFocus
    for name in ("setup_main", "more_heading"):
        widget = desk.find(name)
        assert widget.focusPolicy() & policy == policy
