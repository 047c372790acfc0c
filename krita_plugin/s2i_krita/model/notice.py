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
    `settings_wanted`: a button asks for the settings to be opened.
    """

    changed = pyqtSignal()
    settings_wanted = pyqtSignal()

    def __init__(self, workspace: Workspace, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self._workspace = workspace
        self._dismissed = False
        self._found: Message | None = None
        workspace.connection.state_changed.connect(self.refresh)
        workspace.connection.status_changed.connect(self.refresh)
        workspace.daemon.changed.connect(self.refresh)
        workspace.restart_wanted_changed.connect(self.refresh)
        workspace.settings.changed.connect(self.refresh)
        self.refresh()

    @property
    def message(self) -> Message | None:
        return None if self._dismissed else self._found

    def dismiss(self) -> None:
        """Be silent until there is something else to say."""
        self._dismissed = True
        if self._found is not None and self._found.repair is Repair.autostart:
            self._workspace.settle_autostart(False)
        self.changed.emit()

    def offered(self, message: Message) -> Repair | None:
        """The repair of any message, as it is now: a daemon elsewhere can not be started here."""
        if message.repair is not Repair.start:
            return message.repair
        if self._workspace.connection.is_ready:
            return None
        return Repair.settings if self._workspace.settings.values.remote else Repair.start

    def repair(self, repair: Repair) -> None:
        """Do what a message's button says."""
        if repair is Repair.settings:
            self.settings_wanted.emit()
        else:
            mend(self._workspace, repair)

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
            return self._while_all_is_well()
        if values.remote:
            text = _("The daemon at {address} does not answer.", address=values.remote_endpoint)
            fix = _("It is looked for all the time; what was asked goes on then.")
            return hindrance(self._workspace) or Message(text, fix)
        match status.state:
            case DaemonState.starting:
                return Message(_("The daemon is starting…"), is_error=False)
            case DaemonState.running:
                text = _("Connecting to the daemon…")
                return hindrance(self._workspace) or Message(text, is_error=False)
            case DaemonState.stopped:
                text = _(status.message) or _("The daemon has ended.")
                fix = _(status.fix) or _("Start it again. What you asked for is not lost.")
                return Message(text, fix, Repair.start)
            case _:
                text = _(status.message) or _("The backend is not installed any more.")
                fix = _(status.fix) or _("Install it again.")
                return Message(text, fix, Repair.install if daemon.can_install else None)

    def _while_all_is_well(self) -> Message | None:
        workspace = self._workspace
        remote, refusal = workspace.settings.values.remote, workspace.connection.refusal
        if workspace.daemon.status.outdated and workspace.daemon.can_install and not remote:
            text = _("This plugin brings a newer backend.")
            fix = _("You can go on working while it is updated.")
            return Message(text, fix, Repair.update, is_error=False)
        if workspace.restart_wanted:
            text = _("Restart the daemon to use what was changed.")
            return Message(text, restart_warning(workspace), Repair.restart, is_error=False)
        if refusal is not None:
            return Message(_(refusal.message), _(refusal.fix), is_error=False)
        if workspace.offers_autostart:
            text = _("The daemon can start with Krita from now on.")
            fix = _("The settings can change that at any time.")
            return Message(text, fix, Repair.autostart, is_error=False)
        return None


def hindrance(workspace: Workspace) -> Message | None:
    """Why there is no talking to a daemon that should run; None while it may still answer."""
    connection, values = workspace.connection, workspace.settings.values
    if fault := workspace.remote_fault():
        text = _("The daemon on the other computer can not be reached.")
        return Message(text, fault, Repair.settings)
    if connection.refusal is not None and connection.refusal.code == "protocol_version":
        return _other_version(workspace)
    if connection.refusal is not None:
        return Message(_(connection.refusal.message), _(connection.refusal.fix))
    if not connection.is_overdue:
        return None
    if values.remote:
        text = _("The daemon at {address} does not answer.", address=values.remote_endpoint)
        fix = _("Does it run there? Are the address and its key right? Does it know the key of "
                "this computer, which the settings show?")  # fmt: skip
        return Message(text, fix, Repair.settings)
    fix = _("Restart it. What you asked for is not lost.")
    return Message(_("The daemon runs, but does not answer."), fix, Repair.restart)


def _other_version(workspace: Workspace) -> Message:
    text = _("The daemon and this plugin are of versions that do not fit together.")
    if workspace.settings.values.remote:
        return Message(text, _("Install the same version of s2i on both computers."))
    if workspace.daemon.status.outdated and workspace.daemon.can_install:
        return Message(text, _("This plugin brings a backend that fits."), Repair.update)
    fix = _("Restart the daemon. If that does not help, install the newest version of the plugin.")
    return Message(text, fix, Repair.restart if workspace.can_restart else None)


def restart_warning(workspace: Workspace) -> str:
    """What a restart does to whom."""
    hosts = ", ".join(workspace.connection.other_hosts)
    if not hosts:
        return _("What it is working on is begun anew.")
    return _("What it is working on is begun anew. It is also used by: {hosts}.", hosts=hosts)


def mend(workspace: Workspace, repair: Repair) -> None:
    """Do what a button says that needs no window."""
    match repair:
        case Repair.start:
            workspace.start_daemon()
        case Repair.restart:
            workspace.restart_daemon()
        case Repair.cancel:
            workspace.daemon.cancel_install()
        case Repair.autostart:
            workspace.settle_autostart(True)
        case _:
            workspace.install_backend()
