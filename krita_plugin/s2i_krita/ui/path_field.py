"""A path: a line to type it in, and a button to choose it."""

from __future__ import annotations

from ..model.settings import Settings
from ..qt import QtCore, QtGui, QtWidgets, pyqtSignal, pyqtSlot
from ..texts import _
from .compact import SPACING, ElidedLabel, identify, row, tool_button


class PathEdit(QtWidgets.QWidget):
    """`chosen` carries the path, once it is typed or chosen."""

    chosen = pyqtSignal(str)

    def __init__(
        self, name: str, title: str, help_text: str, icon: QtGui.QIcon, folder: bool = True
    ):
        super().__init__()
        self._name, self._title, self._folder = name, title, folder
        self.line = identify(QtWidgets.QLineEdit(), name, title, help_text)
        self.line.setClearButtonEnabled(True)
        self.line.setMinimumWidth(0)
        self.line.editingFinished.connect(lambda: self.chosen.emit(self.line.text().strip()))
        self.browse = tool_button(f"{name}_browse", _("Choose…"), icon)
        self.browse.clicked.connect(self._browse)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACING)
        layout.addWidget(self.line, 1)
        layout.addWidget(self.browse)

    def show_path(self, path: str) -> None:
        if path != self.line.text():
            self.line.setText(path)

    def _browse(self) -> None:
        modes = QtWidgets.QFileDialog.FileMode
        dialog = QtWidgets.QFileDialog(self, self._title, self.line.text())
        dialog.setObjectName(f"{self._name}_dialog")
        dialog.setFileMode(modes.Directory if self._folder else modes.ExistingFile)
        dialog.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.chosen)
        dialog.open()


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
        self._settings, self._name = settings, name
        self._edit = PathEdit(name, title, help_text, icon, folder)
        self._edit.chosen.connect(lambda path: settings.set(name, path))
        self.setLayout(row(ElidedLabel(title, help_text), self._edit))
        settings.changed.connect(self.refresh)
        self.refresh()

    @pyqtSlot()
    def refresh(self) -> None:
        self._edit.show_path(getattr(self._settings.values, self._name))
