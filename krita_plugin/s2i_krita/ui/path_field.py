"""A setting that is a path: a line to type it in, and a button to choose it."""

from __future__ import annotations

from ..model.settings import Settings
from ..qt import QtCore, QtGui, QtWidgets, pyqtSlot
from ..texts import _
from .compact import ElidedLabel, identify, row, tool_button


class PathField(QtWidgets.QWidget):
    """Shows and sets the setting `name`; with `folder` it is a folder, else a file."""

    def __init__(
        self,
        settings: Settings,
        name: str,
        title: str,
        help_text: str,
        icon: QtGui.QIcon,
        folder: bool = False,
    ):
        super().__init__()
        self._settings, self._name, self._title, self._folder = settings, name, title, folder
        self._line = identify(QtWidgets.QLineEdit(), name, title, help_text)
        self._line.setClearButtonEnabled(True)
        self._line.setMinimumWidth(0)
        self._line.editingFinished.connect(lambda: self._set(self._line.text().strip()))
        browse = tool_button(f"{name}_browse", _("Choose…"), icon)
        browse.clicked.connect(self._browse)
        self.setLayout(row(ElidedLabel(title, help_text), self._line, browse))
        settings.changed.connect(self.refresh)
        self.refresh()

    @pyqtSlot()
    def refresh(self) -> None:
        value = getattr(self._settings.values, self._name)
        if value != self._line.text():
            self._line.setText(value)

    def _set(self, path: str) -> None:
        self._settings.set(self._name, path)

    def _browse(self) -> None:
        modes = QtWidgets.QFileDialog.FileMode
        dialog = QtWidgets.QFileDialog(self, self._title, self._line.text())
        dialog.setObjectName(f"{self._name}_dialog")
        dialog.setFileMode(modes.Directory if self._folder else modes.ExistingFile)
        dialog.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._set)
        dialog.open()
