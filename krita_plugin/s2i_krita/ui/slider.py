"""A spin box that is a slider too, as Krita's own: the filled part shows the value."""

from __future__ import annotations

from ..qt import QtCore, QtGui, QtWidgets, pyqtSignal

_EVENT = QtCore.QEvent.Type
_KEY = QtCore.Qt.Key
_EDIT_KEYS = (_KEY.Key_Return, _KEY.Key_Enter, _KEY.Key_F2)
FILL_ALPHA = 110


class SliderSpinBox(QtWidgets.QDoubleSpinBox):
    """Drag to set it, right click or Return to type, double click for the default.

    `reset_wanted`: the user double clicked.
    """

    reset_wanted = pyqtSignal()

    def __init__(self, minimum: float, maximum: float, decimals: int):
        super().__init__()
        self.setDecimals(decimals)
        self.setRange(minimum, maximum)
        self.setSingleStep(max(10**-decimals, round((maximum - minimum) / 100, decimals)))
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)
        self.setKeyboardTracking(False)  # a number half typed is none yet
        self.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed
        )
        self.setMinimumWidth(64)
        self._line = self.lineEdit()
        assert self._line is not None
        self._line.setReadOnly(True)
        self.setAlignment(QtCore.Qt.AlignmentFlag.AlignCenter)
        self._line.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)
        self._line.setContextMenuPolicy(QtCore.Qt.ContextMenuPolicy.NoContextMenu)
        self._line.setCursor(QtCore.Qt.CursorShape.SplitHCursor)
        # Else it would paint its background over the filled part.
        palette = self._line.palette()
        palette.setBrush(QtGui.QPalette.ColorRole.Base, QtGui.QBrush(QtCore.Qt.BrushStyle.NoBrush))
        self._line.setPalette(palette)
        self._line.installEventFilter(self)
        self.editingFinished.connect(self._stop_typing)

    def show_value(self, value: float) -> None:
        """Show a value without telling anybody."""
        blocker = QtCore.QSignalBlocker(self)
        self.setValue(value)
        blocker.unblock()

    def eventFilter(self, a0: QtCore.QObject | None, a1: QtCore.QEvent | None) -> bool:  # noqa: N802
        if a0 is not self._line or a1 is None:
            return super().eventFilter(a0, a1)
        if a1.type() == _EVENT.Paint and self._line is not None:
            self._paint_fill(self._line)
        elif isinstance(a1, QtGui.QMouseEvent) and self._line is not None and not self._typing:
            return self._mouse(a1)
        return False

    def keyPressEvent(self, e: QtGui.QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        assert e is not None
        if not self._typing and e.key() in _EDIT_KEYS:
            self._type()
            return
        if not self._typing and e.text().strip() and e.text() in "0123456789-.,":
            self._type()
        elif self._typing and e.key() == _KEY.Key_Escape:
            self.show_value(self.value())
            self._stop_typing()
            return
        super().keyPressEvent(e)

    def wheelEvent(self, e: QtGui.QWheelEvent | None) -> None:  # noqa: N802 - Qt's name
        if self.hasFocus():
            super().wheelEvent(e)
        elif e is not None:
            e.ignore()  # the docker scrolls

    @property
    def _typing(self) -> bool:
        return self._line is not None and not self._line.isReadOnly()

    def _type(self) -> None:
        assert self._line is not None
        self._line.setReadOnly(False)
        self.setFocus()
        self._line.setCursor(QtCore.Qt.CursorShape.IBeamCursor)
        self.selectAll()

    def _stop_typing(self) -> None:
        if self._line is not None and self._typing:
            self._line.deselect()
            self._line.setReadOnly(True)
            self._line.setCursor(QtCore.Qt.CursorShape.SplitHCursor)

    def _mouse(self, event: QtGui.QMouseEvent) -> bool:
        buttons = QtCore.Qt.MouseButton
        if event.type() == _EVENT.MouseButtonDblClick:
            if event.button() == buttons.LeftButton:
                self.reset_wanted.emit()
        elif event.type() == _EVENT.MouseButtonPress and event.button() == buttons.RightButton:
            self._type()
        elif (
            event.type() in (_EVENT.MouseButtonPress, _EVENT.MouseMove)
            and event.buttons() & buttons.LeftButton
        ):
            self.setFocus()
            assert self._line is not None
            share = min(1.0, max(0.0, event.pos().x() / max(1, self._line.width() - 1)))
            self.setValue(self.minimum() + share * (self.maximum() - self.minimum()))
        return True

    def _paint_fill(self, line: QtWidgets.QLineEdit) -> None:
        """Under the text, which the line edit then paints over it."""
        span = self.maximum() - self.minimum()
        share = (self.value() - self.minimum()) / span if span else 0.0
        color = QtGui.QColor(self.palette().color(QtGui.QPalette.ColorRole.Highlight))
        color.setAlpha(FILL_ALPHA if self.isEnabled() else FILL_ALPHA // 3)
        filled = QtCore.QRect(line.rect())
        filled.setWidth(round(share * filled.width()))
        painter = QtGui.QPainter(line)
        painter.fillRect(filled, color)
        painter.end()
