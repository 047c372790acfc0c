"""A part of the docker that folds away under its heading."""

from __future__ import annotations

from ..model.settings import Settings
from ..qt import QtCore, QtWidgets
from .compact import SPACING, column, identify


class Section(QtWidgets.QWidget):
    """A heading to click, room for small buttons beside it, and `body`.

    The settings remember whether the user `folded` it, by `name`.
    """

    def __init__(self, name: str, title: str, settings: Settings, folded: bool = False):
        super().__init__()
        self._settings, self._name, self._default = settings, name, folded
        identify(self, f"{name}_section", title)
        self.heading = identify(QtWidgets.QToolButton(), f"{name}_heading", title)
        self.heading.setText(title)
        self.heading.setAutoRaise(True)
        self.heading.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)
        self.heading.setToolButtonStyle(QtCore.Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.heading.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed
        )
        self.body = QtWidgets.QWidget()
        self._top = QtWidgets.QHBoxLayout()
        self._top.setSpacing(0)
        self._top.addWidget(self.heading, 1)
        layout = column(self)
        layout.setSpacing(SPACING // 2)
        layout.addLayout(self._top)
        layout.addWidget(self.body)
        self.heading.clicked.connect(self._toggle)
        self._show()

    @property
    def folded(self) -> bool:
        """The settings keep the sections that are not as they are by default."""
        return self._default ^ (self._name in self._others())

    def add_button(self, button: QtWidgets.QWidget) -> None:
        """Put a small button beside the heading."""
        self._top.addWidget(button)

    def _others(self) -> set[str]:
        return set(filter(None, self._settings.values.folded.split(",")))

    def _toggle(self) -> None:
        self._settings.set("folded", ",".join(sorted(self._others() ^ {self._name})))
        self._show()

    def _show(self) -> None:
        arrows = QtCore.Qt.ArrowType
        self.heading.setArrowType(arrows.RightArrow if self.folded else arrows.DownArrow)
        self.body.setVisible(not self.folded)
