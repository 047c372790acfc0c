"""What is chosen in a document, what becomes of results, and what is there when it is reopened."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from fake_krita import Document as KritaDocument
from fake_krita import testing
from fake_krita.application import Krita
from fake_krita.testing import layer_names
from pytestqt.qtbot import QtBot
from studio import (
    BLUE,
    FLATTER,
    PAINTER,
    RED,
    SIDE,
    SPLITTER,
    Studio,
    no_scratch,
    noise,
    painted,
    preview_of,
    users_layers,
)

from s2i_client.declaration import InvalidRequest
from s2i_client.geometry import Bounds
from s2i_client.jobs import Job
from s2i_client.launch import LaunchReport, LaunchState
from s2i_client.pixels import Picture, ResultLayer
from s2i_krita.host.document import Document
from s2i_krita.host.layer import Layer
from s2i_krita.host.results import Placement
from s2i_krita.host.selection import Selection
from s2i_krita.model.choices import STATE_KEY
from s2i_krita.model.document_model import ApplyAs, DocumentModel
from s2i_krita.model.sources import Source, SourceKind, from_layer
from s2i_krita.model.stored import unpack_selection


def named(raw: KritaDocument, name: str) -> Layer:
    return next(layer for layer in Document(raw).layers() if layer.name == name)


def sent(job: Job) -> dict[str, Picture]:
    assert job.request is not None
    return {each.name: each for each in job.request.pictures if isinstance(each, Picture)}


def sent_by(studio: Studio, model: DocumentModel) -> dict[str, Picture]:
    """What Generate sends; the job is then cancelled."""
    model.generate()
    pictures = sent(studio.submitted(len(studio.client.submitted) + 1))
    model.cancel()
    studio.connection.poll()
    return pictures


def message_of(studio: Studio, model: DocumentModel) -> str:
    studio.until_idle(model)
    assert model.message is not None
    return model.message.text


# What is chosen.


def test_the_sketch_is_guessed_and_the_rest_is_left_to_the_user(studio: Studio) -> None:
    raw, model = studio.open()
    assert model.sources["sketch"] == from_layer(named(raw, "lines"))
    assert model.sketch_layer == named(raw, "lines")
    assert set(model.sources) == {"sketch", "palette"}


def test_the_guess_is_made_when_the_daemon_comes_and_never_again(
    krita: Krita, qtbot: QtBot
) -> None:
    studio = Studio(qtbot)
    raw, model = studio.open()
    assert model.sources == {}
    studio.connect()
    assert model.sources["sketch"].layer == named(raw, "lines").id
    model.set_source("sketch", from_layer(named(raw, "other")))
    studio.lose()
    studio.connect()
    assert model.sources["sketch"].layer == named(raw, "other").id
    studio.close()


def test_another_system_keeps_the_inputs_and_has_parameters_of_its_own(studio: Studio) -> None:
    raw, model = studio.open()
    model.set_source("sketch", from_layer(named(raw, "other")))
    model.set_parameter("detail", 0.75)
    told: list[None] = []
    model.chosen_changed.connect(lambda: told.append(None))
    model.choose("flatter")
    assert model.pipeline == FLATTER and told == [None]
    assert model.sources["sketch"].layer == named(raw, "other").id
    assert model.parameters == {"detail": 0.25}
    model.set_parameter("detail", 1)
    model.choose("painter")
    assert model.parameters == {"detail": 0.75, "steps": 8, "way": "calm"}
    model.choose("flatter")
    assert model.parameters == {"detail": 1.0}
    assert studio.settings.values.system == "flatter"
    assert studio.open()[1].pipeline == FLATTER


def test_a_system_that_is_not_offered_any_more_is_replaced_by_the_first(studio: Studio) -> None:
    _, model = studio.open()
    model.choose("flatter")
    studio.client.connect([PAINTER])
    studio.connection.poll()
    assert model.pipeline == PAINTER
    studio.client.connect([PAINTER, FLATTER])
    studio.connection.poll()
    assert model.pipeline == FLATTER


@pytest.mark.parametrize(
    ("name", "value"), [("detail", 1.5), ("detail", "much"), ("steps", 2.5), ("way", "odd")]
)
def test_what_the_declaration_does_not_allow_is_refused(
    studio: Studio, name: str, value: object
) -> None:
    _, model = studio.open()
    before = model.parameters
    with pytest.raises(InvalidRequest, match=name):
        model.set_parameter(name, value)  # type: ignore[arg-type]
    assert model.parameters == before


def test_parameters_are_told_when_they_change_and_can_be_reset(studio: Studio) -> None:
    _, model = studio.open()
    told: list[object] = []
    model.parameters_changed.connect(lambda: told.append(model.parameters["steps"]))
    model.set_parameter("steps", 9)
    model.set_parameter("steps", 9)
    model.reset_parameters()
    assert told == [9, 8]


def test_live_is_faster_unless_the_user_said_otherwise(studio: Studio) -> None:
    _, model = studio.open()
    assert model.live_parameters["steps"] == 2 and model.parameters["steps"] == 8
    model.set_parameter("steps", 20)
    assert model.live_parameters["steps"] == 20


def test_a_new_version_of_a_system_is_not_sent_what_it_does_not_take(studio: Studio) -> None:
    _, model = studio.open()
    model.set_parameter("detail", 0.9)
    model.set_parameter("way", "wild")
    detail, steps, way = PAINTER.parameters
    newer = replace(
        PAINTER, parameters=(replace(detail, maximum=0.8), steps, replace(way, name="manner"))
    )
    studio.client.connect([newer])
    studio.connection.poll()
    assert model.parameters == {"detail": 0.5, "steps": 8, "manner": "calm"}


def test_an_input_that_is_switched_off_is_kept_and_not_sent(studio: Studio) -> None:
    raw, model = studio.open()
    model.set_source("hints", from_layer(named(raw, "other")))
    assert set(sent_by(studio, model)) == {"sketch", "hints"}
    model.set_enabled("hints", False)
    assert set(sent_by(studio, model)) == {"sketch"}
    assert model.sources["hints"].layer == named(raw, "other").id
    model.set_enabled("hints", True)
    assert sent_by(studio, model)["hints"].data == noise(1)


def test_every_kind_of_source_is_read(studio: Studio) -> None:
    _, model = studio.open()
    model.set_source("sketch", Source(SourceKind.canvas))
    picture = Picture(name="whatever", width=2, height=1, data=bytes(8))
    model.set_source("reference", Source(SourceKind.picture, picture=picture))
    studio.palette.add(RED)
    model.set_enabled("palette", True)
    pictures = sent_by(studio, model)
    # The upper layer is opaque and hides the others.
    assert pictures["sketch"].data == noise(1)
    assert pictures["reference"] == replace(picture, name="reference")
    assert pictures["palette"].data == bytes((*RED, 255))


def test_a_locked_palette_is_sent_until_it_is_unlocked(studio: Studio) -> None:
    _, model = studio.open()
    studio.palette.add(BLUE)
    assert "palette" not in sent_by(studio, model)
    studio.palette.lock(True)
    assert "palette" in sent_by(studio, model)
    model.set_enabled("palette", False)
    studio.palette.add(RED)
    assert "palette" not in sent_by(studio, model)
    studio.palette.lock(False)
    studio.palette.lock(True)
    assert "palette" in sent_by(studio, model)
    assert "palette" in sent_by(studio, studio.open()[1])
    studio.palette.lock(False)
    assert "palette" not in sent_by(studio, model)


def test_a_reference_is_sent_whole_also_where_it_is_beside_the_selection(studio: Studio) -> None:
    raw, model = studio.open()
    studio.settings.set("context", 0.0)
    model.set_source("reference", from_layer(named(raw, "other")))
    node = named(raw, "other").node
    node.setPixelData(bytes((1, 2, 3, 255)) * 4, SIDE + 3, 2, 2, 2)
    testing.select(raw, 1, 1, 2, 2)
    assert sent_by(studio, model)["reference"].bounds == Bounds(0, 0, SIDE + 5, SIDE)


def test_of_hints_only_what_is_there_and_in_the_region_is_sent(studio: Studio) -> None:
    raw = testing.show_document(400, 300)
    testing.add_layer(raw, "lines", bytes((9, 9, 9, 255)) * 120000)
    hints = testing.add_layer(raw, "dabs")
    model = studio.model_of(raw)
    model.set_source("hints", from_layer(named(raw, "dabs")))
    assert set(sent_by(studio, model)) == {"sketch"}
    hints.setPixelData(bytes((1, 2, 3, 255)) * 200, 390, 100, 20, 10)
    hints.setPixelData(bytes((4, 5, 6, 255)), 300, 120, 1, 1)
    picture = sent_by(studio, model)["hints"]
    assert picture.bounds == Bounds(300, 100, 100, 21)
    assert bytes(picture.data[-400:-396]) == bytes((4, 5, 6, 255))
    testing.select(raw, 0, 0, 10, 10)
    assert set(sent_by(studio, model)) == {"sketch"}


def test_an_empty_reference_is_not_sent(studio: Studio) -> None:
    raw, model = studio.open()
    model.set_source("reference", from_layer(named(raw, "other")))
    named(raw, "other").node.setPixelData(bytes(4 * SIDE**2), 0, 0, SIDE, SIDE)
    assert set(sent_by(studio, model)) == {"sketch"}


# What is missing.


@pytest.mark.parametrize("source", [Source(), Source(SourceKind.canvas, enabled=False)])
def test_a_required_input_that_is_missing_is_named(studio: Studio, source: Source) -> None:
    _, model = studio.open()
    model.set_source("sketch", source)
    model.generate()
    assert message_of(studio, model) == "Painter needs an input: Sketch. Choose a layer for it."
    assert not studio.client.submitted


@pytest.mark.parametrize("name", ["sketch", "hints"])
def test_a_layer_that_was_deleted_is_named(studio: Studio, name: str) -> None:
    raw, model = studio.open()
    model.set_source(name, from_layer(named(raw, "lines")))
    named(raw, "lines").node.remove()
    model.generate()
    assert "“lines” is gone" in message_of(studio, model) and not studio.client.submitted
    assert model.sketch_layer is None
    testing.undo(raw)
    studio.generate(model)


# Selections.


def test_a_selection_limits_the_work_with_context_and_the_result(studio: Studio) -> None:
    raw = testing.show_document(400, 300)
    testing.add_layer(raw, "lines", bytes((9, 9, 9, 255)) * 120000)
    model = studio.model_of(raw)
    testing.select(raw, 200, 100, 80, 40, b"\x80" * 3200)
    picture = sent_by(studio, model)["sketch"]
    assert picture.bounds == Bounds(136, 36, 208, 168)  # 64 pixels around it
    studio.settings.set("context", 1.0)
    assert sent_by(studio, model)["sketch"].bounds == Bounds(120, 20, 240, 200)
    result = replace(
        painted()[0],
        width=200,
        height=100,
        origin=picture.origin,
        data=bytes((1, 2, 3, 255)) * 20000,
    )
    studio.generate(model, result)
    entry = model.history.entries[0]
    within = testing.finish(unpack_selection(entry.within))
    assert within == Selection(Bounds(200, 100, 80, 40), b"\x80" * 3200)
    assert entry.canvas == Bounds(0, 0, raw.width(), raw.height())
    preview = preview_of(raw)
    assert preview is not None and preview.bounds().getRect() == (200, 100, 80, 36)
    model.apply(ApplyAs.one_layer, Placement.top, only_selection=False)
    studio.until_idle(model)
    made = raw.topLevelNodes()[-1]
    assert made.bounds().getRect() == (200, 100, 80, 36)
    assert made.pixelData(200, 100, 1, 1).data() == bytes((1, 2, 3, 128))


def test_a_system_that_wants_the_whole_canvas_gets_it(studio: Studio) -> None:
    raw = testing.show_document(400, 300)
    testing.add_layer(raw, "lines", bytes((9, 9, 9, 255)) * 120000)
    model = studio.model_of(raw)
    model.choose("flatter")
    testing.select(raw, 2, 2, 3, 3)
    assert sent_by(studio, model)["sketch"].bounds == Bounds(0, 0, 400, 300)
    studio.generate(model, painted()[0])
    within = testing.finish(unpack_selection(model.history.entries[0].within))
    assert within == Selection(Bounds(2, 2, 3, 3), b"\xff" * 9)


def test_what_is_selected_later_cuts_a_result_only_when_that_is_wanted(studio: Studio) -> None:
    raw, model = studio.open()
    studio.generate(model)
    entry = model.history.entries[0]
    testing.select(raw, 1, 2, 3, 4)
    model.apply(ApplyAs.one_layer, Placement.top, only_selection=False)
    studio.until_idle(model)
    assert raw.topLevelNodes()[-1].bounds().getRect() == (0, 0, SIDE, SIDE)
    model.select(entry)
    studio.settings.set("only_selection", True)
    model.apply(ApplyAs.one_layer, Placement.top)
    studio.until_idle(model)
    assert raw.topLevelNodes()[-1].bounds().getRect() == (1, 2, 3, 4)


def test_only_the_selection_without_one_is_told_and_nothing_is_lost(studio: Studio) -> None:
    raw, model = studio.open()
    studio.generate(model)
    before = users_layers(raw)
    model.apply(only_selection=True)
    assert "There is no selection" in message_of(studio, model)
    assert users_layers(raw) == before and preview_of(raw) is not None


# Applying.


def split(*colors: tuple[int, int, int]) -> list[ResultLayer]:
    layers = []
    for red, green, blue in colors:
        title, data = f"#{red:02x}{green:02x}{blue:02x}", bytes((blue, green, red, 255)) * SIDE**2
        layers.append(replace(painted()[0], name="layer", title=title, data=data))
    return layers


@pytest.mark.parametrize("how", list(ApplyAs))
def test_apply_is_one_undo_step_that_touches_no_layer_of_the_user(
    studio: Studio, krita: Krita, how: ApplyAs
) -> None:
    raw, model = studio.open()
    before, undo = users_layers(raw), testing.undo_steps(raw)
    studio.generate(model)
    model.apply(how, Placement.top)
    if how is ApplyAs.by_color:
        job = studio.submitted(2)
        assert (job.pipeline, sent(job)["sketch"].data) == ("split_colors", painted()[0].data)
        studio.finish(job, *split(RED, BLUE))
    studio.until_idle(model)
    assert model.message is None and model.selected is None and preview_of(raw) is None
    made = raw.topLevelNodes()[-1]
    match how:
        case ApplyAs.one_layer:
            assert made.name() == "Flats"
            assert made.pixelData(0, 0, SIDE, SIDE).data() == painted()[0].data
        case ApplyAs.group:
            assert made.name() == "Painter" and layer_names(made) == ["Flats", "Lines"]
            assert [child.blendingMode() for child in made.childNodes()] == ["normal", "multiply"]
            assert made.childNodes()[1].pixelData(0, 0, SIDE, SIDE).data() == noise(9)
        case ApplyAs.by_color:
            assert layer_names(made) == ["#c81e14", "#0a28dc", "Lines"]
            data = made.childNodes()[1].pixelData(0, 0, 1, 1).data()
            assert data == bytes((*reversed(BLUE), 255))
    assert testing.undo_steps(raw) == [*undo, "Add Layer"]
    assert users_layers(raw)[: len(before)] == before
    testing.undo(raw)
    assert users_layers(raw) == before
    testing.redo(raw)
    assert raw.topLevelNodes()[-1].name() == made.name()
    assert no_scratch(krita)


def test_the_settings_say_how_and_where_it_is_applied(studio: Studio) -> None:
    raw, model = studio.open()
    studio.settings.set("apply_as", "one_layer")
    studio.settings.set("placement", "below_sketch")
    studio.generate(model)
    model.apply()
    studio.until_idle(model)
    assert layer_names(raw.rootNode()) == ["Background", "Flats", "lines", "other"]


def test_apply_with_no_result_makes_one_first(studio: Studio) -> None:
    raw, model = studio.open()
    model.apply(ApplyAs.one_layer, Placement.top)
    studio.finish(studio.submitted())
    studio.until_idle(model)
    assert layer_names(raw.rootNode())[-1] == "Flats"
    assert len(model.history.entries) == 1 and model.selected is None
    # The preview began to come when the result did; it must not come after that.
    studio.until_idle(model)
    assert preview_of(raw) is None


def test_a_daemon_that_can_not_split_colors_says_so(studio: Studio) -> None:
    raw, model = studio.open()
    studio.client.connect([PAINTER])
    studio.connection.poll()
    studio.generate(model)
    before = users_layers(raw)
    model.apply(ApplyAs.by_color)
    assert "can not split" in message_of(studio, model)
    assert users_layers(raw) == before
    studio.client.connect([PAINTER, SPLITTER])
    studio.connection.poll()
    studio.lose()
    model.apply(ApplyAs.by_color, Placement.top)
    job = studio.submitted(2)  # waits for the daemon that had it
    studio.connect()
    studio.finish(job, *split(RED))
    studio.until_idle(model)
    assert layer_names(raw.topLevelNodes()[-1]) == ["#c81e14", "Lines"]


def test_a_result_goes_over_the_hints_it_was_made_from(studio: Studio) -> None:
    raw, model = studio.open()
    model.add_hint_layer()
    studio.generate(model)
    order = layer_names(raw.rootNode())
    assert order == ["Background", "lines", "Color hints", "s2i preview", "other"]
    model.apply(ApplyAs.one_layer, Placement.above_sketch)
    studio.until_idle(model)
    order = layer_names(raw.rootNode())
    assert order == ["Background", "lines", "Color hints", "Flats", "other"]


# Previews.


def test_no_preview_when_the_settings_say_so(studio: Studio) -> None:
    raw, model = studio.open()
    studio.settings.set("preview", False)
    studio.generate(model)
    assert model.selected is not None and preview_of(raw) is None


def test_the_last_of_two_selected_results_is_shown(studio: Studio) -> None:
    raw, model = studio.open()
    studio.generate(model, *painted(RED))
    studio.generate(model, *painted(BLUE))
    newer, older = model.history.entries
    model.select(newer)
    model.select(older)
    studio.until_idle(model)
    preview = preview_of(raw)
    assert preview is not None
    assert preview.pixelData(0, 0, SIDE, SIDE).data() == painted(RED)[0].data
    model.discard(older)
    assert model.selected is None and preview_of(raw) is None
    assert model.history.entries == [newer]


def test_the_canvas_is_read_without_the_preview_also_when_it_was_about_to_come(
    studio: Studio,
) -> None:
    _, model = studio.open()
    model.set_source("sketch", Source(SourceKind.canvas))
    studio.generate(model)
    assert sent_by(studio, model)["sketch"].data == noise(1)
    studio.until_idle(model)
    model.select(None)
    model.select(model.history.entries[0])
    assert model._preview_task is not None
    model.generate()
    assert sent(studio.submitted(3))["sketch"].data == noise(1)
    assert model._preview_task is None


def test_no_preview_is_in_a_file_and_it_comes_back_when_that_is_written(studio: Studio) -> None:
    raw, model = studio.open()
    studio.generate(model)
    studio.workspace.set_saving(True)
    assert preview_of(raw) is None
    studio.workspace.set_saving(False)
    studio.until_idle(model)
    assert preview_of(raw) is not None
    # One that was about to come does not come while the file is written.
    model.select(model.history.entries[0])
    studio.workspace.set_saving(True)
    studio.until_idle(model)
    assert preview_of(raw) is None


def test_a_damaged_result_is_told_when_it_is_looked_at(studio: Studio) -> None:
    raw, model = studio.open()
    studio.generate(model)
    [key] = [key for key in raw.annotationTypes() if key.startswith("s2i/result/")]
    data = bytearray(raw.annotation(key).data())
    # Behind the thumbnail, in the last layer's bytes.
    data[-40:] = bytes(40)
    raw.setAnnotation(key, "", bytes(data))
    model.select(None)
    model.history.entries.clear()
    testing.finish(model.history.load())
    [entry] = model.history.entries
    model.selected = entry
    model.apply(ApplyAs.group)
    assert "damaged" in message_of(studio, model)


# The hint layer.


def test_the_hint_layer_lies_over_the_lines_is_empty_and_is_painted_on(studio: Studio) -> None:
    raw, model = studio.open()
    undo = testing.undo_steps(raw)
    model.add_hint_layer()
    assert layer_names(raw.rootNode()) == ["Background", "lines", "Color hints", "other"]
    hints = named(raw, "Color hints")
    assert Document(raw).active_layer == hints and hints.bounds.is_empty
    assert model.sources["hints"] == from_layer(hints)
    assert testing.undo_steps(raw) == [*undo, "Add Layer"]
    raw.setActiveNode(named(raw, "other").node)
    model.set_enabled("hints", False)
    model.add_hint_layer()
    assert Document(raw).active_layer == hints and model.sources["hints"].is_sent
    assert layer_names(raw.rootNode()).count("Color hints") == 1
    testing.undo(raw)
    model.add_hint_layer()
    assert layer_names(raw.rootNode()).count("Color hints") == 1


def test_without_a_layer_there_is_nothing_to_put_hints_above(studio: Studio) -> None:
    raw, model = studio.open("lines")
    for node in raw.topLevelNodes():
        node.remove()
    model.add_hint_layer()
    assert model.message is not None and "no layer" in model.message.text


# Results of before.


def test_a_result_s_settings_can_be_used_again(studio: Studio) -> None:
    _, model = studio.open()
    model.set_parameter("detail", 0.9)
    studio.generate(model)
    model.reset_parameters()
    model.choose("flatter")
    model.reuse(model.history.entries[0])
    assert model.pipeline == PAINTER
    assert model.parameters == {"detail": 0.9, "steps": 8, "way": "calm"}


def test_a_result_of_a_system_that_is_not_there_any_more(studio: Studio) -> None:
    raw, model = studio.open()
    studio.generate(model)
    studio.client.connect([FLATTER])
    studio.connection.poll()
    assert model.pipeline == FLATTER
    [entry] = model.history.entries
    model.reuse(entry)
    assert model.message is not None and "Painter" in model.message.text
    assert model.pipeline == FLATTER
    # It can still be looked at and applied.
    model.select(entry)
    model.apply(ApplyAs.group, Placement.top)
    studio.until_idle(model)
    assert layer_names(raw.topLevelNodes()[-1]) == ["Flats", "Lines"]


# The palette.


def test_colors_come_from_the_reference_before_the_result(studio: Studio) -> None:
    raw, model = studio.open()
    model.take_palette()
    assert model.message is not None and "take colors from" in model.message.text
    studio.generate(model)
    model.take_palette()
    studio.until_idle(model)
    assert studio.palette.colors == [RED]
    studio.palette.clear()
    picture = Picture(name="x", width=1, height=1, data=bytes((*BLUE, 255)))
    model.set_source("reference", Source(SourceKind.picture, picture=picture))
    model.take_palette()
    studio.until_idle(model)
    assert studio.palette.colors == [BLUE]
    model.take_palette(model.history.entries[0])
    studio.until_idle(model)
    assert studio.palette.colors == [BLUE, RED]
    studio.palette.clear()
    node = named(raw, "other").node
    node.setPixelData(bytes((7, 8, 9, 255)) * SIDE**2, 0, 0, SIDE, SIDE)
    model.set_source("reference", from_layer(named(raw, "other")))
    model.take_palette()
    studio.until_idle(model)
    assert studio.palette.colors == [(9, 8, 7)]
    node.setPixelData(bytes(4 * SIDE**2), 0, 0, SIDE, SIDE)
    model.take_palette()
    assert "take colors from" in message_of(studio, model)


# What the document remembers.


def reopen(studio: Studio, krita: Krita, raw: KritaDocument) -> tuple[KritaDocument, DocumentModel]:
    """Save, close and open again."""
    raw.saveAs("page.kra")
    raw.close()
    studio.workspace.sweep()
    opened = krita.openDocument("page.kra")
    window = krita.activeWindow()
    assert opened is not None and window is not None
    window.addView(opened)
    return opened, studio.model_of(opened)


def test_a_document_that_is_opened_again_has_its_choices_and_results(
    studio: Studio, krita: Krita
) -> None:
    raw, model = studio.open()
    model.choose("flatter")
    model.set_parameter("detail", 0.5)
    model.choose("painter")
    model.set_parameter("way", "wild")
    model.set_source("sketch", from_layer(named(raw, "other")))
    model.add_hint_layer()
    model.set_enabled("hints", False)
    studio.generate(model)
    name, [entry] = model.session_name, model.history.entries
    sources = dict(model.sources)
    studio.settings.set("system", "flatter")
    raw, model = reopen(studio, krita, raw)
    assert model.session_name != name
    assert model.pipeline == PAINTER and model.parameters["way"] == "wild"
    model.choose("flatter")
    assert model.parameters == {"detail": 0.5}
    assert {name: model.sources[name] for name in ("sketch", "hints")} == {
        name: sources[name] for name in ("sketch", "hints")
    }
    studio.bot.waitUntil(lambda: [each.id for each in model.history.entries] == [entry.id])
    model.select(model.history.entries[0])
    studio.until_idle(model)
    preview = preview_of(raw)
    assert preview is not None
    assert preview.pixelData(0, 0, SIDE, SIDE).data() == painted()[0].data


def test_a_layer_that_went_meanwhile_is_guessed_anew(studio: Studio, krita: Krita) -> None:
    raw, model = studio.open()
    model.set_source("sketch", from_layer(named(raw, "other")))
    studio.generate(model)
    named(raw, "other").node.remove()
    raw, model = reopen(studio, krita, raw)
    assert model.sources["sketch"].layer == named(raw, "lines").id


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        b"\xff\xfe",
        b"[]",
        b"5",
        b"[" * 100_000,
        b'{"parameters": 5}',
        b'{"parameters": {"painter": "fast"}}',
        b'{"parameters": {"painter": {"detail": "much", "steps": 999, "odd": 1}}}',
        b'{"sources": []}',
        b'{"sources": {"sketch": {}}}',
        b'{"sources": {"sketch": {"kind": "cloud", "enabled": true}}}',
        b'{"sources": {"sketch": {"kind": "layer", "enabled": true}}}',
        b'{"sources": {"sketch": {"kind": "layer", "layer": [], "enabled": 1}}}',
        b'{"system": null}',
        b'{"system": ["painter"]}',
    ],
)
def test_nonsense_in_the_document_is_as_if_nothing_was_there(studio: Studio, data: bytes) -> None:
    raw = testing.show_document(SIDE, SIDE)
    testing.add_layer(raw, "lines", noise(0))
    raw.setAnnotation(STATE_KEY, "", data)
    model = studio.model_of(raw)
    assert model.pipeline == PAINTER
    assert model.parameters == {"detail": 0.5, "steps": 8, "way": "calm"}
    assert model.sources["sketch"].layer == named(raw, "lines").id
    studio.generate(model)
    assert json.loads(raw.annotation(STATE_KEY).data())["system"] == model._chosen


def test_one_document_has_one_model_and_a_closed_one_none(studio: Studio) -> None:
    raw, model = studio.open()
    assert studio.model_of(raw) is model and studio.workspace.active_model() is model
    _, second = studio.open()
    assert second is not model and studio.workspace.active_model() is second
    raw.close()
    assert studio.workspace.model_of(Document(raw)) is None
    assert studio.workspace.model_of(None) is None


def test_the_workspace_lets_go_of_closed_documents_by_itself(studio: Studio, qtbot: QtBot) -> None:
    raw, model = studio.open()
    with qtbot.waitSignal(studio.workspace.closed) as told:
        raw.close()
    assert told.args == [model]


def test_the_daemon_is_started_and_installed_as_the_settings_say(studio: Studio) -> None:
    studio.workspace.start_daemon()
    studio.settings.set("device", "cuda")
    studio.settings.set("memory_gigabytes", 6)
    studio.launcher.report = LaunchReport(LaunchState.idle)
    studio.workspace.start_daemon()
    assert studio.launcher.starts == [
        {"devices": [], "memory_limit": ""},
        {"devices": ["cuda"], "memory_limit": "6G"},
    ]
    studio.settings.set("wheels", "/wheels")
    studio.settings.set("variant", "cpu")
    studio.workspace.install_backend()
    [asked] = studio.installation.asked
    assert (str(asked["wheels"]), asked["variant"]) == ("/wheels", "cpu")
    studio.workspace.close()
    assert studio.installation.cancelled == 1


@pytest.mark.parametrize("depth", ["U8", "U16", "F16", "F32"])
def test_documents_of_every_depth_are_colored(studio: Studio, depth: str) -> None:
    raw = testing.show_document(SIDE, SIDE, "RGBA", depth, "sRGB-elle-V2-g10.icc")
    values = np.random.default_rng(2).random((SIDE, SIDE, 4))
    values[..., 3] = 1
    kinds = {"U8": np.uint8, "U16": np.uint16, "F16": np.float16, "F32": np.float32}
    full = np.iinfo(kinds[depth]).max if depth.startswith("U") else 1
    data = (values * full).astype(kinds[depth]).tobytes()
    testing.add_layer(raw, "lines", data)
    model = studio.model_of(raw)
    picture = sent_by(studio, model)["sketch"]
    assert (picture.depth, picture.profile, picture.data) == (depth.lower(), "linear", data)
    result = ResultLayer(
        name="flats",
        width=SIDE,
        height=SIDE,
        depth=picture.depth,
        order=picture.order,
        profile="linear",
        kind="flats",
        data=data,
    )
    before = users_layers(raw)
    studio.generate(model, result)
    model.apply(ApplyAs.one_layer, Placement.top)
    studio.until_idle(model)
    assert raw.topLevelNodes()[-1].pixelData(0, 0, SIDE, SIDE).data() == data
    assert users_layers(raw)[: len(before)] == before
