"""Strokes on canvases and saving, as Qt tells of them."""

from __future__ import annotations

from typing import Any

from fake_krita import testing
from fake_krita.application import Krita

from s2i_krita.host.canvas import StrokeWatch
from s2i_krita.host.saving import SaveWatch
from s2i_krita.qt import QtCore, QtGui, QtWidgets


def click(qtbot: Any, widget: QtWidgets.QWidget, told: list[str]) -> list[str]:
    """What is told between press and release, and after."""
    told.clear()
    button = QtCore.Qt.MouseButton.LeftButton
    qtbot.mousePress(widget, button)
    during = list(told)
    qtbot.mouseRelease(widget, button)
    return ["|".join(during), "|".join(told[len(during) :])]


def test_strokes_are_told_on_canvases_old_and_new(krita: Krita, qtbot: Any) -> None:
    testing.show_document(2, 2)
    window = krita.windows()[0].qwindow()
    watch, told = StrokeWatch(window), []
    watch.stroke_begun.connect(lambda: told.append("begun"))
    watch.stroke_ended.connect(lambda: told.append("ended"))
    assert click(qtbot, krita.views()[0].canvas_widget, told) == ["begun", "ended"]
    testing.show_document(2, 2)
    qtbot.wait(1)
    assert click(qtbot, krita.views()[1].canvas_widget, told) == ["begun", "ended"]
    outside = QtWidgets.QPushButton(window)
    assert click(qtbot, outside, told) == ["", ""]
    assert not watch.painting


def test_escape_on_the_canvas_is_told(krita: Krita, qtbot: Any) -> None:
    testing.show_document(2, 2)
    watch = StrokeWatch(krita.windows()[0].qwindow())
    with qtbot.waitSignal(watch.escape_pressed):
        qtbot.keyClick(krita.views()[0].canvas_widget, QtCore.Qt.Key.Key_Escape)


def test_saving_is_told_before_and_after(krita: Krita, qtbot: Any) -> None:
    raw = testing.show_document(2, 2)
    window = krita.windows()[0]
    save = window.createAction("file_save", "Save")
    other = window.createAction("file_new", "New")
    bar = window.qwindow().menuBar()
    assert bar is not None
    files, edit = bar.addMenu("File"), bar.addMenu("Edit")
    assert files is not None and edit is not None
    files.addAction(save)
    edit.addAction(other)
    watch, told = SaveWatch(window.qwindow()), []
    watch.about_to_save.connect(lambda: told.append("about"))
    watch.over.connect(lambda: told.append("over"))
    shortcut = QtGui.QKeySequence("Ctrl+S")
    for action in (save, other):
        event = QtGui.QShortcutEvent(shortcut, 0)
        QtWidgets.QApplication.sendEvent(action, event)
    QtWidgets.QApplication.sendEvent(save, QtCore.QEvent(QtCore.QEvent.Type.ActionChanged))
    assert told == ["about"]
    raw.saveAs("page.kra")
    assert told == ["about", "over"]
    edit.aboutToShow.emit()
    files.aboutToShow.emit()
    assert told[2:] == ["about"]
    qtbot.waitUntil(lambda: told[2:] == ["about", "over"])  # nothing was saved


def test_saving_is_told_when_its_button_is_pressed_or_a_document_closes(
    krita: Krita, qtbot: Any
) -> None:
    testing.show_document(2, 2)
    window = krita.windows()[0]
    main = window.qwindow()
    save, other = window.createAction("file_save", "Save"), window.createAction("file_new", "New")
    toolbar = main.addToolBar("File")
    assert toolbar is not None
    toolbar.addActions([save, other])
    watch, told = SaveWatch(main), []
    watch.about_to_save.connect(lambda: told.append("about"))
    for action, expected in ((other, []), (save, ["about"])):
        button = toolbar.widgetForAction(action)
        assert button is not None
        qtbot.mouseClick(button, QtCore.Qt.MouseButton.LeftButton)
        assert told == expected
    QtWidgets.QApplication.sendEvent(main, QtGui.QCloseEvent())
    assert told == ["about", "about"]


def test_nothing_is_over_while_a_dialog_asks(krita: Krita, qtbot: Any) -> None:
    testing.show_document(2, 2)
    window = krita.windows()[0].qwindow()
    watch, told = SaveWatch(window), []
    watch.over.connect(lambda: told.append("over"))
    dialog = QtWidgets.QDialog(window)
    dialog.setModal(True)
    dialog.show()
    watch._begin()
    qtbot.wait(450)
    assert told == []
    dialog.close()
    qtbot.waitUntil(lambda: told == ["over"])
