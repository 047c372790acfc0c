"""Results: looking at them, applying them, and the palette."""

from __future__ import annotations

from typing import Any

import pytest
from desk import FLATTER, PAINTER, Desk, drop, layers
from fake_krita import testing
from fake_krita.qt import QAction

from s2i_krita.qt import QtCore, QtGui, QtWidgets


def history(desk: Desk) -> QtWidgets.QListWidget:
    return desk.find("history", QtWidgets.QListWidget)


def item(view: QtWidgets.QListWidget, row: int) -> QtWidgets.QListWidgetItem:
    found = view.item(row)
    assert found is not None
    return found


def menu_action(desk: Desk, row: int, name: str) -> None:
    """Choose something from a result's context menu."""
    result_action(desk, row, name).trigger()


def result_action(desk: Desk, row: int, name: str) -> Any:
    """Something that a result's context menu offers."""
    view = history(desk)
    place = view.visualItemRect(view.item(row)).center()
    view.customContextMenuRequested.emit(place)
    menu = desk.find("result_menu", QtWidgets.QMenu)
    menu.hide()
    menu.setObjectName("")  # the next time there is another one
    return next(each for each in menu.actions() if each.objectName() == name)


def tooltip(view: QtWidgets.QListWidget, row: int) -> str:
    """What a tile tells where the mouse rests on it."""
    viewport = view.viewport()
    assert viewport is not None
    place = view.visualItemRect(view.item(row)).center()
    kind = QtCore.QEvent.Type.ToolTip
    QtWidgets.QApplication.sendEvent(
        viewport, QtGui.QHelpEvent(kind, place, viewport.mapToGlobal(place))
    )
    return item(view, row).toolTip()


def top_layers(desk: Desk, model) -> list[str]:
    return [layer.name for layer in model.document.layers() if layer.depth_in_tree == 0]


def mouse_press(widget: QtWidgets.QListWidget, row: int, button: str, keys: str) -> None:
    viewport = widget.viewport()
    assert viewport is not None
    place = QtCore.QPointF(widget.visualItemRect(widget.item(row)).center())
    for kind in ("MouseButtonPress", "MouseButtonRelease"):
        event = QtGui.QMouseEvent(
            getattr(QtCore.QEvent.Type, kind),
            place,
            place,
            getattr(QtCore.Qt.MouseButton, button),
            getattr(QtCore.Qt.MouseButton, button),
            getattr(QtCore.Qt.KeyboardModifier, keys),
        )
        QtWidgets.QApplication.sendEvent(viewport, event)


def test_the_newest_result_comes_first_and_is_looked_at(desk: Desk) -> None:
    model = desk.ready()
    desk.result(model, (250, 0, 0))
    desk.result(model, (0, 0, 250))
    view = history(desk)
    assert view.count() == 2
    newest = item(view, 0).icon().pixmap(16, 16).toImage().pixelColor(8, 8)
    assert newest.blue() > 200 > newest.red()
    assert item(view, 0).isSelected()
    tip = tooltip(view, 0)
    assert "Painter" in tip
    assert "Strength: 0.5" in tip
    assert "Grow: yes" in tip
    view.setCurrentRow(1)
    assert model.selected is model.history.entries[1]
    model.select(model.history.entries[0])
    assert item(view, 0).isSelected()
    assert not item(view, 1).isSelected()


def test_a_result_is_discarded_by_menu_or_key(desk: Desk, qtbot) -> None:
    model = desk.ready()
    desk.result(model)
    desk.result(model)
    menu_action(desk, 1, "discard")
    assert len(model.history.entries) == 1
    history(desk).setCurrentRow(0)
    qtbot.keyClick(history(desk), QtCore.Qt.Key.Key_Delete)
    assert model.history.entries == []
    assert model.selected is None


@pytest.mark.parametrize("key", ["Key_Delete", "Key_Backspace"])
@pytest.mark.parametrize("name", ["history", "swatches"])
def test_keys_of_a_list_are_no_shortcuts_of_the_window(
    desk: Desk, qtbot, name: str, key: str
) -> None:
    model = desk.ready()
    desk.click("palette_heading")
    desk.palette.set([(1, 2, 3)])
    desk.result(model)
    cleared: list[bool] = []
    window = QtWidgets.QMainWindow()
    qtbot.addWidget(window)
    window.setCentralWidget(desk.view)
    clear = QAction("Clear the layer", window)
    clear.setShortcut(QtGui.QKeySequence(getattr(QtCore.Qt.Key, key)))
    clear.triggered.connect(cleared.append)
    window.addAction(clear)
    window.show()
    window.activateWindow()
    view = desk.find(name, QtWidgets.QListWidget)
    view.setFocus()
    view.setCurrentRow(0)
    qtbot.waitUntil(view.hasFocus)
    shown = window.windowHandle()
    qtbot.keyClick(shown, getattr(QtCore.Qt.Key, key))
    assert cleared == []
    assert view.count() == 0
    qtbot.keyClick(shown, getattr(QtCore.Qt.Key, key))
    assert cleared == [], "also when there is nothing left to remove"
    qtbot.keyClick(shown, getattr(QtCore.Qt.Key, key), QtCore.Qt.KeyboardModifier.ShiftModifier)
    clear.setShortcut(QtGui.QKeySequence("Shift+Del"))
    qtbot.keyClick(shown, QtCore.Qt.Key.Key_Delete, QtCore.Qt.KeyboardModifier.ShiftModifier)
    assert cleared == [False], "others stay Krita's"
    window.takeCentralWidget()


def test_looking_at_a_result_is_not_applying_it(desk: Desk, qtbot) -> None:
    model = desk.ready("Line art")
    desk.result(model)
    view = history(desk)
    # As a click comes on desktops where one opens things.
    view.itemActivated.emit(item(view, 0))
    assert not model.is_busy
    view.itemDoubleClicked.emit(item(view, 0))
    desk.until_idle(model)
    assert "Painter" in top_layers(desk, model)
    view.setCurrentRow(0)
    qtbot.keyClick(view, QtCore.Qt.Key.Key_Return)
    desk.until_idle(model)
    assert top_layers(desk, model).count("Painter") == 2


def test_a_new_result_does_not_make_the_others_anew(desk: Desk) -> None:
    model = desk.ready()
    for color in ((250, 0, 0), (0, 250, 0), (0, 0, 250)):
        desk.result(model, color)
    view = history(desk)
    tiles = [item(view, row) for row in range(3)]
    assert not any(tile.toolTip() for tile in tiles), "made when somebody looks"
    desk.result(model)
    assert [view.row(tile) for tile in tiles] == [1, 2, 3]
    model.discard(model.history.entries[2])
    assert [view.row(tile) for tile in (tiles[0], tiles[2])] == [1, 2]
    assert view.count() == 3
    ids = [entry.id for entry in model.history.entries]
    kept = [item(view, row).data(QtCore.Qt.ItemDataRole.UserRole) for row in range(3)]
    assert kept == ids
    assert "data:image/png" in tooltip(view, 2)


def test_settings_of_a_result_are_used_again(desk: Desk) -> None:
    model = desk.ready()
    model.set_parameter("strength", 0.9)
    desk.result(model)
    model.reset_parameters()
    model.choose(FLATTER.name)
    menu_action(desk, 0, "reuse")
    assert model.pipeline is not None
    assert model.pipeline.name == PAINTER.name
    assert model.parameters["strength"] == 0.9


def test_a_result_of_a_system_that_is_gone_says_so(desk: Desk) -> None:
    model = desk.ready()
    desk.result(model)
    desk.client.connect([FLATTER])
    desk.poll()
    menu_action(desk, 0, "reuse")
    assert desk.text("message") == "This daemon has no system “Painter”."


def test_apply_needs_a_result(desk: Desk) -> None:
    model = desk.ready()
    button = desk.find("apply", QtWidgets.QPushButton)
    assert not button.isEnabled()
    assert button.toolTip().startswith("Choose a result first")
    desk.result(model)
    assert button.isEnabled()
    model.select(None)
    assert not button.isEnabled()


def test_apply_as_a_group_above_the_sketch(desk: Desk) -> None:
    model = desk.ready("Line art")
    desk.result(model)
    desk.click("apply")
    desk.until_idle(model)
    assert top_layers(desk, model) == ["Painter", "Line art", "Background"]
    inside = [layer.name for layer in model.document.layers() if layer.depth_in_tree == 1]
    assert inside == ["Lines", "Flats"]
    testing.undo(model.document.raw)
    assert top_layers(desk, model) == ["Line art", "Background"]


def test_apply_as_the_user_chose_and_remembered(desk: Desk) -> None:
    model = desk.ready("Line art")
    desk.choose("apply_as", "As one layer")
    desk.choose("placement", "Below the sketch")
    desk.click("only_selection")
    assert desk.kept["apply_as"] == "one_layer"
    assert desk.kept["placement"] == "below_sketch"
    assert desk.kept["only_selection"] == "true"
    desk.result(model)
    desk.click("apply")
    desk.until_idle(model)
    assert desk.text("message").startswith("There is no selection")
    testing.select(model.document.raw, 0, 0, 4, 4)
    model.select(model.history.entries[0])
    desk.click("apply")
    desk.until_idle(model)
    assert top_layers(desk, model) == ["Line art", "Flats", "Background"]
    made = model.document.layers()[1]
    assert (made.bounds.width, made.bounds.height) == (4, 4)


def test_apply_from_the_menu(desk: Desk) -> None:
    model = desk.ready("Line art")
    desk.result(model, (250, 0, 0))
    desk.result(model)
    menu_action(desk, 1, "apply_result")
    desk.until_idle(model)
    assert "Painter" in top_layers(desk, model)


def test_swatches_paint_and_are_removed(desk: Desk, qtbot) -> None:
    model = desk.ready()
    desk.click("palette_heading")
    assert desk.sees("swatches")
    desk.palette.set([(255, 0, 0), (0, 255, 0), (0, 0, 255), (9, 9, 9)])
    swatches = desk.find("swatches", QtWidgets.QListWidget)
    mouse_press(swatches, 1, "LeftButton", "NoModifier")
    assert model.document.foreground() == (0, 255, 0)
    mouse_press(swatches, 0, "LeftButton", "AltModifier")
    assert (255, 0, 0) not in desk.palette.colors
    mouse_press(swatches, 0, "MiddleButton", "NoModifier")
    assert desk.palette.colors == [(0, 0, 255), (9, 9, 9)]
    swatches.setCurrentRow(1)
    qtbot.keyClick(swatches, QtCore.Qt.Key.Key_Delete)
    assert desk.palette.colors == [(0, 0, 255)]
    swatches.setCurrentRow(0)
    qtbot.keyClick(swatches, QtCore.Qt.Key.Key_Return)
    assert model.document.foreground() == (0, 0, 255)


def test_the_foreground_color_is_added(desk: Desk) -> None:
    model = desk.ready()
    model.document.set_foreground((12, 34, 56))
    desk.click("add_color")
    assert desk.palette.colors == [(12, 34, 56)]


def test_a_color_is_dropped(desk: Desk) -> None:
    desk.ready()
    desk.click("palette_heading")
    mime = QtCore.QMimeData()
    mime.setColorData(QtGui.QColor(7, 8, 9))
    text = QtCore.QMimeData()
    text.setText("red")
    viewport = desk.find("swatches", QtWidgets.QListWidget).viewport()
    assert viewport is not None
    assert not drop(viewport, text)
    assert drop(viewport, mime)
    assert desk.palette.colors == [(7, 8, 9)]


def test_colors_are_taken_from_a_result(desk: Desk) -> None:
    model = desk.ready()
    desk.click("take_palette")
    assert desk.text("message").startswith("There is no result and no reference")
    desk.result(model, (250, 0, 0))
    desk.result(model, (0, 0, 250))
    desk.click("take_palette")
    desk.until_idle(model)
    assert desk.palette.colors == [(0, 0, 250)]
    menu_action(desk, 1, "take_result_palette")
    desk.until_idle(model)
    assert desk.palette.colors == [(0, 0, 250), (250, 0, 0)]


def test_the_lock_keeps_the_palette(desk: Desk) -> None:
    model = desk.ready()
    desk.result(model)
    take = desk.find("take_palette", QtWidgets.QToolButton)
    assert take.isEnabled()
    desk.click("lock_palette")
    assert not take.isEnabled()
    assert "locked" in take.toolTip()
    action = result_action(desk, 0, "take_result_palette")
    assert not action.isEnabled()
    assert "locked" in action.toolTip()
    assert desk.kept["palette_locked"] == "true"
    desk.click("lock_palette")
    assert not desk.palette.locked
    assert take.isEnabled()
    assert take.toolTip().startswith("Take the main colors")


def test_colors_are_not_taken_while_something_runs(desk: Desk) -> None:
    model = desk.ready()
    take = desk.find("take_palette", QtWidgets.QToolButton)
    desk.click("generate")
    job = desk.submitted()
    assert not take.isEnabled()
    assert take.toolTip() == "Wait until it has finished."
    desk.client.finish(job, *layers())
    desk.until_idle(model)
    assert take.isEnabled()
