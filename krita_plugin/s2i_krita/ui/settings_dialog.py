"""The settings of the plugin; each applies at once."""

from __future__ import annotations

from ..model.workspace import Workspace
from ..qt import QtCore, QtWidgets, pyqtSlot
from ..texts import _, languages
from .apply_bar import placements, ways
from .compact import Icon, column, identify, make_faint, tool_button, wrapped_label
from .restart_line import RestartLine
from .setting_fields import CheckSetting, ChoiceSetting, NumberSetting, PathSetting, TextSetting

WIDTH = 460


class SettingsDialog(QtWidgets.QDialog):
    """Groups of settings in tabs, each with a line that says what it does."""

    def __init__(self, workspace: Workspace, icon: Icon, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        identify(self, "settings_dialog", _("Settings of s2i"))
        self.setWindowTitle(_("Settings of s2i"))
        self._workspace, self._settings, self._icon = workspace, workspace.settings, icon
        self._tabs = identify(QtWidgets.QTabWidget(), "settings_tabs", _("Settings of s2i"))
        self._add_results()
        self._add_live()
        self._add_daemon()
        self._add_remote()
        self._add_language()
        kinds = QtWidgets.QDialogButtonBox.StandardButton
        buttons = QtWidgets.QDialogButtonBox(kinds.Close)
        buttons.rejected.connect(self.close)
        close = buttons.button(kinds.Close)
        if close is not None:
            identify(close, "close_settings", _("Close"))
            close.setText(_("Close"))
        layout = column(self, 8)
        layout.addWidget(self._tabs)
        layout.addWidget(buttons)
        self.resize(WIDTH, self.sizeHint().height())
        self._settings.changed.connect(self.refresh)
        self.refresh()

    @pyqtSlot()
    def refresh(self) -> None:
        """Say whether the remote daemon can be reached with what was typed."""
        fault = self._workspace.remote_fault()
        self._remote_fault.setText(fault)
        self._remote_fault.setVisible(bool(fault))

    def _page(self, name: str, title: str) -> QtWidgets.QVBoxLayout:
        page = identify(QtWidgets.QWidget(), f"{name}_settings", title)
        layout = column(page, 8)
        layout.setSpacing(8)
        self._tabs.addTab(page, title)
        return layout

    def _add_results(self) -> None:
        settings, page = self._settings, self._page("results", _("Results"))
        for widget in (
            CheckSetting(
                settings,
                "preview",
                _("Show a result over the canvas before it is applied"),
                _("The preview is a locked layer that is neither saved nor in the undo history."),
            ),
            ChoiceSetting(
                settings,
                "apply_as",
                _("Apply as"),
                _("What becomes of a result when it is applied."),
                {way.value: text for way, (text, _tip) in ways().items()},
            ),
            ChoiceSetting(
                settings,
                "placement",
                _("Placement"),
                _("Where new layers are put."),
                {place.name: text for place, text in placements().items()},
            ),
            CheckSetting(
                settings,
                "only_selection",
                _("Only in the selection"),
                _("Leave out what is not selected when it is applied."),
            ),
            NumberSetting(
                settings,
                "context",
                _("Around a selection"),
                _("How much of what lies around a selection is looked at, in parts of its longer "
                  "side. A hand is easier to color when the arm is seen."),
                (0, 2),
                " ×",
            ),
            NumberSetting(
                settings,
                "history_megabytes",
                _("Results kept"),
                _("So much of results is kept in a document and saved with it; the oldest go "
                  "first."),
                (1, 4096),
                " MB",
            ),
        ):  # fmt: skip
            page.addWidget(widget)
        page.addStretch()

    def _add_live(self) -> None:
        page = self._page("live", _("Live"))
        page.addWidget(
            NumberSetting(
                self._settings,
                "live_grace",
                _("Wait after a stroke"),
                _("Live begins to work so long after a stroke ended. Longer is calmer when you "
                  "draw many short strokes."),
                (0, 2000),
                " ms",
            )
        )  # fmt: skip
        page.addStretch()

    def _add_daemon(self) -> None:
        settings, page = self._settings, self._page("daemon", _("Daemon"))
        restart = _("Takes effect when the daemon is started again.")
        for widget in (
            ChoiceSetting(
                settings,
                "device",
                _("Works on"),
                _("Automatic takes a graphics card where one can be used.") + " " + restart,
                {"auto": _("Automatic"), "cpu": _("CPU"), "cuda": _("NVIDIA graphics card")},
            ),
            NumberSetting(
                settings,
                "memory_gigabytes",
                _("Memory limit"),
                _("Memory for loaded systems on each device; those not used for longest go first.")
                + f" {restart}",
                (0, 1024),
                " GB",
                _("Half of it"),
            ),
            RestartLine(self._workspace),
            CheckSetting(
                settings,
                "start_automatically",
                _("Start it with Krita"),
                _("Otherwise it is started by the button in the docker."),
            ),
            PathSetting(
                settings,
                "backend_command",
                _("Own backend"),
                _("Path of an s2i-backend that you installed yourself. It is used when the plugin "
                  "installed none."),
                self._icon("folder"),
            ),
            ChoiceSetting(
                settings,
                "variant",
                _("Build"),
                _("Which build of PyTorch is installed. Automatic takes the NVIDIA build when "
                  "there is such a graphics card."),
                {"auto": _("Automatic"), "cpu": _("CPU"), "cuda": _("NVIDIA graphics card")},
            ),
            PathSetting(
                settings,
                "wheels",
                _("Folder of wheels"),
                _("Install from this folder of *.whl files, without a network."),
                self._icon("folder"),
                folder=True,
            ),
        ):  # fmt: skip
            page.addWidget(widget)
        page.addStretch()

    def _add_remote(self) -> None:
        settings, page = self._settings, self._page("remote", _("Another computer"))
        page.addWidget(
            CheckSetting(
                settings,
                "remote",
                _("Use a daemon on another computer"),
                _("Start it there with “s2i-backend serve --remote ADDRESS”."),
            )
        )
        page.addWidget(
            TextSetting(settings, "remote_endpoint", _("Address"), _("Such as workstation:41207."))
        )
        page.addWidget(
            TextSetting(
                settings,
                "remote_key",
                _("Its key"),
                _("The 40 characters of “server_key” in the file connection.json there."),
            )
        )
        self._remote_fault = wrapped_label("remote_fault", _("What went wrong"))
        page.addWidget(self._remote_fault)
        page.addWidget(OwnKey(self._workspace, self._icon))
        page.addStretch()

    def _add_language(self) -> None:
        page = self._page("language", _("Language"))
        names = {"": _("As Krita")}
        for code in languages():
            names[code] = QtCore.QLocale(code).nativeLanguageName().capitalize() or code
        page.addWidget(
            ChoiceSetting(
                self._settings,
                "language",
                _("Language"),
                _("The names in the menu follow when Krita is started again."),
                names,
            )
        )
        page.addStretch()


class OwnKey(QtWidgets.QWidget):
    """This computer's public key, to be copied to the other one. Made when it is first shown."""

    def __init__(self, workspace: Workspace, icon: Icon):
        super().__init__()
        self._workspace = workspace
        self._key = identify(QtWidgets.QLineEdit(), "own_key", _("This computer's key"))
        self._key.setReadOnly(True)
        copy = tool_button("copy_own_key", _("Copy"), icon("edit-copy"))
        copy.clicked.connect(self._copy)
        line = QtWidgets.QHBoxLayout()
        line.addWidget(QtWidgets.QLabel(_("This computer's key")))
        line.addWidget(self._key, 1)
        line.addWidget(copy)
        help_label = wrapped_label("own_key_help", _("This computer's key"))
        help_label.setText(
            _(
                "Put it into a file in the folder “authorized_clients” of the other computer's "
                "daemon; then that knows you."
            )
        )
        make_faint(help_label)
        layout = column(self)
        layout.addLayout(line)
        layout.addWidget(help_label)

    def showEvent(self, a0: object) -> None:  # noqa: N802 - Qt's name
        if not self._key.text():
            try:
                self._key.setText(self._workspace.own_key())
                self._key.setCursorPosition(0)
            except ValueError as error:
                self._key.setPlaceholderText(str(error))
                self._key.setToolTip(str(error))

    def _copy(self) -> None:
        clipboard = QtWidgets.QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self._key.text())
