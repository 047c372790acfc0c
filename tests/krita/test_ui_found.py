"""Pictures beside the canvas: what was found is used at once, and does not cover the drawing."""

from __future__ import annotations

from pathlib import Path

import pytest
from desk import FLATTER, PAINTER, SIDE, Desk, layers
from fake_krita import testing

from s2i_client.declaration import Declaration, Input, Output, Parameter
from s2i_client.pixels import ResultLayer
from s2i_krita.model.document_model import DocumentModel
from s2i_krita.qt import QtCore, QtGui, QtWidgets

COLORS = ((250, 10, 10), (10, 240, 10), (10, 10, 230), (240, 240, 0), (0, 0, 0))
FINDER = Declaration(
    name="finder",
    title="Finder",
    summary="Finds.",
    inputs=(
        Input("sketch", "Sketch", "Lines."),
        Input("picture", "Picture", "Colors.", off_canvas=True),
    ),
    parameters=(
        Parameter("folder", "Folder", "Where.", "folder", ""),
        Parameter("count", "Count", "How many.", "int", 3, minimum=1, maximum=9),
    ),
    outputs=(Output("result", "Result", "What.", "image", many=True, off_canvas=True),),
)
LIKE = Declaration(
    name="like",
    title="Like",
    summary="Colors like a picture.",
    inputs=(
        Input("sketch", "Sketch", "Lines.", required=True),
        Input("reference_2", "Second reference", "A picture.", off_canvas=True),
        Input("reference", "Reference", "A picture.", required=True, off_canvas=True),
        Input("reference_mask", "Mask", "Of the reference.", off_canvas=True),
        Input("spots", "Spots", "Dabs."),
        Input("palette", "Palette", "The only colors.", off_canvas=True),
    ),
    parameters=(),
    outputs=(
        Output("flats", "Flats", "Colors.", "flats"),
        Output("attention", "Where", "Where.", "image", many=True, off_canvas=True),
    ),
)


@pytest.fixture
def model(desk: Desk) -> DocumentModel:
    """A drawing in the docker, and a daemon that finds pictures and colors like them."""
    desk.client.connect((FLATTER, FINDER, LIKE))
    desk.poll()
    made = desk.open("Line art")
    made.choose("finder")
    made.set_parameter("folder", "/pictures")
    return made


def found(count: int = 3, name: str = "result") -> list[ResultLayer]:
    """Small pictures that are larger than the drawing, each of a color of its own."""
    side = 2 * SIDE
    return [
        ResultLayer(
            name=name, width=side, height=side, channels=3, order="rgb", kind="image",
            title=f"0.{90 - place} {place}.png", data=bytes(COLORS[place]) * side**2,
        )
        for place in range(count)
    ]  # fmt: skip


def search(desk: Desk, model: DocumentModel, *results: ResultLayer) -> None:
    desk.click("generate")
    count = len(desk.client.submitted)
    desk.client.finish(desk.submitted(count + 1), *(results or found()))
    desk.until_idle(model)
    desk.bot.waitUntil(lambda: all(image is not None for image in model.found.thumbnails))


def tiles(desk: Desk) -> QtWidgets.QListWidget:
    return desk.find("found", QtWidgets.QListWidget)


def color_of(image: QtGui.QImage) -> tuple[int, int, int]:
    color = image.pixelColor(image.width() // 2, image.height() // 2)
    return color.red(), color.green(), color.blue()


def icon_of(desk: Desk, row: int) -> QtGui.QImage:
    item = tiles(desk).item(row)
    assert item is not None
    return item.icon().pixmap(40, 40).toImage()


def use(desk: Desk, name: str) -> None:
    """Choose something from the menu of what a picture can be used as."""
    menu = desk.find("found_menu", QtWidgets.QMenu)
    menu.aboutToShow.emit()
    next(action for action in menu.actions() if action.objectName() == name).trigger()


def source_color(model: DocumentModel, name: str) -> tuple[int, ...]:
    picture = model.sources[name].picture
    assert picture is not None
    return tuple(picture.data[:3])


def names(model: DocumentModel) -> list[str]:
    return [layer.name for layer in model.document.layers()]


def test_what_was_found_is_shown_with_its_titles_and_not_over_the_drawing(
    desk: Desk, model: DocumentModel
) -> None:
    assert not desk.sees("found_panel")
    search(desk, model)
    view = tiles(desk)
    texts = [item.text() for item in map(view.item, range(view.count())) if item is not None]
    assert texts == ["0.90 0.png", "0.89 1.png", "0.88 2.png"]
    assert [color_of(icon_of(desk, row)) for row in range(3)] == list(COLORS[:3])
    assert desk.sees("found_panel")
    assert not desk.sees("apply"), "there is nothing to lay over the drawing"
    desk.bot.wait(30)
    assert not model.preview.present
    model.select(None)
    assert not desk.sees("found_panel")
    assert desk.sees("apply")


def test_the_picked_picture_becomes_the_reference_at_once(desk: Desk, model: DocumentModel) -> None:
    search(desk, model)
    tiles(desk).setCurrentRow(1)
    desk.click("use_found")
    desk.until_idle(model)
    desk.bot.waitUntil(lambda: not model.sources["reference"].loading)
    assert model.pipeline is not None
    assert model.pipeline.name == "like"
    assert source_color(model, "reference") == COLORS[1]
    assert desk.find("source_reference", QtWidgets.QComboBox).currentText() == "0.89 1.png"
    assert desk.sees("found_panel"), "another one may be tried"
    desk.click("generate")
    sent = desk.sent(2)
    assert set(sent) == {"sketch", "reference"}
    assert sent["reference"].width == 2 * SIDE


def test_a_double_click_uses_it_too(desk: Desk, model: DocumentModel) -> None:
    search(desk, model)
    view = tiles(desk)
    item = view.item(2)
    assert item is not None
    view.setCurrentItem(item)
    view.itemDoubleClicked.emit(item)
    desk.until_idle(model)
    desk.bot.waitUntil(lambda: model.sources["reference"].picture is not None)
    assert source_color(model, "reference") == COLORS[2]


def test_a_picture_can_be_a_second_reference_or_what_to_look_for_next(
    desk: Desk, model: DocumentModel
) -> None:
    search(desk, model)
    menu = desk.find("found_menu", QtWidgets.QMenu)
    menu.aboutToShow.emit()
    offered = [action.objectName() for action in menu.actions() if action.objectName()]
    assert offered == [
        *("use_like_reference", "use_finder_picture", "use_like_reference_2"),
        "take_found_palette",
    ], "no mask, and no palette"
    use(desk, "use_like_reference_2")
    desk.until_idle(model)
    desk.bot.waitUntil(lambda: model.sources["reference_2"].picture is not None)
    assert source_color(model, "reference_2") == COLORS[0]
    tiles(desk).setCurrentRow(2)
    use(desk, "use_finder_picture")
    desk.until_idle(model)
    desk.bot.waitUntil(lambda: model.sources["picture"].picture is not None)
    assert model.pipeline is not None
    assert model.pipeline.name == "finder"
    assert source_color(model, "picture") == COLORS[2]


def test_a_picture_can_be_a_layer_and_give_its_colors(desk: Desk, model: DocumentModel) -> None:
    search(desk, model)
    tiles(desk).setCurrentRow(1)
    desk.click("add_found")
    desk.until_idle(model)
    assert names(model) == ["0.89 1.png", "Line art", "Background"]
    added = model.document.layers()[0]
    assert added.bounds.extent == (2 * SIDE, 2 * SIDE)
    use(desk, "take_found_palette")
    desk.until_idle(model)
    assert desk.palette.colors == [COLORS[1]]
    tiles(desk).setCurrentRow(0)
    desk.click("add_found")
    desk.until_idle(model)
    assert "0.90 0.png" in names(model), "the others can still be picked"


def test_pressing_apply_first_only_searches(desk: Desk, model: DocumentModel) -> None:
    before = names(model)
    model.apply()
    desk.client.finish(desk.submitted(), *found())
    desk.until_idle(model)
    assert names(model) == before, "which of them it shall be was not said"


def test_without_a_system_for_references_the_button_says_so(desk: Desk) -> None:
    desk.client.connect((FINDER,))
    desk.poll()
    model = desk.open("Line art")
    model.set_parameter("folder", "/pictures")
    search(desk, model)
    button = desk.find("use_found", QtWidgets.QAbstractButton)
    assert not button.isEnabled()
    assert "takes a reference" in button.toolTip()
    desk.client.connect((FINDER, PAINTER))
    desk.poll()
    assert button.isEnabled()


def test_pictures_that_explain_a_result_are_shown_beside_it(
    desk: Desk, model: DocumentModel
) -> None:
    model.choose("like")
    mime = QtGui.QImage(4, 4, QtGui.QImage.Format.Format_RGB32)
    mime.fill(QtGui.QColor(1, 2, 3))
    model.take_image("reference", mime, "Pasted")
    search(desk, model, layers()[0], *found(1, "attention"))
    assert desk.sees("found")
    assert desk.sees("apply")
    assert not desk.sees("use_found"), "it is no reference"
    desk.bot.waitUntil(lambda: model.preview.present)
    model.apply()
    desk.until_idle(model)
    assert [layer.name for layer in model.document.layers()][:2] == ["Like", "Flats"]
    assert "0.90 0.png" not in names(model)


def test_a_search_is_in_the_history_and_not_in_the_file(desk: Desk, model: DocumentModel) -> None:
    search(desk, model)
    search(desk, model, *found(1))
    assert len(model.history.entries) == 2
    assert not [key for key in model.document.annotation_keys() if "result" in key]
    model.select(model.history.entries[1])
    assert tiles(desk).count() == 3
    model.discard(model.history.entries[1])
    assert len(model.history.entries) == 1
    assert not desk.sees("found_panel")


def test_live_is_not_offered_where_nothing_lies_on_the_canvas(
    desk: Desk, model: DocumentModel
) -> None:
    assert not desk.find("live").isEnabled()
    model.live.start()  # by its shortcut
    assert not model.live.active
    assert model.message is not None
    assert "Finder" in model.message.text
    model.choose("flatter")
    assert desk.find("live").isEnabled()


def test_what_is_seldom_given_is_folded_away_and_counted(desk: Desk, model: DocumentModel) -> None:
    assert not desk.sees("more_inputs_heading"), "the only picture to search by is not seldom"
    model.choose("like")
    for name in ("sketch", "reference", "palette"):
        assert desk.sees(f"input_{name}")
    for name in ("reference_2", "reference_mask", "spots"):
        assert not desk.sees(f"input_{name}")
    heading = desk.find("more_inputs_heading", QtWidgets.QToolButton)
    assert heading.text() == "More inputs"
    model.add_paint_layer("spots", "Spots")
    assert heading.text() == "More inputs (1 in use)"
    desk.click("more_inputs_heading")
    desk.click("use_spots")
    assert heading.text() == "More inputs"
    model.choose("finder")
    model.choose("like")
    assert desk.sees("input_spots"), "unfolded once, it stays so"
    assert desk.kept["folded"] == "more_inputs"


def test_what_is_painted_has_a_button_that_makes_its_layer(
    desk: Desk, model: DocumentModel
) -> None:
    model.choose("like")
    desk.click("more_inputs_heading")
    model.add_hint_layer()
    desk.click("add_spot_layer")
    assert names(model) == ["Spots", "Color hints", "Line art", "Background"]
    assert desk.find("source_spots", QtWidgets.QComboBox).currentText() == "Spots"
    desk.bot.waitUntil(lambda: model.document.active_layer == model.document.layers()[0])
    desk.click("add_spot_layer")
    assert names(model).count("Spots") == 1, "it is gone to"
    assert model.top_layer == model.document.layers()[0], "a result covers the dabs"
    assert not desk.view.findChildren(QtWidgets.QWidget, "add_reference_layer")


def test_an_input_beside_the_canvas_may_be_a_file_and_spots_are_a_layer(
    desk: Desk, model: DocumentModel
) -> None:
    model.choose("like")
    desk.click("more_inputs_heading")
    for name in ("reference", "reference_2", "reference_mask"):
        assert desk.find(f"input_{name}").acceptDrops()
        assert desk.sees(f"file_{name}")
        assert desk.sees(f"paste_{name}")
    assert not desk.find("input_spots").acceptDrops(), "they lie on the canvas"
    assert not desk.sees("file_spots")
    desk.click("generate")
    desk.until_idle(model)
    assert model.message is not None
    assert "Reference. Choose a layer or a picture" in model.message.text


def test_a_mask_lies_on_the_layer_that_it_is_of(desk: Desk, model: DocumentModel) -> None:
    raw = model.document.raw
    white = bytes((255, 255, 255, 255))
    testing.add_layer(raw, "Colored").setPixelData(bytes((1, 2, 3, 255)) * 80, 4, 2, 10, 8)
    testing.add_layer(raw, "Mask").setPixelData(white * 4, 6, 5, 2, 2)
    model.choose("like")
    desk.choose("source_reference", "Colored")
    desk.choose("source_reference_mask", "Mask")
    desk.choose("source_spots", "Mask")
    desk.click("generate")
    sent = desk.sent()
    assert sent["reference_mask"].bounds == sent["reference"].bounds == (4, 2, 10, 8)
    assert sent["spots"].bounds == (6, 5, 2, 2)


def test_a_folder_is_typed_or_chosen_among_the_inputs(
    desk: Desk, model: DocumentModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    inputs = desk.find("inputs")
    line = desk.find("parameter_folder", QtWidgets.QLineEdit)
    assert inputs.isAncestorOf(line)
    assert line.text() == "/pictures"
    line.clear()
    desk.bot.keyClicks(line, "~/art")
    assert model.parameters["folder"] == "~/art", "a shortcut may come before the line is left"
    desk.bot.keyClick(line, QtCore.Qt.Key.Key_Return)
    assert Path(str(model.parameters["folder"])) == tmp_path / "art"
    desk.click("parameter_folder_browse")
    dialog = desk.find("parameter_folder_dialog", QtWidgets.QFileDialog)
    dialog.fileSelected.emit(str(tmp_path))
    dialog.close()
    assert model.parameters["folder"] == str(tmp_path)
    assert line.text() == str(tmp_path)
    model.set_parameter("folder", "")
    desk.click("generate")
    desk.until_idle(model)
    assert model.message is not None
    assert "folder" in model.message.text
    assert not desk.client.submitted


def test_a_folder_of_another_computer_is_only_typed(desk: Desk, model: DocumentModel) -> None:
    desk.settings.set("remote", True)
    line = desk.find("parameter_folder", QtWidgets.QLineEdit)
    model.set_parameter("folder", "")
    assert not desk.find("parameter_folder_browse").isEnabled()
    desk.bot.keyClicks(line, "~/art")
    desk.bot.keyClick(line, QtCore.Qt.Key.Key_Return)
    assert model.parameters["folder"] == "~/art", "whose home that is only the daemon knows"
