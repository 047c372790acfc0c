"""The pictures of a result to choose from, and what can be done with each."""

from __future__ import annotations

from collections.abc import Callable

from ..model.document_model import DocumentModel
from ..model.roles import REFERENCE
from ..qt import QtCore, QtGui, QtWidgets, pyqtSlot
from ..texts import _
from .compact import (
    ELIDE,
    SPACING,
    Icon,
    column,
    identify,
    line_height,
    push_button,
    tool_button,
)
from .history_view import why_no_colors
from .picture_tip import picture_tip
from .tiles import FRAME, TileDelegate, TileList, in_square

TILE_LINES = 6  # a picture's side, in lines of text
_ROLE = QtCore.Qt.ItemDataRole


class FoundPanel(QtWidgets.QWidget):
    """Seen while such a result is looked at. What only explains a result has no buttons, nor has
    what lies on the canvas, which is applied as any result."""

    def __init__(self, model: DocumentModel, icon: Icon):
        super().__init__()
        self._model = model
        identify(self, "found_panel", _("Pictures of the result"))
        self._use = push_button("use_found", _("Use as reference"))
        self._use.setIcon(icon("dialog-ok"))
        self._use.clicked.connect(self._use_first)
        self._more = tool_button(
            "found_uses", _("More"), icon("arrow-down"), _("What else the picture can be used as")
        )
        self._more.setPopupMode(QtWidgets.QToolButton.ToolButtonPopupMode.InstantPopup)
        self._menu = identify(QtWidgets.QMenu(self._more), "found_menu", _("More"))
        self._menu.aboutToShow.connect(self._fill)
        self._more.setMenu(self._menu)
        self._add = tool_button(
            "add_found",
            _("Add as layer"),
            icon("paintLayer"),
            _("Put the picked picture into the document, as a layer"),
        )
        self._add.clicked.connect(lambda _on: model.apply())
        policy = self._use.sizePolicy()
        policy.setHorizontalPolicy(QtWidgets.QSizePolicy.Policy.Ignored)
        self._use.setSizePolicy(policy)
        layout = column(self)
        layout.addWidget(FoundList(model, self._menu, self._use_first), 1)
        buttons = QtWidgets.QHBoxLayout()
        buttons.setSpacing(SPACING)
        buttons.addWidget(self._use, 1)
        buttons.addWidget(self._more)
        buttons.addWidget(self._add)
        layout.addLayout(buttons)
        for signal in (
            model.found.changed,
            model.progress_changed,
            model.connection.state_changed,
        ):
            signal.connect(self.refresh)
        self.refresh()

    @pyqtSlot()
    def refresh(self) -> None:
        model, uses = self._model, self._model.found.uses
        self.setVisible(bool(model.found.pictures))
        ready = not model.is_busy
        for button in (self._use, self._more, self._add):
            button.setVisible(model.found.is_all)
        for button in (self._add, self._more):
            button.setEnabled(ready)
        taken = bool(uses) and uses[0].input.name == REFERENCE
        self._use.setEnabled(ready and taken)
        tip = _("Color the drawing after the picked picture")
        self._use.setToolTip(tip if taken else _("No system of this daemon takes a reference."))

    def _use_first(self) -> None:
        if self._model.found.is_variants:
            self._model.apply()
        elif self._use.isEnabled():
            self._model.use_found(self._model.found.uses[0])

    def _fill(self) -> None:
        """What the picked picture can be used as now."""
        model, menu = self._model, self._menu
        menu.clear()
        for use in model.found.uses:
            action = menu.addAction(
                _("As {input} in “{system}”",
                  input=_(use.input.title), system=_(use.system.title))
            )  # fmt: skip
            assert action is not None
            action.setObjectName(f"use_{use.system.name}_{use.input.name}")
            action.triggered.connect(lambda _on=False, use=use: model.use_found(use))
            action.setEnabled(not model.is_busy)
        menu.addSeparator()
        colors = menu.addAction(_("Take its colors into the palette"))
        assert colors is not None
        colors.setObjectName("take_found_palette")
        colors.triggered.connect(lambda _on=False: model.take_palette(model.found.entry))
        why = why_no_colors(model)
        colors.setEnabled(not why)
        menu.setToolTipsVisible(True)
        colors.setToolTip(why)


class FoundList(TileList):
    """Choosing a picture picks it, a double click or Return uses it as the reference, or applies it
    where it lies on the canvas; what else it can be is in the context menu."""

    def __init__(self, model: DocumentModel, menu: QtWidgets.QMenu, use: Callable[[], None]):
        super().__init__(TILE_LINES * line_height(), _("Nothing was found"))
        identify(self, "found", _("Pictures of the result"))
        self._model, self._menu, self._use = model, menu, use
        self.setItemDelegate(CaptionDelegate(self))
        caption = QtCore.QSize(0, line_height() + FRAME)
        self.setGridSize(self.gridSize() + caption)
        self.setMinimumHeight(self.gridSize().height() + 2 * self.frameWidth())
        self.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Expanding
        )
        self.setContextMenuPolicy(QtCore.Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._open_menu)
        self.currentRowChanged.connect(model.found.pick)
        self.itemDoubleClicked.connect(lambda _item: self.use_current())
        model.found.changed.connect(self.refresh)
        model.found.picked_changed.connect(self._show_picked)
        model.found.thumbnail_came.connect(self._show_thumbnail)
        self.refresh()

    def sizeHint(self) -> QtCore.QSize:  # noqa: N802 - Qt's name
        return QtCore.QSize(0, 2 * self.minimumHeight())

    @pyqtSlot()
    def refresh(self) -> None:
        found = self._model.found
        blocker = QtCore.QSignalBlocker(self)
        self.clear()
        for place, title in enumerate(found.titles):
            item = QtWidgets.QListWidgetItem(title)
            item.setData(_ROLE.AccessibleTextRole, title)
            self.addItem(item)
            self._show_thumbnail(place)
        blocker.unblock()
        self._show_picked()

    def use_current(self) -> None:
        self._use()

    def remove_current(self) -> None:
        """They belong to one result, which is discarded as a whole."""

    def viewportEvent(self, e: QtCore.QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """A tooltip has a picture in it, and is made when somebody wants to see it."""
        if isinstance(e, QtGui.QHelpEvent) and (item := self.itemAt(e.pos())) is not None:
            image = self._model.found.thumbnails[self.row(item)]
            item.setToolTip(item.text() if image is None else picture_tip(image, item.text()))
        return super().viewportEvent(e)

    @pyqtSlot(int)
    def _show_thumbnail(self, place: int) -> None:
        image, item = self._model.found.thumbnails[place], self.item(place)
        if image is not None and item is not None:
            item.setIcon(in_square(image, self.iconSize()))

    @pyqtSlot()
    def _show_picked(self) -> None:
        blocker = QtCore.QSignalBlocker(self)
        self.setCurrentRow(self._model.found.picked)
        blocker.unblock()

    def _open_menu(self, place: QtCore.QPoint) -> None:
        item = self.itemAt(place)
        if item is not None and self._model.found.is_all:
            self.setCurrentItem(item)
            self._menu.popup(self.mapToGlobal(place))


class CaptionDelegate(TileDelegate):
    """A line of text below the picture."""

    def paint(
        self,
        painter: QtGui.QPainter | None,
        option: QtWidgets.QStyleOptionViewItem,
        index: QtCore.QModelIndex,
    ) -> None:
        super().paint(painter, option, index)
        assert painter is not None
        selected = option.state & QtWidgets.QStyle.StateFlag.State_Selected
        role = QtGui.QPalette.ColorRole
        painter.setPen(option.palette.color(role.HighlightedText if selected else role.Text))
        room = option.rect.adjusted(FRAME, option.decorationSize.height() + FRAME, -FRAME, 0)
        text = option.fontMetrics.elidedText(index.data(), ELIDE, room.width())
        painter.drawText(room, int(QtCore.Qt.AlignmentFlag.AlignCenter), text)

    def picture_room(self, option: QtWidgets.QStyleOptionViewItem) -> QtCore.QRect:
        return QtCore.QRect(option.rect.topLeft(), super().sizeHint(option, QtCore.QModelIndex()))

    def sizeHint(  # noqa: N802 - Qt's name
        self, option: QtWidgets.QStyleOptionViewItem, index: QtCore.QModelIndex
    ) -> QtCore.QSize:
        return super().sizeHint(option, index) + QtCore.QSize(0, line_height() + FRAME)
