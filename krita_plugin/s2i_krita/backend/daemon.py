"""The daemon's life: whether it is installed, runs, is being installed or started.

What the launcher and the installation tell is put into one state that widgets can show, each with
the one button that leads on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from s2i_client.installation import InstallEnd, InstallOutcome, InstallProgress
from s2i_client.installed import Installed, InstallState
from s2i_client.launch import LaunchReport, LaunchState

from ..qt import QtCore, pyqtSignal
from ..texts import _
from .offer import Offer, is_newer

POLL_MS = 200
INSTALL_POLL_MS = 50


class DaemonState(Enum):
    not_installed = "not_installed"
    interrupted = "interrupted"  # an installation that did not end: repair it
    installing = "installing"
    stopped = "stopped"
    starting = "starting"
    running = "running"


@dataclass(frozen=True)
class DaemonStatus:
    """`message` and `fix` tell what went wrong last, `step`, `fraction` and `lines` how an
    installation goes; `outdated`: the plugin brings a newer backend than the installed one."""

    state: DaemonState
    message: str = ""
    fix: str = ""
    step: str = ""
    fraction: float = 0.0
    lines: tuple[str, ...] = ()
    outdated: bool = False


class Launches(Protocol):
    """What is used of `s2i_client.launch.Launcher`."""

    installed: Path | None
    chosen: str

    def command(self) -> list[str] | None: ...
    def start(
        self, *, idle_seconds: float = ..., devices: Sequence[str] = ..., memory_limit: str = ...
    ) -> None: ...
    def restart(
        self, *, idle_seconds: float = ..., devices: Sequence[str] = ..., memory_limit: str = ...
    ) -> None: ...
    def poll(self) -> LaunchReport: ...


class Installs(Protocol):
    """What is used of `s2i_client.installation.Installation`."""

    @property
    def executable(self) -> Path | None: ...
    @property
    def installed(self) -> Installed | None: ...
    @property
    def log(self) -> Path: ...
    @property
    def busy(self) -> bool: ...
    def state(self, offered: str = "") -> InstallState: ...
    def install(
        self, offer: Any, wheel_folder: Path | None = None, variant: str = "auto"
    ) -> None: ...
    def tidy(self) -> None: ...
    def cancel(self) -> None: ...
    def poll(self) -> InstallProgress | InstallEnd | None: ...


class Daemon(QtCore.QObject):
    """Starts and installs the daemon; `changed` when `status` is another.

    `installed` when an installation has come to its end. What interrupted ones left behind is
    removed once no daemon runs that could be using it. `offer` is the backend that the plugin
    brings along, None when it brings none.
    """

    changed = pyqtSignal()
    installed = pyqtSignal()

    def __init__(
        self,
        launcher: Launches,
        installation: Installs,
        offer: Offer | None,
        parent: QtCore.QObject | None = None,
    ):
        super().__init__(parent)
        self._launcher = launcher
        self._installation = installation
        self._offer = offer
        self._failed: InstallEnd | None = None
        self._installing = False
        self._wanted: tuple[Any, ...] | None = None  # an installation that waits for the tidying
        self._tidied = False
        self._disk = installation.state()
        self.status = DaemonStatus(DaemonState.stopped)
        self._timer = QtCore.QTimer(self)
        self._timer.timeout.connect(self.poll)
        self._timer.start(POLL_MS)
        self.poll()

    @property
    def can_install(self) -> bool:
        return self._offer is not None

    @property
    def can_start(self) -> bool:
        return self._launcher.command() is not None

    @property
    def install_log(self) -> Path:
        return self._installation.log

    def start(self, devices: Sequence[str] = (), memory_limit: str = "") -> None:
        """Start it; `status` tells when it runs or why it does not."""
        self._failed = None
        self._launcher.installed = self._installation.executable
        self._launcher.start(devices=devices, memory_limit=memory_limit)
        self.poll()

    def restart(self, devices: Sequence[str] = (), memory_limit: str = "") -> None:
        """Start another in place of the one that runs, which was asked to end."""
        self._failed = None
        self._launcher.installed = self._installation.executable
        self._launcher.restart(devices=devices, memory_limit=memory_limit)
        self.poll()

    def choose_command(self, command: str) -> None:
        """Use a backend that the user installed, by its path or command."""
        self._launcher.chosen = command
        self.poll()

    def install(self, wheels: Path | None = None, variant: str = "auto") -> None:
        """Install or repair the backend that the plugin brings along."""
        if self._offer is not None and not self._installing:
            self._failed, self._installing = None, True
            self._wanted = (self._offer, wheels, variant)
            self._timer.setInterval(INSTALL_POLL_MS)
            self.poll()

    def cancel_install(self) -> None:
        """Stop installing. What was installed before still works."""
        if self._wanted is None:
            self._installation.cancel()
        else:
            self._wanted, self._installing = None, False
        self.poll()

    def poll(self) -> None:
        """Look how it stands; called by the timer."""
        status = self._installing_status() if self._installing else None
        if status is None:
            status = self._running_status()
        if status != self.status:
            self.status = status
            self.changed.emit()

    def close(self) -> None:
        """Krita ends: the daemon lives on for other hosts, an installation here is given up."""
        self._timer.stop()
        if self._installing or self._installation.busy:
            self._installation.cancel()

    def _installing_status(self) -> DaemonStatus | None:
        """None when the installation has ended."""
        if self._wanted is not None and self._installation.busy:
            self._installation.poll()
            return DaemonStatus(DaemonState.installing, step=_("Removing old files"))
        if self._wanted is not None:
            self._installation.install(*self._wanted)
            self._wanted = None
        now = self._installation.poll()
        if isinstance(now, InstallProgress):
            return DaemonStatus(
                DaemonState.installing, step=now.step, fraction=now.fraction, lines=now.lines
            )
        self._installing = False
        self._timer.setInterval(POLL_MS)
        if now is not None and now.outcome is InstallOutcome.failed:
            self._failed = now
        if now is not None and now.outcome is InstallOutcome.done:
            self._tidied = False
            self.installed.emit()
        return None

    def _tidy(self, report: LaunchReport) -> None:
        """Once, and not while a daemon runs from what may be removed."""
        if not self._tidied and report.state in (LaunchState.idle, LaunchState.failed):
            self._tidied = True
            self._installation.tidy()
        if self._installation.busy:
            self._installation.poll()

    def _offers_newer(self) -> bool:
        """Not when a newer add-on of another host has installed its own."""
        there = self._installation.installed
        offer = self._offer
        return offer is not None and there is not None and is_newer(offer.version, there.version)

    def _running_status(self) -> DaemonStatus:
        self._launcher.installed = self._installation.executable
        report = self._launcher.poll()
        self._tidy(report)
        # Tidying holds the lock that an installation holds too, and changes nothing of this.
        if not self._installation.busy:
            self._disk = self._installation.state(self._offer.version if self._offer else "")
        outdated = self._disk is InstallState.outdated and self._offers_newer()
        match report.state:
            case LaunchState.running:
                return DaemonStatus(DaemonState.running, outdated=outdated)
            case LaunchState.starting:
                return DaemonStatus(DaemonState.starting, lines=report.lines)
            case _ if self._failed is not None:
                end, command = self._failed, self._launcher.command()
                state = DaemonState.stopped if command else DaemonState.not_installed
                return DaemonStatus(state, end.message, end.fix, lines=end.lines)
            case _ if self._launcher.command() is not None:
                return DaemonStatus(
                    DaemonState.stopped,
                    report.message,
                    report.fix,
                    lines=report.lines,
                    outdated=outdated,
                )
            case _ if self._disk is InstallState.interrupted:
                return DaemonStatus(DaemonState.interrupted)
            case _:
                return DaemonStatus(DaemonState.not_installed)
