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


class SaveWatch(QtCore.QObject):
    """Tells before the user saves, and when it is done.

    Krita has a signal for the second only. The first comes when a shortcut of a saving action is
    pressed, and when the menu with these actions opens. Saving by a script and Krita's automatic
    saving come unannounced.
    """

    about_to_save = pyqtSignal()
    saved = pyqtSignal(str)  # the file's name

    def __init__(self, window: QtWidgets.QMainWindow):
        super().__init__(window)
        for name in _SAVES:
            action: Any = Krita.instance().action(name)
            if action is not None:
                action.installEventFilter(self)
        bar = window.menuBar()
        for entry in [] if bar is None else bar.actions():
            menu = entry.menu()
            if menu and any(action.objectName() in _SAVES for action in menu.actions()):
                menu.aboutToShow.connect(self.about_to_save)
        notifier = Krita.instance().notifier()
        notifier.setActive(True)
        notifier.imageSaved.connect(self.saved)

    def eventFilter(self, a0: Any, a1: Any) -> bool:  # noqa: N802 - Qt's names
        if a1.type() == _EVENT.Shortcut:
            self.about_to_save.emit()
        return False
