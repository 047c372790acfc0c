"""The button that restarts the daemon, and whom that concerns."""

from __future__ import annotations

from ..model.notice import restart_warning
from ..model.workspace import Workspace
from ..qt import QtCore, QtWidgets, pyqtSlot
from ..texts import _
from .compact import column, identify, make_faint, push_button, wrapped_label

ASK_MS = 2000


class RestartLine(QtWidgets.QWidget):
    """While it is seen, the daemon is asked who else uses it."""

    def __init__(self, workspace: Workspace):
        super().__init__()
        identify(self, "restart_line", _("Restart the daemon"))
        self._workspace = workspace
        self._button = push_button("restart_daemon", _("Restart the daemon"))
        self._button.clicked.connect(workspace.restart_daemon)
        self._help = wrapped_label("restart_help", _("Restart the daemon"))
        make_faint(self._help)
        layout = column(self)
        layout.addWidget(self._button, 0, QtCore.Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self._help)
        self._asking = QtCore.QTimer(self)
        self._asking.setInterval(ASK_MS)
        self._asking.timeout.connect(workspace.connection.ask_status)
        workspace.connection.status_changed.connect(self.refresh)
        workspace.connection.state_changed.connect(self.refresh)
        workspace.daemon.changed.connect(self.refresh)
        workspace.settings.changed.connect(self.refresh)
        self.refresh()

    @pyqtSlot()
    def refresh(self) -> None:
        can_restart = self._workspace.can_restart
        self._button.setEnabled(can_restart)
        runs_not = _("No daemon runs on this computer that could be restarted.")
        self._help.setText(restart_warning(self._workspace) if can_restart else runs_not)

    def showEvent(self, a0: object) -> None:  # noqa: N802 - Qt's name
        self._workspace.connection.ask_status()
        self._asking.start()

    def hideEvent(self, a0: object) -> None:  # noqa: N802 - Qt's name
        self._asking.stop()
