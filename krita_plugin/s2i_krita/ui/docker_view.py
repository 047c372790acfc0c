"""The docker: setting up, the document's page, or an empty one."""

from __future__ import annotations

from ..model.document_model import DocumentModel
from ..model.notice import DaemonNotice
from ..model.workspace import Workspace
from ..qt import QtCore, QtGui, QtWidgets, pyqtSlot
from ..texts import _
from .compact import Icon, Shortcut, column, identify, wrapped_label
from .main_page import MainPage
from .settings_dialog import SettingsDialog
from .setup_view import SetupView

MINIMUM_WIDTH = 220


def _no_shortcut(_action: str) -> str:
    return ""


class DockerView(QtWidgets.QWidget):
    """What a window's docker holds. `show_document` says which document it is about.

    Pages hold no state, so they are made anew when the document, the language or the theme is
    another one.
    """

    def __init__(self, workspace: Workspace, icon: Icon, shortcut: Shortcut = _no_shortcut):
        super().__init__()
        identify(self, "s2i_docker_view", "s2i")
        self.setMinimumWidth(MINIMUM_WIDTH)
        self._workspace, self._icon, self._shortcut = workspace, icon, shortcut
        self._notice = DaemonNotice(workspace, self)
        self._notice.settings_wanted.connect(self.open_settings)
        self._model: DocumentModel | None = None
        self._dialog: SettingsDialog | None = None
        self._page: QtWidgets.QWidget | None = None
        self._shown: tuple[str, DocumentModel | None] | None = None
        self._layout = column(self)
        self._is_dark = self._looks_dark()
        self._rebuild_soon = QtCore.QTimer(self)
        self._rebuild_soon.setSingleShot(True)
        self._rebuild_soon.setInterval(0)
        self._rebuild_soon.timeout.connect(self._rebuild)
        workspace.connection.state_changed.connect(self._show_page)
        workspace.closed.connect(self._closed)
        workspace.settings.changed.connect(self._setting_changed)
        self._show_page()

    def show_document(self, model: DocumentModel | None) -> None:
        """Show a document's page, or without one what there is to do."""
        self._model = model
        self._show_page()

    def open_settings(self) -> None:
        """Open the dialog, or bring it to the front."""
        if self._dialog is None:
            self._dialog = SettingsDialog(self._workspace, self._icon, self.window())
            self._dialog.finished.connect(self._dialog_finished)
        self._dialog.show()
        self._dialog.raise_()

    def changeEvent(self, a0: QtCore.QEvent | None) -> None:  # noqa: N802 - Qt's name
        super().changeEvent(a0)
        is_palette = a0 is not None and a0.type() == QtCore.QEvent.Type.PaletteChange
        if is_palette and self._looks_dark() != self._is_dark:
            # Krita's icons are other ones in a dark theme.
            self._is_dark = self._looks_dark()
            self._rebuild_soon.start()

    @pyqtSlot()
    def _show_page(self) -> None:
        """Bring the right page up. The main page stays when the daemon goes away: jobs live on."""
        was_connected = bool(self._workspace.connection.pipelines)
        if not was_connected:
            wanted: tuple[str, DocumentModel | None] = ("setup", None)
        else:
            wanted = ("main" if self._model else "empty", self._model)
        if wanted == self._shown:
            return
        self._shown = wanted
        old, self._page = self._page, self._make(*wanted)
        if old is not None:
            self._layout.removeWidget(old)
            old.hide()
            old.deleteLater()
        self._layout.addWidget(self._page)

    def _make(self, kind: str, model: DocumentModel | None) -> QtWidgets.QWidget:
        if kind == "setup":
            return SetupView(self._workspace, self._icon, self.open_settings)
        if model is not None:
            return MainPage(model, self._notice, self._icon, self._shortcut, self.open_settings)
        return EmptyPage()

    def _rebuild(self) -> None:
        self._shown = None
        self._show_page()

    @pyqtSlot(object)
    def _closed(self, model: DocumentModel) -> None:
        if model is self._model:
            self.show_document(None)

    @pyqtSlot(str)
    def _setting_changed(self, name: str) -> None:
        if name == "language":
            self._rebuild_soon.start()

    def _dialog_finished(self) -> None:
        if self._dialog is not None:
            self._dialog.deleteLater()
            self._dialog = None

    def _looks_dark(self) -> bool:
        return self.palette().color(QtGui.QPalette.ColorRole.Window).lightness() < 128


class EmptyPage(QtWidgets.QWidget):
    """No document is open."""

    def __init__(self) -> None:
        super().__init__()
        identify(self, "empty_page", _("No document"))
        label = wrapped_label("empty_text", _("No document"))
        label.setText(_("Open a drawing, or begin one: what you draw can be colored here."))
        label.setAlignment(QtCore.Qt.AlignmentFlag.AlignCenter)
        layout = column(self, 12)
        layout.addStretch(1)
        layout.addWidget(label)
        layout.addStretch(2)
