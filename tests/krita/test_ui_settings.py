"""The settings' dialog: every value has a field that applies at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from desk import Desk, settle

from s2i_client.errors import S2IError
from s2i_client.launch import LaunchReport, LaunchState
from s2i_krita.backend import remote
from s2i_krita.model.settings import Values
from s2i_krita.qt import QtCore, QtWidgets

# Set in the docker itself.
ELSEWHERE = {"system", "folded", "autostart_asked"}
PATHS = {"wheels", "backend_command"}


@pytest.fixture
def dialog(
    desk: Desk,
) -> Iterator[QtWidgets.QWidget]:
    desk.click("more_heading")
    desk.click("open_settings")
    opened = desk.view._dialog
    assert opened is not None
    yield opened
    if desk.view._dialog is not None:
        desk.view._dialog.close()


def field(dialog: QtWidgets.QWidget, name: str) -> QtWidgets.QWidget:
    object_name = name if name in PATHS else f"setting_{name}"
    found = dialog.findChild(QtWidgets.QWidget, object_name)
    assert found is not None, f"no field sets {name}"
    return found


def change(widget: QtWidgets.QWidget) -> None:
    """Set something else than there is, as its user does."""
    if isinstance(widget, QtWidgets.QCheckBox):
        widget.click()
    elif isinstance(widget, QtWidgets.QComboBox):
        index = (widget.currentIndex() + 1) % widget.count()
        widget.setCurrentIndex(index)
        widget.activated.emit(index)  # type: ignore[attr-defined]
    elif isinstance(widget, QtWidgets.QDoubleSpinBox):
        widget.setValue(widget.value() + widget.singleStep())
    else:
        assert isinstance(widget, QtWidgets.QLineEdit)
        widget.setText("something")
        widget.editingFinished.emit()


@pytest.mark.parametrize("name", sorted({f.name for f in fields(Values)} - ELSEWHERE))
def test_every_setting_can_be_changed_and_is_kept(
    desk: Desk, dialog: QtWidgets.QWidget, name: str
) -> None:
    before = getattr(desk.settings.values, name)
    change(field(dialog, name))
    assert getattr(desk.settings.values, name) != before
    assert name in desk.kept


def test_a_setting_changed_elsewhere_is_shown(desk: Desk, dialog: QtWidgets.QWidget) -> None:
    desk.settings.set("live_grace", 333)
    desk.settings.set("device", "cuda:1")
    grace, device = field(dialog, "live_grace"), field(dialog, "device")
    assert isinstance(grace, QtWidgets.QDoubleSpinBox)
    assert isinstance(device, QtWidgets.QComboBox)
    assert grace.value() == 333
    assert device.currentText() == "cuda:1", "what somebody wrote into the file is not lost"


def test_a_wrong_address_is_told(desk: Desk, dialog: QtWidgets.QWidget) -> None:
    fault = dialog.findChild(QtWidgets.QLabel, "remote_fault")
    assert fault is not None
    assert fault.isHidden()
    desk.settings.set("remote", True)
    assert "port" in fault.text()
    desk.settings.set("remote_endpoint", "tower:41207")
    assert "40 characters" in fault.text()
    desk.settings.set("remote_key", "a" * 40)
    assert fault.isHidden()


def test_this_computers_key_is_copied(desk: Desk, dialog: QtWidgets.QWidget) -> None:
    tabs = dialog.findChild(QtWidgets.QTabWidget)
    key = dialog.findChild(QtWidgets.QLineEdit, "own_key")
    copy = dialog.findChild(QtWidgets.QAbstractButton, "copy_own_key")
    clipboard = QtWidgets.QApplication.clipboard()
    assert tabs is not None and key is not None and copy is not None and clipboard is not None
    for index in range(tabs.count()):
        tabs.setCurrentIndex(index)
    settle()
    assert len(key.text()) == 40
    copy.click()
    assert clipboard.text() == key.text()


def test_a_key_that_can_not_be_kept_says_why(
    desk: Desk, dialog: QtWidgets.QWidget, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tabs = dialog.findChild(QtWidgets.QTabWidget)
    key = dialog.findChild(QtWidgets.QLineEdit, "own_key")
    assert tabs is not None and key is not None

    def refuse(folder: Path) -> Path:
        raise S2IError("not_allowed", f"{folder} belongs to another user.")

    monkeypatch.setattr(remote, "make_private_folder", refuse)
    for index in range(tabs.count()):
        tabs.setCurrentIndex(index)
    assert key.text() == "" and "another user" in key.placeholderText()


def restart_line(dialog: QtWidgets.QWidget) -> tuple[QtWidgets.QPushButton, QtWidgets.QLabel]:
    button = dialog.findChild(QtWidgets.QPushButton, "restart_daemon")
    help_label = dialog.findChild(QtWidgets.QLabel, "restart_help")
    assert button is not None and help_label is not None
    return button, help_label


def test_the_daemon_can_be_restarted_while_one_runs(desk: Desk, dialog: QtWidgets.QWidget) -> None:
    button, help_label = restart_line(dialog)
    assert not button.isEnabled() and "No daemon runs" in help_label.text()
    desk.launcher.report = LaunchReport(LaunchState.running)
    desk.connect()
    assert button.isEnabled() and "begun anew" in help_label.text()
    button.click()
    assert desk.client.stopped and len(desk.launcher.restarts) == 1
    assert not button.isEnabled()


def test_whoever_else_uses_the_daemon_is_shown_before_it_is_restarted(
    desk: Desk, dialog: QtWidgets.QWidget
) -> None:
    desk.launcher.report = LaunchReport(LaunchState.running)
    desk.connect()
    assert desk.client.asked_status == 0
    tabs = dialog.findChild(QtWidgets.QTabWidget)
    assert tabs is not None
    for index in range(tabs.count()):
        tabs.setCurrentIndex(index)
    assert desk.client.asked_status == 1
    desk.client.tell_status("krita", "blender")
    desk.poll()
    assert "Blender" in restart_line(dialog)[1].text()


def test_the_dialog_is_opened_once_and_blocks_nothing(
    desk: Desk, dialog: QtWidgets.QDialog
) -> None:
    assert not dialog.isModal()
    desk.click("open_settings")
    assert desk.view._dialog is dialog
    dialog.close()
    settle()
    assert desk.view._dialog is None
    desk.click("open_settings")
    assert desk.view._dialog is not None


def test_all_fields_can_be_reached_and_are_named(desk: Desk, dialog: QtWidgets.QWidget) -> None:
    for name in sorted({f.name for f in fields(Values)} - ELSEWHERE):
        widget = field(dialog, name)
        assert widget.accessibleName(), name
        assert widget.focusPolicy() & QtCore.Qt.FocusPolicy.TabFocus, name
