"""What there is to say of the daemon while the user works, and what can be done about it."""

from __future__ import annotations

from ..backend.daemon import DaemonState
from ..qt import QtCore, pyqtSignal, pyqtSlot
from ..texts import _
from .message import Message, Repair
from .workspace import Workspace


class DaemonNotice(QtCore.QObject):
    """`message` of the daemon that was lost, starts, is being installed or is out of date.

    None when all is well, and before any daemon answered. `changed` when it is another.
    """

    changed = pyqtSignal()

    def __init__(self, workspace: Workspace, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self._workspace = workspace
        self._dismissed = False
        self._found: Message | None = None
        workspace.connection.state_changed.connect(self.refresh)
        workspace.daemon.changed.connect(self.refresh)
        workspace.settings.changed.connect(self.refresh)
        self.refresh()

    @property
    def message(self) -> Message | None:
        return None if self._dismissed else self._found

    def dismiss(self) -> None:
        """Be silent until there is something else to say."""
        self._dismissed = True
        self.changed.emit()

    def repair(self, repair: Repair) -> None:
        """Do what a message's button says."""
        if repair is Repair.start:
            self._workspace.start_daemon()
        elif repair is Repair.cancel:
            self._workspace.daemon.cancel_install()
        else:
            self._workspace.install_backend()

    @pyqtSlot()
    def refresh(self) -> None:
        found = self._find()
        if found != self._found:
            self._found, self._dismissed = found, False
            self.changed.emit()

    def _find(self) -> Message | None:
        connection, daemon = self._workspace.connection, self._workspace.daemon
        status, values = daemon.status, self._workspace.settings.values
        if not connection.pipelines:
            return None
        if status.state is DaemonState.installing:
            text = _("Installing the backend: {percent} %", percent=round(100 * status.fraction))
            return Message(text, _(status.step), Repair.cancel, is_error=False)
        if connection.is_ready:
            return self._outdated() if status.outdated and not values.remote else None
        if values.remote:
            text = _("The daemon at {address} does not answer.", address=values.remote_endpoint)
            return Message(text, _("It is looked for all the time; what was asked goes on then."))
        match status.state:
            case DaemonState.starting:
                return Message(_("The daemon is starting…"), is_error=False)
            case DaemonState.running:
                return Message(_("Connecting to the daemon…"), is_error=False)
            case DaemonState.stopped:
                text = _(status.message) or _("The daemon has ended.")
                fix = _(status.fix) or _("Start it again. What you asked for is not lost.")
                return Message(text, fix, Repair.start)
            case _:
                text = _(status.message) or _("The backend is not installed any more.")
                fix = _(status.fix) or _("Install it again.")
                return Message(text, fix, Repair.install if daemon.can_install else None)

    def _outdated(self) -> Message | None:
        if not self._workspace.daemon.can_install:
            return None
        return Message(
            _("This plugin brings a newer backend."),
            _("You can go on working while it is updated."),
            Repair.update,
            is_error=False,
        )
