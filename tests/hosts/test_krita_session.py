"""The harness itself, in the real Krita: what other tests rely on."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from inside_krita import Krita, QtCore
from krita_session import KritaSession, RaisedInKrita
from krita_steps import (
    add_layer,
    close_all,
    create_document,
    layer_tree,
    paint_stroke,
    pixel,
    redo,
    undo,
)

RED = [255, 0, 0, 255]
WHITE = [255, 255, 255, 255]


def version():
    return Krita.instance().version()


def add(first, second):
    yield 0.01
    return first + second


def divide(number):
    return number / 0


def fail_in_slot():
    QtCore.QTimer.singleShot(0, lambda: divide(1))


@pytest.fixture(scope="module")
def plugins() -> list[Path]:
    return []


@pytest.fixture
def document(krita: KritaSession):
    krita.run(create_document, 400, 300)
    yield
    krita.run(close_all)


def test_a_sent_function_runs_inside_krita(krita: KritaSession):
    assert krita.run(version) == krita.versions["krita"]


def test_a_generator_gives_its_value(krita: KritaSession):
    assert krita.run(add, 2, 3) == 5


@pytest.mark.usefixtures("document")
def test_a_stroke_paints_where_it_is_meant_and_undo_takes_it_back(krita: KritaSession):
    krita.run(add_layer, "Ink")
    krita.run(paint_stroke, [[50, 50], [150, 200]], 10, [255, 0, 0])
    krita.screenshot("stroke")
    assert krita.run(pixel, 100, 125) == RED
    assert krita.run(pixel, 125, 100) == WHITE
    krita.run(undo)
    assert krita.run(pixel, 100, 125) == WHITE
    krita.run(redo)
    assert krita.run(pixel, 100, 125) == RED
    assert [layer["name"] for layer in krita.run(layer_tree)] == ["Background", "Ink"]


def test_an_exception_in_a_sent_function_is_raised_with_its_traceback(krita: KritaSession):
    with pytest.raises(RaisedInKrita, match=r"return number / 0[\s\S]*ZeroDivisionError"):
        krita.run(divide, 1)


def test_an_exception_in_a_slot_is_collected_and_opens_no_dialog(krita: KritaSession):
    krita.run(fail_in_slot)
    (error,) = krita.slot_errors()
    assert "ZeroDivisionError" in error
    assert krita.slot_errors() == []


def test_krita_quits_cleanly_leaves_no_process_and_starts_again(krita: KritaSession):
    before = psutil.Process(krita.pid)
    assert krita.quit() == 0
    assert not before.is_running()
    krita.start()
    assert krita.run(version) == krita.versions["krita"]
