"""All open documents and what they share: the connection, the settings, the palette."""

from __future__ import annotations

from pathlib import Path

from ..backend.connection import Connection
from ..backend.daemon import Daemon
from ..host.document import Document
from ..qt import QtCore, pyqtSignal
from .document_model import DocumentModel
from .palette import Palette
from .settings import Settings

SWEEP_MS = 500


class Workspace(QtCore.QObject):
    """The root of the model, one for each running Krita.

    `closed` carries the model of a document that was closed, before it is deleted.
    """

    closed = pyqtSignal(object)

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
        self._models: list[DocumentModel] = []
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
        self._models.append(model)
        return model

    def active_model(self) -> DocumentModel | None:
        """The model of the document that the user works on."""
        return self.model_of(Document.active())

    def set_saving(self, saving: bool) -> None:
        """A file is about to be written, or has been: no preview must be in it."""
        for model in self._models:
            model.set_saving(saving)

    def start_daemon(self) -> None:
        """Start the daemon as the settings want it."""
        values = self.settings.values
        devices = [] if values.device == "auto" else [values.device]
        limit = f"{values.memory_gigabytes}G" if values.memory_gigabytes else ""
        self.daemon.start(devices, limit)

    def install_backend(self) -> None:
        """Install or repair the backend, from the folder of the settings or the network."""
        values = self.settings.values
        self.daemon.install(Path(values.wheels) if values.wheels else None, values.variant)

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
