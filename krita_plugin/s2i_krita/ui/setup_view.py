"""The page before any daemon has answered: start, install or repair it, each with one button."""

from __future__ import annotations

from collections.abc import Callable

from ..backend.daemon import DaemonState, DaemonStatus
from ..model.message import Message, Repair
from ..model.notice import hindrance, mend
from ..model.workspace import Workspace
from ..qt import QtCore, QtGui, QtWidgets, pyqtSlot
from ..texts import _
from .compact import Icon, column, identify, push_button, wrapped_label
from .install_log import InstallLog
from .message_bar import repair_title
from .setup_options import SetupOptions


class SetupView(QtWidgets.QWidget):
    """One headline, one sentence, one button; the rest is under More."""

    def __init__(self, workspace: Workspace, icon: Icon, open_settings: Callable[[], None]):
        super().__init__()
        identify(self, "setup_view", _("Setting up"))
        self._workspace, self._icon, self._open_settings = workspace, icon, open_settings
        self._headline = wrapped_label("setup_headline", _("State of the daemon"))
        font = self._headline.font()
        font.setBold(True)
        self._headline.setFont(font)
        self._text = wrapped_label("setup_text", _("What to do"))
        self._failure = wrapped_label("setup_failure", _("What went wrong"))
        self._failure.setTextInteractionFlags(QtCore.Qt.TextInteractionFlag.TextSelectableByMouse)
        self._main = push_button("setup_main", _("Start"))
        self._main.clicked.connect(self._main_clicked)
        self._repair = push_button("setup_repair", _("Repair"))
        self._repair.clicked.connect(self._repair_clicked)
        self._step = wrapped_label("setup_step", _("Step"))
        self._bar = identify(QtWidgets.QProgressBar(), "setup_progress", _("Progress"))
        self._log = InstallLog(workspace)
        self._more = SetupOptions(workspace, icon, open_settings)
        layout = column(self, 6)
        for widget in (
            self._headline,
            self._text,
            self._failure,
            self._step,
            self._bar,
            self._main,
            self._repair,
            self._log,
            self._more,
        ):
            layout.addWidget(widget)
        layout.addStretch()
        workspace.daemon.changed.connect(self.refresh)
        workspace.connection.state_changed.connect(self.refresh)
        workspace.settings.changed.connect(self.refresh)
        self.refresh()

    @pyqtSlot()
    def refresh(self) -> None:
        status, hindered = self._status, self._hindrance
        headline, text, button = self._words(status)
        installing = status.state is DaemonState.installing
        if hindered is not None:
            headline, failure = hindered.text, hindered.fix
        else:
            failure = "\n\n".join(filter(None, (_(status.message), _(status.fix))))
        self._headline.setText(headline)
        self._text.setText(text)
        self._failure.setText(failure)
        self._failure.setToolTip(failure)  # a long path may be wider than the docker
        self._failure.setVisible(bool(failure))
        self._text.setVisible(bool(text) and not failure and hindered is None)
        self._main.setText(button)
        self._main.setAccessibleName(button)
        self._main.setIcon(self._icon("process-stop") if installing else QtGui.QIcon())
        self._main.setVisible(bool(button))
        repair = self._offered
        self._repair.setVisible(repair is not None)
        if repair is not None:
            self._repair.setText(repair_title(repair))
            self._repair.setAccessibleName(self._repair.text())
        self._step.setText(_(status.step))
        self._step.setVisible(installing)
        self._bar.setVisible(installing or (self._is_waiting(status) and hindered is None))
        # Without a range, the bar shows that something is under way.
        self._bar.setRange(0, 100 if installing else 0)
        self._bar.setTextVisible(installing)
        self._bar.setValue(round(100 * status.fraction))
        self._log.show_lines(status.lines)
        self._more.setEnabled(not installing)

    @property
    def _status(self) -> DaemonStatus:
        """The local daemon's, which is of no interest while a remote one is looked for."""
        if self._workspace.settings.values.remote:
            return DaemonStatus(DaemonState.running)
        return self._workspace.daemon.status

    @property
    def _hindrance(self) -> Message | None:
        """Why a daemon that runs can not be talked to."""
        is_running = self._status.state is DaemonState.running
        return hindrance(self._workspace) if is_running else None

    @property
    def _offered(self) -> Repair | None:
        """What the second button does."""
        if (hindered := self._hindrance) is not None:
            return hindered.repair
        status = self._status
        is_old = status.outdated and status.state is DaemonState.stopped
        return Repair.update if is_old else None

    def _is_waiting(self, status: DaemonStatus) -> bool:
        return status.state in (DaemonState.starting, DaemonState.running)

    def _words(self, status: DaemonStatus) -> tuple[str, str, str]:
        """Headline, sentence and button of a state."""
        values = self._workspace.settings.values
        can_install = self._workspace.daemon.can_install
        match status.state:
            case DaemonState.installing:
                text = _("This takes some minutes. You can go on painting.")
                return _("Installing the backend"), text, _("Cancel")
            case DaemonState.starting:
                return _("The daemon is starting"), _("This takes some seconds."), ""
            case DaemonState.running if values.remote:
                text = _("Looking for the daemon at {address}.", address=values.remote_endpoint)
                return _("Connecting"), text, _("Use this computer instead")
            case DaemonState.running:
                return _("Connecting"), _("The daemon runs and will answer in a moment."), ""
            case DaemonState.stopped:
                text = _("s2i works in a program of its own beside Krita, the daemon. "
                         "It ends by itself some time after Krita.")  # fmt: skip
                return _("The daemon does not run"), text, _("Start")
            case DaemonState.interrupted if can_install:
                text = _("Repairing does again what is missing.")
                return _("The installation was interrupted"), text, _("Repair")
            case _ if can_install:
                text = _("s2i works in a program of its own beside Krita, with PyTorch. It needs "
                         "3 GB on the disk, or 10 GB with an NVIDIA graphics card, and changes "
                         "nothing else on this computer.")  # fmt: skip
                return _("The backend is not installed yet"), text, _("Install")
            case _:
                text = _("This plugin was built without it. Install it with “pip install s2i”, "
                         "or choose under More where it is.")  # fmt: skip
                return _("The backend is not installed yet"), text, ""

    def _main_clicked(self) -> None:
        workspace = self._workspace
        match self._status.state:
            case DaemonState.installing:
                workspace.daemon.cancel_install()
            case DaemonState.stopped:
                workspace.start_daemon()
            case DaemonState.running:
                workspace.settings.set("remote", False)
            case _:
                workspace.install_backend()

    def _repair_clicked(self) -> None:
        repair = self._offered
        if repair is Repair.settings:
            self._open_settings()
        elif repair is not None:
            mend(self._workspace, repair)
