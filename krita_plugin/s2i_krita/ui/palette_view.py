"""The palette: colors at hand while painting hints."""

from __future__ import annotations

from ..model.document_model import DocumentModel
from ..model.palette import Color
from ..qt import QtCore, QtGui, QtWidgets, pyqtSlot
from ..texts import _
from .compact import Icon, column, identify, tool_button
from .section import Section

SWATCH_LINES = 1.3  # a swatch's side, in lines of text
MOST_ROWS = 4
_ROLE = QtCore.Qt.ItemDataRole


class PaletteSection(Section):
    """The swatches, and buttons to add, to take colors from a picture, and to lock."""

    def __init__(self, model: DocumentModel, icon: Icon):
        super().__init__("palette", _("Palette"), model.settings, folded=True)
        self._model, self._icon = model, icon
        self._lock = tool_button(
            "lock_palette",
            _("Lock the palette"),
            icon("unlocked"),
            _("Keep these colors over pages: nothing is added by itself, and systems that take a "
              "palette use no others"),
        )  # fmt: skip
        self._lock.setCheckable(True)
        self._lock.clicked.connect(model.palette.lock)
        add = tool_button("add_color", _("Add the foreground color"), icon("list-add"))
        add.clicked.connect(self._add)
        take = tool_button(
            "take_palette",
            _("Take colors"),
            icon("krita_tool_color_sampler"),
            _("Take the main colors of the reference or of the result"),
        )
        take.clicked.connect(lambda: model.take_palette())
        for button in (take, add, self._lock):
            self.add_button(button)
        column(self.body).addWidget(Swatches(model))
        model.palette.changed.connect(self.refresh)
        self.refresh()

    @pyqtSlot()
    def refresh(self) -> None:
        locked = self._model.palette.locked
        self._lock.setChecked(locked)
        self._lock.setIcon(self._icon("locked" if locked else "unlocked"))

    def _add(self) -> None:
        color = self._model.document.foreground()
        if color is not None:
            self._model.palette.add(color)


class Swatches(QtWidgets.QListWidget):
    """Click or Return: paint with it. Middle or Alt click, or Delete: remove it."""

    def __init__(self, model: DocumentModel):
        super().__init__()
        identify(self, "swatches", _("Palette"))
        self._model = model
        self._side = round(SWATCH_LINES * self.fontMetrics().height())
        size = QtCore.QSize(self._side, self._side)
        self.setViewMode(QtWidgets.QListView.ViewMode.IconMode)
        self.setResizeMode(QtWidgets.QListView.ResizeMode.Adjust)
        self.setMovement(QtWidgets.QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setIconSize(size)
        self.setGridSize(size + QtCore.QSize(4, 4))
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Fixed)
        self.setAcceptDrops(True)
        self.itemClicked.connect(self._use)
        self.itemActivated.connect(self._use)
        model.palette.changed.connect(self.refresh)
        self.refresh()

    @pyqtSlot()
    def refresh(self) -> None:
        self.clear()
        for color in self._model.palette.colors:
            shown = QtGui.QColor(*color)
            pixmap = QtGui.QPixmap(self.iconSize())
            pixmap.fill(shown)
            item = QtWidgets.QListWidgetItem(QtGui.QIcon(pixmap), "")
            item.setData(_ROLE.UserRole, color)
            item.setData(_ROLE.AccessibleTextRole, shown.name())
            item.setToolTip(_("{color}: click to paint with it, Alt+click to remove it",
                              color=shown.name()))  # fmt: skip
            self.addItem(item)
        self._fit()

    def resizeEvent(self, event: QtGui.QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._fit()

    def mousePressEvent(self, event: QtGui.QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        assert event is not None
        item = self.itemAt(event.pos())
        alt = event.modifiers() & QtCore.Qt.KeyboardModifier.AltModifier
        if item is not None and (alt or event.button() == QtCore.Qt.MouseButton.MiddleButton):
            self._model.palette.remove(item.data(_ROLE.UserRole))
        elif event.button() == QtCore.Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)

    def keyPressEvent(self, event: QtGui.QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        item = self.currentItem()
        if event is not None and event.key() == QtCore.Qt.Key.Key_Delete and item is not None:
            self._model.palette.remove(item.data(_ROLE.UserRole))
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QtGui.QDragEnterEvent | None) -> None:  # noqa: N802
        if event is not None and _color_of(event.mimeData()):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QtGui.QDragMoveEvent | None) -> None:  # noqa: N802 - Qt's name
        if event is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QtGui.QDropEvent | None) -> None:  # noqa: N802 - Qt's name
        color = _color_of(event.mimeData()) if event is not None else None
        if color is not None:
            self._model.palette.add(color)

    def paintEvent(self, event: QtGui.QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        super().paintEvent(event)
        if self.count() == 0 and (viewport := self.viewport()) is not None:
            painter = QtGui.QPainter(viewport)
            painter.setOpacity(0.6)
            center = int(QtCore.Qt.AlignmentFlag.AlignCenter)
            painter.drawText(viewport.rect(), center, _("No colors yet"))

    def _use(self, item: QtWidgets.QListWidgetItem) -> None:
        self._model.document.set_foreground(item.data(_ROLE.UserRole))

    def _fit(self) -> None:
        """As high as the swatches need, up to `MOST_ROWS` rows."""
        step = self.gridSize().width()
        frame = 2 * self.frameWidth()
        per_row = max(1, (self.width() - frame) // step)
        rows = min(MOST_ROWS, max(1, -(-self.count() // per_row)))
        height = rows * step + frame + 2
        if height != self.height():
            self.setFixedHeight(height)


def _color_of(mime: QtCore.QMimeData | None) -> Color | None:
    if mime is None or not mime.hasColor():
        return None
    color = QtGui.QColor(mime.colorData())
    return color.red(), color.green(), color.blue()
