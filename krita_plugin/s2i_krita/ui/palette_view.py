"""The palette: colors at hand while painting hints."""

from __future__ import annotations

from ..model.document_model import DocumentModel
from ..model.palette import Color
from ..qt import QtCore, QtGui, QtWidgets, pyqtSlot
from ..texts import _
from .compact import Icon, column, identify, line_height, tool_button
from .history_view import why_no_colors
from .section import Section
from .tiles import TileList

SWATCH_LINES = 1.3  # a swatch's side, in lines of text
MOST_ROWS = 4
_ROLE = QtCore.Qt.ItemDataRole


class PaletteSection(Section):
    """The swatches, and buttons to add, to take colors from a picture, and to lock."""

    def __init__(self, model: DocumentModel, icon: Icon):
        super().__init__("palette", _("Swatches"), model.settings, folded=True)
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
        self._take = tool_button("take_palette", _("Take colors"), icon("krita_tool_color_sampler"))
        self._take.clicked.connect(lambda _on: model.take_palette())
        for button in (self._take, add, self._lock):
            self.add_button(button)
        column(self.body).addWidget(Swatches(model))
        model.palette.changed.connect(self.refresh)
        model.progress_changed.connect(self.refresh)
        self.refresh()

    @pyqtSlot()
    def refresh(self) -> None:
        why = why_no_colors(self._model)
        self._take.setEnabled(not why)
        self._take.setToolTip(why or _("Take the main colors of the reference or of the result"))
        locked = self._model.palette.locked
        self._lock.setChecked(locked)
        self._lock.setIcon(self._icon("locked" if locked else "unlocked"))

    def _add(self) -> None:
        color = self._model.document.foreground()
        if color is not None:
            self._model.palette.add(color)


class Swatches(TileList):
    """Click or Return: paint with it. Middle or Alt click, or Delete: remove it."""

    def __init__(self, model: DocumentModel):
        side = round(SWATCH_LINES * line_height())
        super().__init__(side, _("No colors yet"))
        identify(self, "swatches", _("Swatches"))
        self._model = model
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Fixed)
        self.setAcceptDrops(True)
        viewport = self.viewport()
        assert viewport is not None
        viewport.setAcceptDrops(True)  # a list whose items do not move refuses all drops
        self.itemClicked.connect(self._use)
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

    def resizeEvent(self, e: QtGui.QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(e)
        self._fit()

    def mousePressEvent(self, e: QtGui.QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        assert e is not None
        item = self.itemAt(e.pos())
        alt = e.modifiers() & QtCore.Qt.KeyboardModifier.AltModifier
        if item is not None and (alt or e.button() == QtCore.Qt.MouseButton.MiddleButton):
            self._model.palette.remove(item.data(_ROLE.UserRole))
        elif e.button() == QtCore.Qt.MouseButton.LeftButton:
            super().mousePressEvent(e)

    def use_current(self) -> None:
        item = self.currentItem()
        if item is not None:
            self._use(item)

    def remove_current(self) -> None:
        item = self.currentItem()
        if item is not None:
            self._model.palette.remove(item.data(_ROLE.UserRole))

    def dragEnterEvent(self, e: QtGui.QDragEnterEvent | None) -> None:  # noqa: N802
        if e is not None and _color_of(e.mimeData()):
            e.acceptProposedAction()

    def dragMoveEvent(self, e: QtGui.QDragMoveEvent | None) -> None:  # noqa: N802 - Qt's name
        if e is not None:
            e.acceptProposedAction()

    def dropEvent(self, event: QtGui.QDropEvent | None) -> None:  # noqa: N802 - Qt's name
        color = _color_of(event.mimeData()) if event is not None else None
        if color is not None:
            self._model.palette.add(color)

    def _use(self, item: QtWidgets.QListWidgetItem) -> None:
        self._model.document.set_foreground(item.data(_ROLE.UserRole))

    def _fit(self) -> None:
        """As high as the swatches need, up to `MOST_ROWS` rows."""
        step = self.gridSize().width()
        frame = 2 * self.frameWidth()
        per_row = max(1, (self.width() - frame) // step)
        rows = min(MOST_ROWS, max(1, -(-self.count() // per_row)))
        policies = QtCore.Qt.ScrollBarPolicy
        # One that comes only when it is needed is counted as there already by Qt.
        fits = self.count() <= rows * per_row
        self.setVerticalScrollBarPolicy(
            policies.ScrollBarAlwaysOff if fits else policies.ScrollBarAsNeeded
        )
        height = rows * step + frame + 2
        if height != self.height():
            self.setFixedHeight(height)


def _color_of(mime: QtCore.QMimeData | None) -> Color | None:
    if mime is None or not mime.hasColor():
        return None
    color = QtGui.QColor(mime.colorData())
    return color.red(), color.green(), color.blue()
