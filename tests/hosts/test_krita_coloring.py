"""Line art colored in the real Krita, by the built plugin, through a real daemon."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

import pytest
from backend_process import BackendProcess
from inside_krita import Krita, QtCore, QTest, QtWidgets, Selection
from krita_session import KritaSession
from krita_steps import (
    canvas,
    click,
    close_all,
    docker,
    layer_tree,
    open_document,
    paint_stroke,
    pixel,
    redo,
    undo,
)
from plugin_steps import (
    dab,
    fingerprint,
    finished,
    make_line_art,
    model,
    open_line_art,
    told,
    undo_text,
    workspace,
)

DRAWINGS = Path(__file__).parents[2] / "docs" / "demo" / "drawings"
# Where the burger's parts are in its picture, and what color a user gives them.
BUN, PATTY, LETTUCE = (480, 240), (480, 690), (180, 480)
HINTS = {BUN: [222, 150, 66], PATTY: [110, 58, 32]}


@pytest.fixture(scope="module")
def line_art(krita: KritaSession, daemon: BackendProcess, tmp_path_factory: Any) -> Path:
    """A .kra of white paper and a layer of lines."""
    folder = krita.folder / "art"
    folder.mkdir()
    shutil.copy(DRAWINGS / "burger.png", folder)
    krita.run(make_line_art, str(folder / "burger.png"), str(folder / "burger.kra"))
    return folder / "burger.kra"


@pytest.fixture
def opened(krita: KritaSession, line_art: Path, tmp_path: Path) -> Any:
    """The line art, opened from a copy of its own."""
    copy = krita.folder / "art" / f"{tmp_path.name}.kra"
    shutil.copy(line_art, copy)
    krita.run(open_line_art, str(copy))
    krita.run(show_docker)  # Not before: with the first document Krita restores its own dockers.
    yield copy
    with contextlib.suppress(Exception):
        krita.run(close_all)


def show_docker() -> None:
    docker("s2i_docker")


def add_hints(hints: list[list[Any]]) -> Any:
    model().add_hint_layer()
    yield 0.1
    for (x, y), color in hints:
        yield from dab(x, y, color)


def generate() -> Any:
    model().generate()
    return (yield from finished())


def apply(how: str = "group", only_selection: bool = False) -> Any:
    from s2i_krita.model import document_model  # type: ignore[import-not-found]

    model().apply(document_model.ApplyAs(how), only_selection=only_selection)
    return (yield from finished())


def results_kept() -> int:
    return len(model().history.entries)


def previews_shown() -> int:
    return len(model().live.latencies)


def preview_present() -> Any:
    yield lambda: model().preview.present


def active_layer() -> str:
    return Krita.instance().activeDocument().activeNode().name()


def look_at_none() -> None:
    model().select(None)


def near(found: list[int], wanted: list[int], most: int = 40) -> bool:
    return all(abs(a - b) <= most for a, b in zip(found[:3], wanted, strict=True))


def hint_list() -> list[list[Any]]:
    return [[list(place), color] for place, color in HINTS.items()]


def names_of(tree: list[dict[str, Any]]) -> list[str]:
    return [layer["name"] for layer in tree]


def test_lines_become_layers_with_the_colors_of_the_hints(
    krita: KritaSession, opened: Path
) -> None:
    krita.screenshot("1-opened")
    untouched = krita.run(fingerprint, ["Background", "Lines"])
    krita.run(add_hints, hint_list())
    krita.screenshot("2-hints")
    assert krita.run(generate, timeout=120) is None
    krita.screenshot("3-preview")
    assert krita.run(active_layer) == "Color hints"
    assert krita.run(apply) is None
    assert krita.run(active_layer) == "Color hints"
    krita.screenshot("4-applied")

    tree = krita.run(layer_tree)
    assert names_of(tree) == ["Background", "Lines", "Color hints", "Auto-painter"]
    group = tree[3]["children"]
    assert names_of(group) == ["Flats", "Shade", "Lines"]
    assert [layer["blending"] for layer in group] == ["normal", "multiply", "normal"]
    for place, color in HINTS.items():
        assert near(krita.run(pixel, *place), color)
    assert krita.run(pixel, 5, 5) == [255, 255, 255, 255]
    assert krita.run(fingerprint, ["Background", "Lines"]) == untouched


def test_the_docker_alone_is_enough(krita: KritaSession, opened: Path) -> None:
    """With the mouse: hint layer, a stroke of a real brush, Generate, Apply."""
    krita.run(click, "s2i_docker", "add_hint_layer")
    krita.run(paint_stroke, [[430, 240], [530, 240]], 14, (200, 30, 30))
    krita.run(click, "s2i_docker", "generate")
    assert krita.run(finished, timeout=120) is None
    krita.screenshot("4-docker")
    krita.run(click, "s2i_docker", "apply")
    assert krita.run(finished, timeout=120) is None
    tree = krita.run(layer_tree)
    assert names_of(tree) == ["Background", "Lines", "Color hints", "Auto-painter"]
    assert near(krita.run(pixel, 480, 280), [200, 30, 30])


def test_undo_goes_back_to_the_start_and_redo_forth_again(
    krita: KritaSession, opened: Path
) -> None:
    before = krita.run(pixel, *BUN)
    krita.run(add_hints, hint_list()[:0])
    krita.run(generate, timeout=120)
    krita.run(apply)
    colored = krita.run(pixel, *BUN)
    assert colored != before
    krita.run(undo)
    assert names_of(krita.run(layer_tree)) == ["Background", "Lines", "Color hints"]
    krita.run(undo)
    assert names_of(krita.run(layer_tree)) == ["Background", "Lines"]
    assert krita.run(undo_text)[0] == "Undo"
    assert krita.run(pixel, *BUN) == before
    krita.run(redo)
    krita.run(redo)
    assert krita.run(pixel, *BUN) == colored


def test_a_saved_document_brings_its_history_back(krita: KritaSession, opened: Path) -> None:
    def save_and_reopen(path: str) -> Any:
        made = model().history.entries[0].id
        document = Krita.instance().activeDocument()
        document.setBatchmode(True)
        document.save()
        yield 0.2
        yield from close_all()
        yield from open_document(path)
        yield lambda: model() is not None and model().pipeline is not None
        entries = yield lambda: model().history.entries
        model().select(entries[0])
        yield 0.3
        return [made == entries[0].id, entries[0].title, model().sketch_layer.name]

    krita.run(generate, timeout=120)
    assert krita.run(save_and_reopen, str(opened)) == [True, "Auto-painter", "Lines"]
    krita.screenshot("5-history")
    assert krita.run(apply, "one_layer") is None
    assert krita.run(layer_tree)[2]["type"] == "paintlayer"
    assert krita.run(pixel, *BUN) != [255, 255, 255, 255]


def test_the_preview_leaves_no_trace(krita: KritaSession, opened: Path) -> None:
    def saved_layers(path: str, by_shortcut: bool) -> Any:
        import pathlib
        import zipfile

        # As a user does: a script's save comes unannounced.
        before = pathlib.Path(path).stat().st_mtime_ns
        if by_shortcut:
            control = QtCore.Qt.KeyboardModifier.ControlModifier
            QTest.keyClick(canvas(), QtCore.Qt.Key.Key_S, control)
        else:
            Krita.instance().activeDocument().setModified(True)
            save = Krita.instance().action("file_save")
            window = Krita.instance().activeWindow().qwindow()
            for toolbar in window.findChildren(QtWidgets.QToolBar):
                if button := toolbar.widgetForAction(save):
                    QTest.mouseClick(button, QtCore.Qt.MouseButton.LeftButton)
        yield lambda: pathlib.Path(path).stat().st_mtime_ns != before
        yield 0.5
        with zipfile.ZipFile(path) as saved:
            described = saved.read("maindoc.xml").decode()
        return "s2i preview" in described

    krita.run(generate, timeout=120)
    assert "s2i preview" in names_of(krita.run(layer_tree))
    assert krita.run(pixel, *BUN) != [255, 255, 255, 255]
    assert krita.run(undo_text) == ["Undo", "Redo"]
    for by_shortcut in (True, False):
        assert not krita.run(saved_layers, str(opened), by_shortcut)
        krita.run(preview_present)
    krita.run(look_at_none)
    krita.run(finished)
    assert names_of(krita.run(layer_tree)) == ["Background", "Lines"]
    assert krita.run(pixel, *BUN) == [255, 255, 255, 255]


def test_only_what_is_selected_is_colored(krita: KritaSession, opened: Path) -> None:
    def select(x: int, y: int, width: int, height: int) -> None:
        selection = Selection()
        selection.select(x, y, width, height, 255)
        Krita.instance().activeDocument().setSelection(selection)

    krita.run(select, 300, 130, 300, 200)
    assert krita.run(generate, timeout=120) is None
    krita.screenshot("6-selection-preview")
    assert krita.run(pixel, *PATTY) == [255, 255, 255, 255]
    assert krita.run(apply) is None
    krita.screenshot("6-selection")
    assert krita.run(pixel, *BUN) != [255, 255, 255, 255]
    assert krita.run(pixel, 250, 300) == [255, 255, 255, 255]
    assert krita.run(pixel, *PATTY) == [255, 255, 255, 255]


def test_live_follows_the_strokes(krita: KritaSession, opened: Path) -> None:
    def begin() -> Any:
        model().add_hint_layer()
        model().live.start()
        yield lambda: len(model().live.latencies) > 0

    def settled(count: int) -> Any:
        yield lambda: len(model().live.latencies) > count
        yield 0.3
        return len(model().live.latencies)

    krita.run(begin, timeout=120)
    first = krita.run(previews_shown)
    krita.run(paint_stroke, [[430, 240], [530, 240]], 14, (200, 30, 30))
    second = krita.run(settled, first, timeout=120)
    assert near(krita.run(pixel, 480, 280), [200, 30, 30])
    krita.screenshot("7-live")
    krita.run(paint_stroke, [[430, 690], [530, 690]], 14, (40, 90, 200))
    krita.run(settled, second, timeout=120)
    assert near(krita.run(pixel, 560, 690), [40, 90, 200])
    # A stroke is undone, not the preview.
    krita.run(undo)
    krita.run(settled, second + 1, timeout=120)
    assert not near(krita.run(pixel, 560, 690), [40, 90, 200])

    def nothing_is_sent_while_nothing_changes() -> Any:
        count = len(model().live.latencies)
        yield 1.5
        return len(model().live.latencies) - count

    assert krita.run(nothing_is_sent_while_nothing_changes) == 0

    def stop() -> Any:
        model().live.stop()
        yield lambda: not model().preview.present

    krita.run(stop)
    assert names_of(krita.run(layer_tree)) == ["Background", "Lines", "Color hints"]
    krita.run(undo)
    krita.run(undo)
    assert names_of(krita.run(layer_tree)) == ["Background", "Lines"]
    assert krita.run(undo_text)[0] == "Undo"


def test_cancel_ends_a_job_at_once(krita: KritaSession, opened: Path) -> None:
    def start_and_cancel() -> Any:
        model().generate()
        yield lambda: model()._job is not None
        model().cancel()
        yield 0
        return [model().is_busy, len(model().history.entries), told()]

    assert krita.run(start_and_cancel) == [False, 0, None]
    assert krita.run(generate, timeout=120) is None


def test_a_killed_daemon_is_told_and_the_job_goes_on_with_the_next(
    krita: KritaSession, opened: Path, daemon: BackendProcess
) -> None:
    def begin() -> Any:
        model().generate()
        yield lambda: model()._job is not None and model().progress.step != ""

    def lost() -> Any:
        yield lambda: not workspace().connection.is_ready
        return model().is_busy

    krita.run(begin)
    daemon.kill()
    try:
        assert krita.run(lost)
        krita.screenshot("8-daemon-lost")
    finally:
        daemon.start()
    assert krita.run(finished, timeout=120) is None
    assert krita.run(results_kept) == 1


def test_flats_are_split_by_color(krita: KritaSession, opened: Path) -> None:
    krita.run(add_hints, hint_list())
    krita.run(generate, timeout=120)
    assert krita.run(apply, "by_color", timeout=120) is None
    group = krita.run(layer_tree)[3]["children"]
    names = names_of(group)
    assert names[-2:] == ["Shade", "Lines"]
    assert len(names) >= 4 and all(name.startswith("#") for name in names[:-2])
    for place, color in HINTS.items():
        assert near(krita.run(pixel, *place), color)
    krita.screenshot("9-split")


@pytest.mark.parametrize(
    "space",
    [
        ("RGBA", "U16", "sRGB-elle-V2-srgbtrc.icc"),
        ("RGBA", "F32", "sRGB-elle-V2-g10.icc"),
        ("RGBA", "U8", "WideRGB-elle-V2-g22.icc"),
    ],
    ids=["16 bit", "float, linear", "wide gamut"],
)
def test_other_documents_get_layers_in_their_own_colors(
    krita: KritaSession, opened: Path, space: tuple[str, str, str]
) -> None:
    def convert(color_model: str, depth: str, profile: str) -> Any:
        document = Krita.instance().activeDocument()
        if not document.setColorSpace(color_model, depth, profile):
            raise ValueError(f"Krita does not convert to {color_model} {depth} {profile}")
        document.waitForDone()
        yield 0.5

    def spaces() -> list[list[str]]:
        group = Krita.instance().activeDocument().topLevelNodes()[3]
        return [[n.colorModel(), n.colorDepth(), n.colorProfile()] for n in group.childNodes()]

    krita.run(add_hints, hint_list())
    krita.run(convert, *space)
    assert krita.run(generate, timeout=120) is None
    assert krita.run(apply) is None
    assert krita.run(spaces) == [list(space)] * 3
    for place, color in HINTS.items():
        assert near(krita.run(pixel, *place), color)


def test_a_document_closed_in_the_middle_takes_its_job_with_it(
    krita: KritaSession, opened: Path, daemon: BackendProcess
) -> None:
    def close_in_the_middle() -> Any:
        before = len(workspace()._models)
        model().generate()
        yield lambda: model()._job is not None
        yield from close_all()
        yield lambda: len(workspace()._models) < before
        return [p.name for p in workspace().connection.pipelines]

    assert "auto_painter" in krita.run(close_in_the_middle)
    with daemon.client() as client:
        queue = client.status().queue
    assert queue["batch"] == 0
