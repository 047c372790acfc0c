"""The docker in the plugin's place when its libraries do not load: what is wrong, and the cure."""

from krita import DockWidget, DockWidgetFactory, DockWidgetFactoryBase, Krita

from .qt import QtCore, QtWidgets
from .vendored import LibraryMissing

DOCKER = "s2i_docker"


def register(missing: LibraryMissing) -> None:
    """Let Krita show a docker named as the plugin's own, with the texts of `missing`."""

    class Unavailable(DockWidget):
        def __init__(self) -> None:
            super().__init__()
            self.setWindowTitle("s2i")
            label = QtWidgets.QLabel(f"{missing.message}\n\n{missing.cure}")
            label.setTextFormat(QtCore.Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(QtCore.Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setAlignment(QtCore.Qt.AlignmentFlag.AlignTop)
            label.setWordWrap(True)
            label.setMargin(8)
            area = QtWidgets.QScrollArea()  # dockers are small where there are many
            area.setWidget(label)
            area.setWidgetResizable(True)
            self.setWidget(area)

        def canvasChanged(self, canvas: object) -> None:  # noqa: N802 - Krita's name
            """Krita asks for this method of every docker; there is nothing to follow."""

    side = DockWidgetFactoryBase.DockPosition.DockRight
    Krita.instance().addDockWidgetFactory(DockWidgetFactory(DOCKER, side, Unavailable))
