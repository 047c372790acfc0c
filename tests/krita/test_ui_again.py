"""A result given to its system once more, and results of several pictures to choose from."""

from __future__ import annotations

from dataclasses import replace

import pytest
from desk import FLATTER, SIDE, Desk

from s2i_client.declaration import Declaration, Input, Output
from s2i_client.geometry import Bounds
from s2i_client.jobs import JobState, Result
from s2i_client.pixels import LayerInfo, ResultLayer
from s2i_krita.model.document_model import ApplyAs, DocumentModel
from s2i_krita.qt import QtCore, QtGui, QtWidgets

REFINER = Declaration(
    name="refiner",
    title="Refiner",
    summary="Paints, and refines.",
    inputs=(
        Input("sketch", "Sketch", "Lines.", required=True),
        Input("picture", "Picture to refine", "An earlier result."),
    ),
    parameters=(),
    outputs=(
        Output("edges", "Edges", "Lines.", "lines"),
        Output("picture", "Picture", "Paint.", "image", many=True, again="picture",
               again_title="Refine"),
    ),
)  # fmt: skip
COLORS = ((250, 10, 10), (10, 240, 10), (10, 10, 230), (240, 240, 0), (0, 200, 200), (90, 90, 90))


def pictures(count: int) -> list[ResultLayer]:
    """Steps of a color each, as a system gives them in Krita's order of channels."""
    return [
        ResultLayer(
            name="picture", width=SIDE, height=SIDE, order="bgra", kind="image",
            title=f"{20 * place} %" if count > 1 else "",
            data=bytes((*reversed(COLORS[place]), 255)) * SIDE**2,
        )
        for place in range(count)
    ]  # fmt: skip


@pytest.fixture
def model(desk: Desk) -> DocumentModel:
    desk.client.connect((FLATTER, REFINER))
    desk.poll()
    made = desk.open("Line art")
    made.choose("refiner")
    return made


def generate(desk: Desk, model: DocumentModel, *layers: ResultLayer) -> None:
    desk.click("generate")
    desk.client.finish(desk.submitted(len(desk.client.submitted) + 1), *layers)
    desk.until_idle(model)
    desk.bot.waitUntil(lambda: model._preview_task is None)


def color(image: QtGui.QImage, x: int, y: int) -> tuple[int, int, int]:
    found = image.pixelColor(x, y)
    return found.red(), found.green(), found.blue()


def of_preview(model: DocumentModel) -> tuple[int, ...]:
    """The color of the preview over the canvas."""
    node = next(n for n in model.document.raw.rootNode().childNodes() if n.name() == "s2i preview")
    blue, green, red, _alpha = node.pixelData(4, 4, 1, 1).data()
    return red, green, blue


def tiles(desk: Desk) -> QtWidgets.QListWidget:
    return desk.find("found", QtWidgets.QListWidget)


def test_a_result_is_refined_by_a_second_press(desk: Desk, model: DocumentModel) -> None:
    assert not desk.sees("again"), "there is nothing to refine yet"
    generate(desk, model, *pictures(1))
    button = desk.find("again", QtWidgets.QAbstractButton)
    assert button.text() == "Refine"
    assert "Picture to refine" in button.toolTip()
    desk.click("again")
    sent = desk.sent(2)
    assert set(sent) == {"sketch", "picture"}
    assert tuple(sent["picture"].data[:3]) == tuple(reversed(COLORS[0]))
    assert not button.isEnabled(), "while it works"
    desk.client.finish(desk.submitted(2), replace(pictures(2)[1], title=""))
    desk.until_idle(model)
    assert len(model.history.entries) == 2
    desk.click("again")
    assert tuple(desk.sent(3)["picture"].data[:3]) == tuple(reversed(COLORS[1])), "the newest"
    desk.client.finish(desk.submitted(3), *pictures(1))
    desk.until_idle(model)
    desk.click("generate")
    assert set(desk.sent(4)) == {"sketch"}, "only a press on the button gives it again"


def test_an_older_result_is_refined_from_its_menu_by_its_own_system(
    desk: Desk, model: DocumentModel
) -> None:
    generate(desk, model, *pictures(1))
    generate(desk, model, replace(pictures(2)[1], title=""))
    model.choose("flatter")
    view = desk.find("history", QtWidgets.QListWidget)
    view.customContextMenuRequested.emit(view.visualItemRect(view.item(1)).center())
    menu = desk.find("result_menu", QtWidgets.QMenu)
    menu.hide()
    action = next(each for each in menu.actions() if each.objectName() == "again_result")
    assert action.text() == "Refine"
    action.trigger()
    assert desk.submitted(3).pipeline == "refiner"
    assert tuple(desk.sent(3)["picture"].data[:3]) == tuple(reversed(COLORS[0]))


def test_what_is_declared_right_after_the_sketch_is_not_folded_away(
    desk: Desk, model: DocumentModel
) -> None:
    colors = (Input("colors", "Colors", "Blobs."), Input("colors_2", "Second colors", "Others."))
    inputs = (REFINER.inputs[0], *colors, REFINER.inputs[1])
    desk.client.connect((replace(REFINER, inputs=inputs),))
    desk.poll()
    assert desk.sees("input_colors")
    assert not desk.sees("input_colors_2") and not desk.sees("input_picture")


def test_systems_that_say_nothing_of_it_have_no_such_button(
    desk: Desk, model: DocumentModel
) -> None:
    outputs = tuple(replace(each, again="", again_title="") for each in REFINER.outputs)
    generate(desk, model, *pictures(1))
    assert desk.sees("again")
    desk.client.connect((FLATTER, replace(REFINER, outputs=outputs)))  # an older daemon
    desk.poll()
    assert not desk.sees("again")
    named = (outputs[0], replace(outputs[1], again="picture"))
    desk.client.connect((replace(REFINER, outputs=named),))
    desk.poll()
    assert desk.find("again", QtWidgets.QAbstractButton).text() == "Picture to refine"


def test_a_result_of_another_canvas_is_not_refined(
    desk: Desk, model: DocumentModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(desk, model, *pictures(1))
    wider = Bounds(0, 0, 2 * SIDE, SIDE)
    monkeypatch.setattr(type(model.document), "bounds", property(lambda _document: wider))
    desk.click("again")
    desk.until_idle(model)
    assert model.message is not None
    assert "cropped or resized" in model.message.text
    assert len(desk.client.submitted) == 1


def test_of_several_pictures_the_picked_one_is_seen_refined_and_applied(
    desk: Desk, model: DocumentModel
) -> None:
    generate(desk, model, *pictures(3))
    view = tiles(desk)
    texts = [item.text() for item in map(view.item, range(view.count())) if item is not None]
    assert texts == ["0 %", "20 %", "40 %"]
    assert desk.sees("found_panel") and desk.sees("apply") and not desk.sees("use_found")
    assert of_preview(model) == COLORS[0]
    view.setCurrentRow(1)
    desk.bot.waitUntil(lambda: model._preview_task is None and of_preview(model) == COLORS[1])
    desk.click("again")
    assert tuple(desk.sent(2)["picture"].data[:3]) == tuple(reversed(COLORS[1]))
    model.cancel()
    model.apply(ApplyAs.group)
    desk.until_idle(model)
    [group] = [n for n in model.document.raw.rootNode().childNodes() if n.type() == "grouplayer"]
    shown = [(node.name(), node.visible()) for node in group.childNodes()]
    assert shown == [("0 %", False), ("20 %", True), ("40 %", False)]


def test_one_layer_is_the_picked_picture_named_for_its_system(
    desk: Desk, model: DocumentModel
) -> None:
    generate(desk, model, *pictures(3))
    tiles(desk).setCurrentRow(2)
    view = tiles(desk)
    model.settings.set("apply_as", ApplyAs.one_layer.value)
    view.itemDoubleClicked.emit(view.item(2))
    desk.until_idle(model)
    layer = model.document.layers()[0]
    assert layer.name == "Refiner 40 %"
    assert tuple(layer.node.pixelData(4, 4, 1, 1).data()[:3]) == tuple(reversed(COLORS[2]))


def test_the_thumbnail_has_pictures_from_the_first_to_the_last(
    desk: Desk, model: DocumentModel
) -> None:
    generate(desk, model, *pictures(6))
    image = model.history.entries[0].thumbnail
    quarter, rest = image.width() // 4, image.width() * 3 // 4
    found = [color(image, x, y) for y in (quarter, rest) for x in (quarter, rest)]
    assert found == [COLORS[0], COLORS[2], COLORS[3], COLORS[5]]


def test_a_result_of_one_picture_and_lines_has_nothing_to_choose(
    desk: Desk, model: DocumentModel
) -> None:
    edges = replace(pictures(1)[0], name="edges", kind="lines")
    generate(desk, model, edges, *pictures(1))
    assert not desk.sees("found_panel")
    assert desk.sees("again")


def test_what_the_system_noted_is_told_beside_the_result(desk: Desk, model: DocumentModel) -> None:
    desk.click("generate")
    job = desk.submitted(1)
    [layer] = pictures(1)
    info = LayerInfo(**{name: getattr(layer, name) for name in LayerInfo.__dataclass_fields__})
    result = Result([info], [[layer.data]], {}, ["1 picture could not be read: a.png."])
    desk.client.end(job, JobState.done, result=result)
    desk.until_idle(model)
    assert desk.text("message") == "1 picture could not be read: a.png."
    assert model.message is not None and not model.message.is_error
    assert model.selected is not None, "it came all the same"
    QtCore.QCoreApplication.processEvents()
    desk.click("dismiss")
    assert model.message is None
