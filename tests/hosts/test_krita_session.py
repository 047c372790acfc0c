"""The harness itself, in the real Krita: what other tests rely on."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from backend_process import BackendProcess
from inside_krita import Krita, QtCore, QtWidgets
from krita_session import KritaFailed, KritaSession, RaisedInKrita
from krita_steps import (
    add_layer,
    click,
    close_all,
    create_document,
    layer_tree,
    open_document,
    paint_stroke,
    pixel,
    redo,
    save_as,
    select,
    undo,
)

from s2i_client.connection_file import read_connection

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


def fail_in_thread():
    thread = threading.Thread(target=divide, args=(1,))
    thread.start()
    thread.join()


def wait_for_nothing():
    yield lambda: False


def ask():
    box = QtWidgets.QMessageBox
    answer = box.question(None, "Really?", "Shall it be?")
    return answer == box.StandardButton.Yes


def answer_yes():
    dialog = yield QtWidgets.QApplication.activeModalWidget
    yield dialog.isVisible
    dialog.button(QtWidgets.QMessageBox.StandardButton.Yes).click()


def runtime_folder():
    return os.environ["S2I_RUNTIME_DIR"]


def use_what_is_here():
    return RaisedInKrita.__name__


def wait_for_layers(count):
    yield lambda: len(layer_tree()) == count


def abort():
    os.abort()


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


@pytest.mark.usefixtures("document")
def test_a_stroke_stays_within_the_selection_and_in_the_saved_file(
    krita: KritaSession, tmp_path: Path
):
    path = str(tmp_path / "stroke.kra")
    krita.run(select, 0, 0, 100, 300)
    krita.run(paint_stroke, [[50, 150], [150, 150]], 20, [255, 0, 0])
    krita.run(save_as, path)
    krita.run(close_all)
    krita.run(open_document, path)
    assert krita.run(pixel, 90, 150) == RED
    assert krita.run(pixel, 110, 150) == WHITE


@pytest.mark.usefixtures("document")
def test_a_widget_of_a_docker_is_clicked_as_a_user_does(krita: KritaSession):
    krita.run(click, "KisLayerBox", "bnDuplicate")
    krita.run(wait_for_layers, 2)
    krita.screenshot("layers", of="KisLayerBox")
    names = [layer["name"] for layer in krita.run(layer_tree)]
    assert names == ["Background", "Copy of Background"]
    with pytest.raises(RaisedInKrita, match="has no widget bnNone"):
        krita.run(click, "KisLayerBox", "bnNone")
    with pytest.raises(RaisedInKrita, match=r"no docker NoDocker; there are: .*KisLayerBox"):
        krita.run(click, "NoDocker", "bnDuplicate")


def test_what_can_not_be_sent_is_refused_with_its_name(krita: KritaSession):
    local = 1
    with pytest.raises(TypeError, match="<lambda> can not be sent"):
        krita.run(lambda: 1)
    with pytest.raises(TypeError, match="uses local of the function around it"):

        def closure():
            return local

        krita.run(closure)
    with pytest.raises(TypeError, match="uses RaisedInKrita, a type, which can not be sent"):
        krita.run(use_what_is_here)


def test_an_exception_in_a_sent_function_is_raised_with_its_traceback(krita: KritaSession):
    with pytest.raises(RaisedInKrita, match=r"return number / 0[\s\S]*ZeroDivisionError"):
        krita.run(divide, 1)


def test_an_exception_in_a_slot_is_collected_and_opens_no_dialog(krita: KritaSession):
    krita.run(fail_in_slot)
    (error,) = krita.slot_errors()
    assert "ZeroDivisionError" in error
    assert krita.slot_errors() == []


def test_an_exception_in_a_thread_is_collected(krita: KritaSession):
    krita.run(fail_in_thread)
    (error,) = krita.slot_errors()
    assert "ZeroDivisionError" in error


def test_waiting_for_what_never_happens_names_the_line_that_waits(krita: KritaSession):
    with pytest.raises(RaisedInKrita, match=r"yield lambda: False[\s\S]*TimeoutError"):
        krita.run(wait_for_nothing, timeout=0.2)


def test_a_modal_dialog_can_be_answered(krita: KritaSession):
    asking = krita.begin(ask)
    krita.run(answer_yes)
    assert krita.result(asking) is True


def test_a_modal_dialog_that_hangs_is_named_and_photographed(
    make_krita: Callable[..., KritaSession],
):
    session = make_krita()
    session.start()
    with pytest.raises(KritaFailed, match=r"Screenshot: .*\.png\nWindows: .*Really\?") as failure:
        session.run(ask, timeout=0.2)
    picture = str(failure.value).split("Screenshot: ")[1].splitlines()[0]
    assert Path(picture).stat().st_size > 0
    assert not session.alive


def test_a_crash_is_told_with_what_krita_wrote_and_it_starts_again(
    make_krita: Callable[..., KritaSession],
):
    session = make_krita()
    session.start()
    with pytest.raises(KritaFailed, match=r"ended with code -6 and[\s\S]*error: Aborted"):
        session.run(abort)
    session.start()
    assert session.run(version) == session.versions["krita"]


def test_krita_quits_cleanly_and_starts_again_with_its_profile(krita: KritaSession):
    krita.run(create_document, 32, 32)
    before = psutil.Process(krita.process.pid)
    assert krita.quit() == 0
    assert not before.is_running()
    krita.start()
    assert krita.run(version) == krita.versions["krita"]


def test_krita_finds_the_daemon_of_its_module(krita: KritaSession, daemon: BackendProcess):
    found = read_connection(Path(krita.run(runtime_folder)))
    assert found is not None
    assert found.pid == daemon.process.pid
    with daemon.client() as client:
        assert client.status().workers


def test_nothing_is_left_when_a_session_is_closed(make_krita: Callable[..., KritaSession]):
    before = set(psutil.Process().children(recursive=True))
    session = make_krita()
    session.start()
    assert len(set(psutil.Process().children(recursive=True)) - before) >= 3
    session.close()
    assert set(psutil.Process().children(recursive=True)) <= before
    assert not session.folder.exists()
