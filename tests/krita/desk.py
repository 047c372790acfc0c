"""The whole docker on a fake Krita, with a scripted daemon behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from fake_krita import testing
from scripted_client import ScriptedClient, ScriptedInstallation, ScriptedLauncher

from s2i_client.declaration import Declaration, Input, Output, Parameter
from s2i_client.jobs import Job
from s2i_client.pixels import Picture, ResultLayer
from s2i_krita.backend.connection import Connection
from s2i_krita.backend.daemon import Daemon
from s2i_krita.backend.offer import Offer
from s2i_krita.host.document import Document
from s2i_krita.model.document_model import DocumentModel
from s2i_krita.model.palette import Palette
from s2i_krita.model.settings import Settings
from s2i_krita.model.workspace import Workspace
from s2i_krita.qt import QtCore, QtGui, QtWidgets
from s2i_krita.ui.docker_view import DockerView

Widget = TypeVar("Widget", bound=QtCore.QObject)
SIDE = 16

PAINTER = Declaration(
    name="painter",
    title="Painter",
    summary="Paints.",
    inputs=(
        Input("sketch", "Sketch", "Lines.", required=True),
        Input("hints", "Hints", "Strokes."),
        Input("reference", "Reference", "A picture of the colors.", off_canvas=True),
        Input("palette", "Palette", "The only colors.", off_canvas=True),
    ),
    parameters=(
        Parameter("strength", "Strength", "How much.", "float", 0.5, minimum=0.0, maximum=1.0),
        Parameter("count", "Count", "How many.", "int", 3, minimum=1, maximum=9),
        Parameter("grow", "Grow", "Whether.", "bool", True),
        Parameter("quality", "Quality", "Which.", "choice", "best", choices=("fast", "best")),
        Parameter("prompt", "Prompt", "What.", "text", "a cat"),
        Parameter("curve", "Curve", "Not known yet.", "curve", "flat"),  # type: ignore[arg-type]
    ),
    outputs=(
        Output("flats", "Flats", "Colors.", "flats"),
        Output("lines", "Lines", "Lines.", "lines"),
    ),
)
FLATTER = Declaration(
    name="flatter",
    title="Flatter",
    summary="Makes flats.",
    inputs=(Input("sketch", "Sketch", "Lines.", required=True),),
    parameters=(),
    outputs=(Output("flats", "Flats", "Colors.", "flats"),),
)


class Desk:
    """One window's docker and what stands behind it."""

    def __init__(self, qtbot: Any, log: Path, declarations: Sequence[Declaration]):
        self.bot = qtbot
        self.kept: dict[str, str] = {}
        self.client = ScriptedClient(declarations)
        self.launcher = ScriptedLauncher()
        self.installation = ScriptedInstallation(log)
        self.connection = Connection(self.client)
        self.settings = Settings(self._read, self.kept.__setitem__)
        offer = Offer("2.0", log, log)
        self.daemon = Daemon(self.launcher, self.installation, offer)
        self.palette = Palette(self._read, self.kept.__setitem__)
        self.workspace = Workspace(self.connection, self.daemon, self.settings, self.palette)
        self.view = DockerView(self.workspace, icon, lambda action: f"keys of {action}")
        self.view.resize(260, 900)
        self.view.show()

    def _read(self, name: str, default: str) -> str:
        return self.kept.get(name, default)

    # The daemon.

    def poll(self) -> None:
        """Let the plugin hear what the daemon and the launcher have to say."""
        self.connection.poll()
        self.daemon.poll()

    def connect(self) -> None:
        self.client.connect()
        self.poll()

    def lose(self) -> None:
        self.client.lose()
        self.poll()

    def submitted(self, count: int = 1) -> Job:
        """Wait until so many jobs were handed over; the last one."""
        self.bot.waitUntil(lambda: len(self.client.submitted) >= count)
        return self.client.submitted[-1]

    def sent(self, count: int = 1) -> dict[str, Picture]:
        """The pictures of the last job that was handed over, by name."""
        request = self.submitted(count).request
        assert request is not None
        return {p.name: p for p in request.pictures if isinstance(p, Picture)}

    def until_idle(self, model: DocumentModel) -> None:
        self.bot.waitUntil(lambda: not model.is_busy)

    # The document.

    def open(self, *layers: str) -> DocumentModel:
        """Open a document of these layers, bottom first, and show it in the docker."""
        raw = testing.show_document(SIDE, SIDE)
        for name in layers or ("Flat colors", "Line art"):
            testing.add_layer(raw, name, b"\x10\x20\x30\xff" * (SIDE * SIDE))
        model = self.workspace.model_of(Document(raw))
        assert model is not None
        self.view.show_document(model)
        return model

    def ready(self, *layers: str) -> DocumentModel:
        """With a daemon that answers and an open document."""
        self.connect()
        return self.open(*layers)

    def result(self, model: DocumentModel, color: tuple[int, int, int] = (200, 90, 40)) -> None:
        """Let Generate bring a result."""
        count = len(self.client.submitted)
        self.click("generate")
        self.client.finish(self.submitted(count + 1), *layers(color))
        self.until_idle(model)

    # The widgets.

    def find(self, name: str, kind: type[Widget] = QtWidgets.QWidget) -> Widget:
        """The one widget of this name in the docker that is not about to be deleted."""
        settle()
        found = self.view.findChildren(kind, name)
        assert len(found) == 1, f"{len(found)} widgets are called {name}"
        return found[0]

    def sees(self, name: str) -> bool:
        """Whether there is such a widget in sight."""
        settle()
        return any(w.isVisible() for w in self.view.findChildren(QtWidgets.QWidget, name))

    def click(self, name: str) -> None:
        button = self.find(name, QtWidgets.QAbstractButton)
        assert button.isEnabled() and button.isVisible(), f"{name} can not be clicked"
        button.click()

    def choose(self, name: str, text: str) -> None:
        """Choose an item of a combo box, as its user does."""
        combo = self.find(name, QtWidgets.QComboBox)
        combo.showPopup()
        index = combo.findText(text)
        assert index >= 0, f"{name} has {[combo.itemText(i) for i in range(combo.count())]}"
        combo.setCurrentIndex(index)
        combo.hidePopup()
        combo.activated.emit(index)  # type: ignore[attr-defined]

    def text(self, name: str) -> str:
        return self.find(name, QtWidgets.QLabel).text()

    def close(self) -> None:
        self.workspace.close()
        self.daemon.close()
        self.view.deleteLater()
        self.workspace.deleteLater()


def settle() -> None:
    """Let Qt do what it put off: delete widgets, and show new ones."""
    # Twice: what deleted widgets were connected to is deleted after them.
    for _time in range(2):
        QtWidgets.QApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)
        QtWidgets.QApplication.processEvents()


def drop(widget: QtWidgets.QWidget, mime: QtCore.QMimeData) -> bool:
    """Drag it there and let go; whether the widget wanted it."""
    copy, left = QtCore.Qt.DropAction.CopyAction, QtCore.Qt.MouseButton.LeftButton
    keys = QtCore.Qt.KeyboardModifier.NoModifier
    enter = QtGui.QDragEnterEvent(QtCore.QPoint(5, 5), copy, mime, left, keys)
    enter.ignore()
    QtWidgets.QApplication.sendEvent(widget, enter)
    if enter.isAccepted():
        event = QtGui.QDropEvent(QtCore.QPointF(5, 5), copy, mime, left, keys)
        QtWidgets.QApplication.sendEvent(widget, event)
    return enter.isAccepted()


def icon(name: str) -> QtGui.QIcon:
    pixmap = QtGui.QPixmap(16, 16)
    pixmap.fill(QtGui.QColor("gray"))
    return QtGui.QIcon(pixmap)


def picture(color: tuple[int, int, int] = (200, 90, 40), side: int = SIDE) -> Picture:
    return Picture(name="preview", width=side, height=side, data=bytes((*color, 255)) * side**2)


def layers(color: tuple[int, int, int] = (200, 90, 40)) -> list[ResultLayer]:
    """A result of the painter, all of one color."""
    flats = ResultLayer(
        name="flats",
        width=SIDE,
        height=SIDE,
        data=bytes((*color, 255)) * SIDE**2,
        kind="flats",
    )
    return [flats, replace(flats, name="lines", kind="lines")]
