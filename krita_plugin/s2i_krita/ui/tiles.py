"""A list of small pictures in rows, each chosen by mouse or keyboard."""

from __future__ import annotations

from ..qt import QtCore, QtGui, QtWidgets
from .compact import FAINT

_STATE = QtWidgets.QStyle.StateFlag
FRAME = 2


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
        inner = option.rect.adjusted(FRAME, FRAME, -FRAME, -FRAME)
        index.data(QtCore.Qt.ItemDataRole.DecorationRole).paint(painter, inner)
        if option.state & _STATE.State_HasFocus and not option.state & _STATE.State_Selected:
            painter.setPen(palette.color(QtGui.QPalette.ColorRole.Highlight))
            painter.drawRect(option.rect.adjusted(0, 0, -1, -1))

    def sizeHint(  # noqa: N802 - Qt's name
        self, option: QtWidgets.QStyleOptionViewItem, index: QtCore.QModelIndex
    ) -> QtCore.QSize:
        return option.decorationSize + QtCore.QSize(2 * FRAME, 2 * FRAME)


class TileList(QtWidgets.QListWidget):
    """Tiles of `side` pixels from left to right; `empty_text` is shown where there are none."""

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

    def minimumSizeHint(self) -> QtCore.QSize:  # noqa: N802 - Qt's name
        return QtCore.QSize(0, 0)

    def paintEvent(self, e: QtGui.QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        super().paintEvent(e)
        if self.count() == 0 and (viewport := self.viewport()) is not None:
            painter = QtGui.QPainter(viewport)
            painter.setOpacity(FAINT)
            flags = QtCore.Qt.AlignmentFlag.AlignCenter | QtCore.Qt.TextFlag.TextWordWrap
            painter.drawText(viewport.rect().adjusted(4, 0, -4, 0), int(flags), self._empty_text)
