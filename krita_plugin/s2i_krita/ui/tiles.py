"""A list of small pictures in rows, each chosen by mouse or keyboard."""

from __future__ import annotations

from ..qt import QtCore, QtGui, QtWidgets
from .compact import FAINT

_STATE = QtWidgets.QStyle.StateFlag
_KEY = QtCore.Qt.Key
FRAME = 2
REMOVE_KEYS = (_KEY.Key_Delete, _KEY.Key_Backspace)
USE_KEYS = (_KEY.Key_Return, _KEY.Key_Enter)


class TileDelegate(QtWidgets.QStyledItemDelegate):
    """The picture in the middle of its cell, a frame around the chosen one."""

    def paint(
        self,
        painter: QtGui.QPainter | None,
        option: QtWidgets.QStyleOptionViewItem,
        index: QtCore.QModelIndex,
    ) -> None:
        assert painter is not None
        palette = option.palette
        if option.state & _STATE.State_Selected:
            painter.fillRect(option.rect, palette.brush(QtGui.QPalette.ColorRole.Highlight))
        inner = self.picture_room(option).adjusted(FRAME, FRAME, -FRAME, -FRAME)
        picture = index.data(QtCore.Qt.ItemDataRole.DecorationRole)
        if picture is not None:
            picture.paint(painter, inner)
        if option.state & _STATE.State_HasFocus and not option.state & _STATE.State_Selected:
            painter.setPen(palette.color(QtGui.QPalette.ColorRole.Highlight))
            painter.drawRect(option.rect.adjusted(0, 0, -1, -1))

    def picture_room(self, option: QtWidgets.QStyleOptionViewItem) -> QtCore.QRect:
        """Where in its cell the picture is."""
        return option.rect

    def sizeHint(  # noqa: N802 - Qt's name
        self, option: QtWidgets.QStyleOptionViewItem, index: QtCore.QModelIndex
    ) -> QtCore.QSize:
        return option.decorationSize + QtCore.QSize(2 * FRAME, 2 * FRAME)


class TileList(QtWidgets.QListWidget):
    """Tiles of `side` pixels from left to right; `empty_text` is shown where there are none.

    Subclasses say what it is to use one, as Return does, and to remove one, as Delete does.
    """

    def __init__(self, side: int, empty_text: str):
        super().__init__()
        self._empty_text = empty_text
        self.setViewMode(QtWidgets.QListView.ViewMode.IconMode)
        self.setResizeMode(QtWidgets.QListView.ResizeMode.Adjust)
        self.setMovement(QtWidgets.QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setIconSize(QtCore.QSize(side, side))
        step = side + 2 * FRAME
        self.setGridSize(QtCore.QSize(step, step))
        self.setItemDelegate(TileDelegate(self))
        self.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def use_current(self) -> None:
        raise NotImplementedError

    def remove_current(self) -> None:
        raise NotImplementedError

    def event(self, e: QtCore.QEvent | None) -> bool:
        """Keep the list's keys from being shortcuts: Krita's Delete clears the user's layer."""
        is_shortcut = e is not None and e.type() == QtCore.QEvent.Type.ShortcutOverride
        if is_shortcut and isinstance(e, QtGui.QKeyEvent) and _is_plain(e):
            e.accept()
            return True
        return super().event(e)

    def keyPressEvent(self, e: QtGui.QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        if e is None or not _is_plain(e):
            super().keyPressEvent(e)
        elif e.key() in REMOVE_KEYS:
            self.remove_current()
        else:
            self.use_current()

    def minimumSizeHint(self) -> QtCore.QSize:  # noqa: N802 - Qt's name
        return QtCore.QSize(0, 0)

    def paintEvent(self, e: QtGui.QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        super().paintEvent(e)
        if self.count() == 0 and (viewport := self.viewport()) is not None:
            painter = QtGui.QPainter(viewport)
            painter.setOpacity(FAINT)
            flags = QtCore.Qt.AlignmentFlag.AlignCenter | QtCore.Qt.TextFlag.TextWordWrap
            painter.drawText(viewport.rect().adjusted(4, 0, -4, 0), int(flags), self._empty_text)


def _is_plain(event: QtGui.QKeyEvent) -> bool:
    """Whether it is one of the list's keys, on any part of the keyboard, with no other held."""
    keypad = QtCore.Qt.KeyboardModifier.KeypadModifier
    held = event.modifiers() not in (QtCore.Qt.KeyboardModifier.NoModifier, keypad)
    return event.key() in (*REMOVE_KEYS, *USE_KEYS) and not held


def in_square(image: QtGui.QImage, size: QtCore.QSize) -> QtGui.QIcon:
    """The thumbnail in the middle of a square, so that all are in line."""
    pixmap = QtGui.QPixmap(size * 2)
    pixmap.fill(QtGui.QColor(0, 0, 0, 0))
    small = image.scaled(
        pixmap.size(),
        QtCore.Qt.AspectRatioMode.KeepAspectRatio,
        QtCore.Qt.TransformationMode.SmoothTransformation,
    )
    painter = QtGui.QPainter(pixmap)
    painter.drawImage(
        (pixmap.width() - small.width()) // 2, (pixmap.height() - small.height()) // 2, small
    )
    painter.end()
    return QtGui.QIcon(pixmap)
