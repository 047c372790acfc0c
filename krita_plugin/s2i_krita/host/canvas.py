"""When a stroke begins and ends on Krita's canvas."""

from __future__ import annotations

from typing import Any

from ..qt import QtCore, QtWidgets, pyqtSignal

# Krita's two kinds of canvas widget: with OpenGL and without.
_CANVASES = ("KisOpenGLCanvas2", "KisQPainterCanvas")
_EVENT = QtCore.QEvent.Type
_BEGINS = (_EVENT.MouseButtonPress, _EVENT.TabletPress, _EVENT.TouchBegin)
_ENDS = (
    _EVENT.MouseButtonRelease,
    _EVENT.TabletRelease,
    _EVENT.TouchEnd,
    _EVENT.TouchCancel,
)
_CHANGES = (_EVENT.ChildAdded, _EVENT.ChildRemoved)


class StrokeWatch(QtCore.QObject):
    """Watches every canvas of a window, also those that are made later.

    `window`: Krita's main window (`Window.qwindow()`). Only canvases and the widgets around them
    are asked for their events, and nothing is kept from Krita.
    """

    stroke_begun = pyqtSignal()
    stroke_ended = pyqtSignal()
    escape_pressed = pyqtSignal()

    def __init__(self, window: QtWidgets.QMainWindow):
        super().__init__(window)
        self._window = window
        self._painting = False
        self._attach_soon = QtCore.QTimer(self)
        self._attach_soon.setSingleShot(True)
        self._attach_soon.setInterval(0)
        self._attach_soon.timeout.connect(self.attach)
        self.attach()

    @property
    def painting(self) -> bool:
        """Whether a button, pen or finger is down on a canvas."""
        return self._painting

    def attach(self) -> None:
        """Look for canvases that are new; also called by itself when widgets come and go."""
        center = self._window.centralWidget()
        if center is None:
            return
        for widget in center.findChildren(QtWidgets.QWidget):
            if _is_canvas(widget):
                _watch(widget, self)
                _watch(widget.parent(), self)
        for area in self._window.findChildren(QtWidgets.QMdiArea):
            _watch(area.viewport(), self)

    def eventFilter(self, a0: Any, a1: Any) -> bool:  # noqa: N802 - Qt's names
        kind = a1.type()
        if kind in _BEGINS:
            if not self._painting and _is_canvas(a0):
                self._painting = True
                self.stroke_begun.emit()
        elif kind in _ENDS:
            if self._painting and _is_canvas(a0):
                self._painting = False
                self.stroke_ended.emit()
        elif kind == _EVENT.KeyPress and a1.key() == QtCore.Qt.Key.Key_Escape:
            self.escape_pressed.emit()
        elif kind in _CHANGES:
            self._attach_soon.start()
        return False


def _watch(thing: Any, watch: QtCore.QObject) -> None:
    # Installing it again makes it the first to be asked, which Krita's own filter would else be.
    thing.installEventFilter(watch)


def _is_canvas(thing: Any) -> bool:
    return thing.metaObject().className() in _CANVASES
