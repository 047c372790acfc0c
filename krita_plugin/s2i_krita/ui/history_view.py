"""The document's results as thumbnails, the newest first."""

from __future__ import annotations

from ..model.document_model import DocumentModel
from ..model.history import Entry
from ..qt import QtCore, QtGui, QtWidgets, pyqtSlot
from ..texts import _
from .compact import Icon, identify, line_height
from .picture_tip import picture_tip
from .tiles import TileList, in_square

THUMBNAIL_LINES = 4  # a thumbnail's side, in lines of text
_ROLE = QtCore.Qt.ItemDataRole


class HistoryView(TileList):
    """Choosing a result shows it, a double click or Return applies it, Delete discards it; what
    else can be done with it is in its context menu."""

    def __init__(self, model: DocumentModel, icon: Icon):
        super().__init__(THUMBNAIL_LINES * line_height(), _("Results appear here"))
        identify(self, "history", _("Results"))
        self._model, self._icon = model, icon
        self.setMinimumHeight(self.gridSize().height() + 2 * self.frameWidth())
        self.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Expanding
        )
        self.setContextMenuPolicy(QtCore.Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._open_menu)
        self.itemSelectionChanged.connect(self._select)
        # Not `itemActivated`: on some desktops one click is enough for that.
        self.itemDoubleClicked.connect(lambda _item: self.use_current())
        model.history.changed.connect(self.refresh)
        model.selected_changed.connect(self._show_selected)
        self.refresh()

    def sizeHint(self) -> QtCore.QSize:  # noqa: N802 - Qt's name
        return QtCore.QSize(0, self.minimumHeight())

    @pyqtSlot()
    def refresh(self) -> None:
        """Take away the tiles of results that are gone, and add those of new ones."""
        entries = self._model.history.entries
        blocker = QtCore.QSignalBlocker(self)
        for row in reversed(range(self.count())):
            if self._entry(self.item(row)) is None:
                self.takeItem(row)
        for row, entry in enumerate(entries):
            if self._entry(self.item(row)) is not entry:
                self.insertItem(row, self._tile(entry))
        while self.count() > len(entries):
            self.takeItem(self.count() - 1)
        blocker.unblock()
        self._show_selected()

    def use_current(self) -> None:
        if self._current() is not None:
            self._model.apply()

    def remove_current(self) -> None:
        entry = self._current()
        if entry is not None:
            self._model.discard(entry)

    def viewportEvent(self, e: QtCore.QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """A tooltip has a picture in it, and is made when somebody wants to see it."""
        if isinstance(e, QtGui.QHelpEvent):
            item = self.itemAt(e.pos())
            entry = self._entry(item)
            if item is not None and entry is not None:
                item.setToolTip(picture_tip(entry.thumbnail, *_describe(entry, self._model)))
        return super().viewportEvent(e)

    def _tile(self, entry: Entry) -> QtWidgets.QListWidgetItem:
        item = QtWidgets.QListWidgetItem(in_square(entry.thumbnail, self.iconSize()), "")
        item.setData(_ROLE.UserRole, entry.id)
        item.setData(_ROLE.AccessibleTextRole, ", ".join(_describe(entry, self._model)))
        return item

    def _entry(self, item: QtWidgets.QListWidgetItem | None) -> Entry | None:
        return self._model.history.get(item.data(_ROLE.UserRole)) if item is not None else None

    @pyqtSlot()
    def _show_selected(self) -> None:
        selected = self._model.selected
        blocker = QtCore.QSignalBlocker(self)
        self.clearSelection()
        for item in map(self.item, range(self.count())):
            if selected and item is not None and item.data(_ROLE.UserRole) == selected.id:
                self.setCurrentItem(item)
        blocker.unblock()

    def _current(self) -> Entry | None:
        return self._entry(next(iter(self.selectedItems()), None))

    def _select(self) -> None:
        self._model.select(self._current())

    def _open_menu(self, place: QtCore.QPoint) -> None:
        entry = self._entry(self.itemAt(place))
        if entry is not None:
            menu = result_menu(self._model, entry, self._icon, self)
            menu.popup(self.mapToGlobal(place))


def result_menu(
    model: DocumentModel, entry: Entry, icon: Icon, parent: QtWidgets.QWidget
) -> QtWidgets.QMenu:
    """What can be done with a result."""
    menu = identify(QtWidgets.QMenu(parent), "result_menu", _("Result"))
    menu.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.setToolTipsVisible(True)

    def apply() -> None:
        model.select(entry)
        model.apply()

    add = _("Apply") if entry.laid else _("Add as layer")
    again = model.again(entry)
    once_more = (
        [("again_result", _(again.title), "view-refresh", lambda: model.generate_again(entry))]
        if again is not None
        else []
    )
    for name, text, picture, command in (
        ("apply_result", add, "dialog-ok", apply),
        *once_more,
        ("reuse", _("Use these settings again"), "applications-system", lambda: model.reuse(entry)),
        (
            "take_result_palette",
            _("Take its colors into the palette"),
            "krita_tool_color_sampler",
            lambda: model.take_palette(entry),
        ),
        ("discard", _("Discard"), "edit-delete", lambda: model.discard(entry)),
    ):
        action = menu.addAction(icon(picture), text)
        assert action is not None
        action.setObjectName(name)
        action.triggered.connect(lambda _on=False, command=command: command())
        if name == "take_result_palette" and (why := why_no_colors(model)):
            action.setEnabled(False)
            action.setToolTip(why)
        if name == "again_result":
            action.setEnabled(not model.is_busy)
    return menu


def why_no_colors(model: DocumentModel) -> str:
    """Why no colors can be taken into the palette now; empty when they can."""
    if model.palette.locked:
        return _("The palette is locked. Unlock it to take colors.")
    return _("Wait until it has finished.") if model.is_busy else ""


def _describe(entry: Entry, model: DocumentModel) -> list[str]:
    """The system, when it was, and the parameters by their titles."""
    made_at = QtCore.QDateTime.fromSecsSinceEpoch(round(entry.made_at))
    when = QtCore.QLocale().toString(made_at, QtCore.QLocale.FormatType.ShortFormat)
    pipeline = model.connection.pipeline(entry.pipeline)
    titles = {p.name: _(p.title) for p in pipeline.parameters} if pipeline else {}
    lines = [_(pipeline.title) if pipeline else entry.title, when]
    for name, value in entry.parameters.items():
        lines.append(f"{titles.get(name, name)}: {_in_words(value)}")
    return lines


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return _(value) if isinstance(value, str) else f"{value:g}"
