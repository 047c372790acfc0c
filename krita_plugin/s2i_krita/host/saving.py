"""Around the saving of documents: what must not be in the file is taken out before."""

from __future__ import annotations

from typing import Any

from krita import Krita

from ..qt import QtCore, QtWidgets, pyqtSignal

_SAVES = (
    "file_save",
    "file_save_as",
    "file_export_file",
    "save_incremental_version",
    "save_incremental_backup",
)
_EVENT = QtCore.QEvent.Type
# Krita copies the layers when the action is triggered, and writes them later, on another thread.
_COPIED_MS = 300


class SaveWatch(QtCore.QObject):
    """Tells when the user may be about to save, and when that is over.

    Krita has a signal for the end of saving only. It may begin with the shortcut of a saving
    action, its button in a toolbar, the menu that has it, or the closing of a document, at which
    Krita asks. It is over when the file is written, or no menu and no dialog is open any more.
    Saving by a script and Krita's automatic saving come unannounced.
    """

    about_to_save = pyqtSignal()
    over = pyqtSignal()

    def __init__(self, window: QtWidgets.QMainWindow):
        super().__init__(window)
        self._open = QtCore.QTimer(self)
        self._open.timeout.connect(self._look)
        window.installEventFilter(self)
        for area in window.findChildren(QtWidgets.QMdiArea):
            area.subWindowActivated.connect(self._watch_document)
            for document in area.subWindowList():
                self._watch_document(document)
        actions: list[Any] = [Krita.instance().action(name) for name in _SAVES]
        for action in filter(None, actions):
            action.installEventFilter(self)
            for toolbar in window.findChildren(QtWidgets.QToolBar):
                if button := toolbar.widgetForAction(action):
                    button.installEventFilter(self)
        bar = window.menuBar()
        for entry in [] if bar is None else bar.actions():
            menu = entry.menu()
            if menu and any(action.objectName() in _SAVES for action in menu.actions()):
                menu.aboutToShow.connect(self._begin)
        notifier = Krita.instance().notifier()
        notifier.setActive(True)
        notifier.imageSaved.connect(self._end)

    def eventFilter(self, a0: Any, a1: Any) -> bool:  # noqa: N802 - Qt's names
        kind = a1.type()
        pressed = kind == _EVENT.MouseButtonPress and isinstance(a0, QtWidgets.QAbstractButton)
        if pressed or kind in (_EVENT.Shortcut, _EVENT.Close):
            self._begin()
        return False

    def _watch_document(self, document: QtWidgets.QMdiSubWindow | None) -> None:
        if document is not None:
            document.installEventFilter(self)

    def _begin(self) -> None:
        self._open.start(_COPIED_MS)
        self.about_to_save.emit()

    def _look(self) -> None:
        application = QtWidgets.QApplication
        if application.activeModalWidget() is None and application.activePopupWidget() is None:
            self._end()

    def _end(self) -> None:
        self._open.stop()
        self.over.emit()
