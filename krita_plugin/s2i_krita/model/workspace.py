"""All open documents and what they share: the connection, the settings, the palette."""

from __future__ import annotations

from pathlib import Path

from ..backend.connection import Connection
from ..backend.daemon import Daemon, DaemonState
from ..backend.remote import RemoteUnusable, own_public_key, remote_connection
from ..host.document import Document
from ..qt import QtCore, pyqtSignal, pyqtSlot
from .document_model import DocumentModel
from .palette import Palette
from .settings import Settings

SWEEP_MS = 500
DAEMON_OPTIONS = ("device", "memory_gigabytes")


class Workspace(QtCore.QObject):
    """The root of the model, one for each running Krita.

    `closed` carries the model of a document that was closed, before it is deleted.
    `live_changed`: live began or ended in one of them, or another one is worked on.
    `restart_wanted`: what was changed takes effect only when the daemon is restarted.
    """

    closed = pyqtSignal(object)
    live_changed = pyqtSignal()
    restart_wanted_changed = pyqtSignal()

    def __init__(
        self,
        connection: Connection,
        daemon: Daemon,
        settings: Settings,
        palette: Palette,
        parent: QtCore.QObject | None = None,
    ):
        super().__init__(parent)
        self.connection = connection
        self.daemon = daemon
        self.settings = settings
        self.palette = palette
        self.restart_wanted = False
        self._started_by_hand = False
        self._just_installed = False
        self._was_running = False
        self._models: list[DocumentModel] = []
        connection.state_changed.connect(self._connection_changed)
        daemon.changed.connect(self._daemon_changed)
        daemon.installed.connect(self._want_restart)
        daemon.installed.connect(self._start_installed)
        settings.changed.connect(self._setting_changed)
        # Krita tells that a document was closed only by its file's name, which new ones have not.
        self._sweeper = QtCore.QTimer(self)
        self._sweeper.timeout.connect(self.sweep)
        self._sweeper.start(SWEEP_MS)

    def model_of(self, document: Document | None) -> DocumentModel | None:
        """The model of a document, made when it is asked for first."""
        if document is None or not document.is_open:
            return None
        for model in self._models:
            if model.document == document:
                return model
        model = DocumentModel(document, self.connection, self.settings, self.palette, self)
        model.live.changed.connect(self.live_changed)
        self._models.append(model)
        return model

    def active_model(self) -> DocumentModel | None:
        """The model of the document that the user works on."""
        return self.model_of(Document.active())

    def set_saving(self, saving: bool) -> None:
        """A file is about to be written, or has been: no preview must be in it."""
        for model in self._models:
            model.set_saving(saving)

    def start_daemon(self, by_hand: bool = True) -> None:
        """Start the daemon as the settings want it. `by_hand`: the user asked for it."""
        # To bring back one that was lost is no habit.
        self._started_by_hand |= by_hand and not self.connection.pipelines
        self.daemon.start(*self._daemon_options)

    @property
    def offers_autostart(self) -> bool:
        """Whether to ask if the daemon should start with Krita: once, after it was started by
        hand."""
        values = self.settings.values
        settled = values.start_automatically or values.autostart_asked or values.remote
        return self._started_by_hand and not settled

    def settle_autostart(self, wanted: bool) -> None:
        """The user's answer."""
        if wanted:
            self.settings.set("start_automatically", True)
        self.settings.set("autostart_asked", True)

    @property
    def can_restart(self) -> bool:
        """Whether a daemon runs here that another could take the place of."""
        state = self.daemon.status.state
        runs = state is DaemonState.running or self.connection.is_ready
        here = not self.settings.values.remote
        return runs and here and state is not DaemonState.starting and self.daemon.can_start

    def restart_daemon(self) -> None:
        """Take another daemon, as the settings want it; it gets the jobs of the old one again."""
        if self.can_restart:
            self.connection.stop_daemon()
            self.daemon.restart(*self._daemon_options)

    @property
    def _daemon_options(self) -> tuple[list[str], str]:
        values = self.settings.values
        devices = [] if values.device == "auto" else [values.device]
        return devices, f"{values.memory_gigabytes}G" if values.memory_gigabytes else ""

    def install_backend(self) -> None:
        """Install or repair the backend, from the folder of the settings or the network."""
        values = self.settings.values
        self.daemon.install(Path(values.wheels) if values.wheels else None, values.variant)

    def remote_fault(self) -> str:
        """What is wrong with the settings of a daemon on another computer; empty when nothing is
        or none is wanted."""
        values = self.settings.values
        try:
            if values.remote:
                remote_connection(values.remote_endpoint, values.remote_key)
        except RemoteUnusable as error:
            return str(error)
        return ""

    def own_key(self) -> str:
        """This computer's public key, which the other one must know, made when it is first asked
        for. Raises `ValueError`."""
        return own_public_key()

    def sweep(self) -> None:
        """Let go of documents that were closed."""
        for model in [m for m in self._models if not m.document.is_open]:
            self._models.remove(model)
            model.close()
            self.closed.emit(model)
            model.deleteLater()

    def close(self) -> None:
        """Krita ends: cancel what runs and say goodbye."""
        self._sweeper.stop()
        for model in self._models:
            model.close()
        self.daemon.close()
        self.connection.close()

    @pyqtSlot(str)
    def _setting_changed(self, name: str) -> None:
        if name in DAEMON_OPTIONS:
            self._want_restart()

    @pyqtSlot()
    def _want_restart(self) -> None:
        if self.connection.is_ready and self.can_restart and not self.restart_wanted:
            self.restart_wanted = True
            self.connection.ask_status()  # who else uses it
            self.restart_wanted_changed.emit()

    @pyqtSlot()
    def _start_installed(self) -> None:
        """Whoever installs it wants to use it, unless one runs, as is known in a moment."""
        self._just_installed = True

    @pyqtSlot()
    def _connection_changed(self) -> None:
        if self.restart_wanted and not self.connection.is_ready:
            self.restart_wanted = False
            self.restart_wanted_changed.emit()

    @pyqtSlot()
    def _daemon_changed(self) -> None:
        state, was_running = self.daemon.status.state, self._was_running
        if state is DaemonState.installing:
            return  # beside a daemon, or without one
        self._was_running = state is DaemonState.running
        if self._was_running and not was_running and not self.connection.is_ready:
            self.connection.await_answer()
        if self._just_installed and self.daemon.status.state is not DaemonState.installing:
            self._just_installed = False
            if self.daemon.status.state is DaemonState.stopped and not self.settings.values.remote:
                self.start_daemon(by_hand=False)
