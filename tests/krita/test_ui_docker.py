"""The docker as a whole: its pages, languages and themes, and that nothing of it stays behind."""

from __future__ import annotations

import gc
import weakref

import pytest
from desk import Desk, layers, settle

from s2i_client.jobs import Job
from s2i_krita.qt import QtCore, QtGui, QtWidgets
from s2i_krita.texts import use_language
from s2i_krita.ui.docker_view import MINIMUM_WIDTH

DOCUMENTS = 10


def labels(desk: Desk) -> set[str]:
    """All that can be read in the docker, tooltips and accessible names too."""
    settle()
    found: set[str] = set()
    for widget in desk.view.findChildren(QtWidgets.QWidget):
        found |= {widget.toolTip(), widget.accessibleName()}
        if isinstance(widget, QtWidgets.QLabel | QtWidgets.QAbstractButton):
            found.add(widget.text())
        if isinstance(widget, QtWidgets.QComboBox):
            found |= {widget.itemText(index) for index in range(widget.count())}
    return found


def test_pages_follow_daemon_and_document(desk: Desk) -> None:
    assert desk.sees("setup_view")
    model = desk.open()
    assert desk.sees("setup_view"), "a document alone can not be colored"
    desk.connect()
    assert desk.sees("main_page")
    desk.view.show_document(None)
    assert desk.sees("empty_page")
    assert not desk.sees("main_page")
    desk.lose()
    assert desk.sees("empty_page")
    desk.view.show_document(model)
    assert desk.sees("main_page")
    assert desk.text("step") == "Not connected"


def test_a_document_that_is_closed_leaves_an_empty_page(desk: Desk) -> None:
    model = desk.ready()
    desk.click("generate")
    job = desk.submitted()
    model.document.raw.close()
    desk.workspace.sweep()
    assert desk.sees("empty_page")
    assert job.cancel_wanted
    desk.poll()


def test_each_document_has_its_own_page(desk: Desk) -> None:
    one = desk.ready("Ink one")
    two = desk.open("Ink two")
    desk.click("generate")
    assert two.is_busy and not one.is_busy
    desk.view.show_document(one)
    assert desk.find("generate", QtWidgets.QPushButton).text() == "Generate"
    assert desk.find("source_sketch", QtWidgets.QComboBox).currentText() == "Ink one"
    desk.view.show_document(two)
    assert desk.find("generate", QtWidgets.QPushButton).text() == "Cancel"
    desk.client.finish(desk.submitted(), *layers())
    desk.until_idle(two)


def test_ten_documents_come_and_go_and_leave_nothing(desk: Desk) -> None:
    """Closed at every stage of a job, with the document in the docker or behind it."""
    desk.connect()
    settle()
    root = (desk.view, desk.workspace, desk.connection, desk.daemon, desk.settings, desk.palette)
    gone: list[weakref.ref[QtCore.QObject]] = []

    def come_and_go(number: int) -> None:
        model = desk.open()
        gone.append(weakref.ref(model))
        page = desk.find("main_page")
        gone.append(weakref.ref(page))
        stage = number % 5
        count = len(desk.client.submitted)
        if stage == 1:
            desk.click("live")
        elif stage >= 2:
            desk.click("generate")
        if stage >= 3:
            job = desk.submitted(count + 1)
            desk.client.progress(job, 0.5, "painting")
            desk.poll()
            if stage == 4:
                desk.client.finish(job, *layers())
        if number % 2:
            desk.view.show_document(None)
        model.document.raw.close()
        desk.workspace.sweep()

    come_and_go(4)
    desk.poll()
    settle()
    before = [len(each.findChildren(QtCore.QObject)) for each in root]
    for number in range(DOCUMENTS):
        come_and_go(number)
    desk.poll()
    settle()
    gc.collect()
    assert [len(each.findChildren(QtCore.QObject)) for each in root] == before
    assert [ref for ref in gone if ref() is not None] == []
    assert desk.client.jobs == []
    model = desk.open()
    desk.result(model)
    assert len(model.history.entries) == 1


def test_a_closed_docker_hears_no_more(desk: Desk) -> None:
    model = desk.ready()
    desk.view.deleteLater()
    settle()
    model.set_parameter("strength", 0.1)
    desk.palette.set([(1, 2, 3)])
    desk.settings.set("device", "cpu")
    desk.client.lose()
    desk.poll()
    desk.view = QtWidgets.QWidget()  # type: ignore[assignment]  # for the fixture to close


def test_the_language_is_switched_at_once(desk: Desk) -> None:
    english = desk.ready()
    desk.result(english)
    desk.settings.changed.connect(lambda name: use_language(desk.settings.values.language))
    desk.settings.set("language", "de")
    settle()
    assert desk.find("generate", QtWidgets.QPushButton).text() == "Erzeugen"
    assert "Über der Skizze" in labels(desk)
    assert desk.find("history", QtWidgets.QListWidget).count() == 1
    desk.settings.set("language", "en")
    settle()
    assert desk.find("generate", QtWidgets.QPushButton).text() == "Generate"


def test_icons_follow_the_theme(desk: Desk) -> None:
    asked: list[str] = []
    original = desk.view._icon

    def counting(name: str) -> QtGui.QIcon:
        asked.append(name)
        return original(name)

    desk.ready()
    desk.view._icon = counting
    palette = QtGui.QPalette(desk.view.palette())
    dark = palette.color(QtGui.QPalette.ColorRole.Window).lightness() < 128
    palette.setColor(QtGui.QPalette.ColorRole.Window, QtGui.QColor("white" if dark else "black"))
    desk.view.setPalette(palette)
    settle()
    assert "configure" in asked


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("page", ["setup", "main", "empty"])
def test_nothing_is_wider_than_the_docker(desk: Desk, language: str, page: str) -> None:
    use_language(language)
    try:
        if page == "setup":
            desk.settings.set("folded", "more")
        else:
            desk.connect()
        model = desk.open() if page == "main" else None
        if model is not None:
            model.set_source("reference", model.sources["sketch"])
            desk.client.fail(desk_job(desk), "memory", "A_very_long_word_" * 8)
            desk.until_idle(model)
        desk.view._rebuild()
        desk.view.resize(MINIMUM_WIDTH, 900)
        settle()
        right = desk.view.rect().right()
        for widget in desk.view.findChildren(QtWidgets.QWidget):
            if widget.isVisible():
                edge = widget.mapTo(desk.view, widget.rect().bottomRight()).x()
                assert edge <= right, f"{widget.objectName() or widget} ends at {edge}"
    finally:
        use_language("en")


def desk_job(desk: Desk) -> Job:
    count = len(desk.client.submitted)
    desk.click("generate")
    return desk.submitted(count + 1)


@pytest.mark.parametrize("page", ["setup", "main", "empty"])
def test_every_widget_has_names(desk: Desk, page: str) -> None:
    if page != "setup":
        desk.connect()
    if page == "main":
        desk.open()
    settle()
    kinds = (
        QtWidgets.QAbstractButton,
        QtWidgets.QComboBox,
        QtWidgets.QLineEdit,
        QtWidgets.QAbstractSpinBox,
        QtWidgets.QAbstractItemView,
        QtWidgets.QProgressBar,
    )
    seen = 0
    for widget in desk.view.findChildren(QtWidgets.QWidget):
        # Qt's own parts, such as the line of a spin box, are named qt_something.
        is_ours = isinstance(widget, kinds) and not widget.objectName().startswith("qt_")
        if is_ours and not isinstance(widget.parent(), kinds) and not in_popup(widget):
            assert widget.objectName(), widget
            assert widget.accessibleName(), widget.objectName()
            seen += 1
    assert seen or page == "empty"


def in_popup(widget: QtWidgets.QWidget) -> bool:
    window = widget.window()
    return window is not None and window.windowType() == QtCore.Qt.WindowType.Popup


def test_the_tab_key_reaches_all_that_can_be_used(desk: Desk) -> None:
    desk.ready()
    settle()
    for widget in desk.view.findChildren(QtWidgets.QAbstractButton):
        if widget.isVisible() and not widget.objectName().startswith("qt_"):
            policy = widget.focusPolicy() & QtCore.Qt.FocusPolicy.TabFocus
            assert policy == QtCore.Qt.FocusPolicy.TabFocus, widget.objectName()
