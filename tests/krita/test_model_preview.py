"""What is shown over the canvas agrees with what is looked at, whatever goes on meanwhile."""

from __future__ import annotations

from fake_krita import testing
from studio import BLUE, RED, SIDE, Studio, painted, preview_of, settle

from s2i_client.geometry import Bounds
from s2i_krita.host.results import Placement
from s2i_krita.host.selection import Selection
from s2i_krita.model.document_model import ApplyAs
from s2i_krita.model.sources import Source, SourceKind


def test_a_result_looked_at_during_work_is_shown_after_it(studio: Studio) -> None:
    raw, model = studio.open()
    model.set_source("sketch", Source(SourceKind.canvas))
    studio.generate(model)
    seen = model.history.entries[0]
    model.generate()
    job = studio.submitted(2)
    model.select(None)
    model.select(seen)
    settle()
    assert preview_of(raw) is None  # it would be read as part of the sketch
    studio.finish(job, *painted(BLUE))
    studio.until_idle(model)
    assert preview_of(raw) is not None
    model.apply(ApplyAs.one_layer)
    model.select(seen)
    studio.until_idle(model)
    assert preview_of(raw) is None  # what was applied is not looked at any more


def test_a_preview_comes_back_when_nothing_was_saved(studio: Studio) -> None:
    raw, model = studio.open()
    studio.generate(model)
    studio.workspace.set_saving(True)
    model.select(model.history.entries[0])
    settle()
    assert preview_of(raw) is None
    studio.workspace.set_saving(False)
    studio.until_idle(model)
    assert preview_of(raw) is not None


def test_after_live_the_result_that_is_looked_at_is_there_again(studio: Studio) -> None:
    raw, model = studio.open()
    studio.generate(model, *painted(BLUE))
    model.live.start()
    job = studio.submitted(2)
    with studio.bot.waitSignal(model.live.shown):
        studio.finish(job, *painted(RED))
    model.live.stop()
    studio.until_idle(model)
    preview = preview_of(raw)
    assert preview is not None
    assert preview.pixelData(0, 0, SIDE, SIDE).data() == painted(BLUE)[0].data


def test_live_that_would_see_itself_ends_and_says_why(studio: Studio) -> None:
    _, model = studio.open()
    model.live.start()
    studio.finish(studio.submitted())
    model.set_source("sketch", Source(SourceKind.canvas))
    studio.bot.waitUntil(lambda: not model.live.active)
    assert model.message is not None and "needs a sketch layer" in model.message.text


def test_only_in_the_selection_is_within_what_the_result_was_made_for(studio: Studio) -> None:
    raw, model = studio.open()
    model.choose("flatter")
    testing.select(raw, 0, 0, 8, 8)
    studio.generate(model, painted()[0])
    testing.select(raw, 4, 4, 8, 8, b"\x80" * 64)
    model.apply(ApplyAs.one_layer, Placement.top, only_selection=True)
    studio.until_idle(model)
    made = raw.topLevelNodes()[-1]
    assert made.bounds().getRect() == (4, 4, 4, 4)
    assert made.pixelData(4, 4, 1, 1).data()[3] == 0x80
    model.select(model.history.entries[0])
    testing.select(raw, 9, 9, 2, 2)
    before = len(raw.topLevelNodes())
    model.apply(ApplyAs.one_layer, Placement.top, only_selection=True)
    studio.until_idle(model)
    assert model.message is not None and "does not reach" in model.message.text
    model.select(None)
    assert len(raw.topLevelNodes()) == before


def test_a_selection_outside_of_the_canvas_is_told(studio: Studio) -> None:
    raw, model = studio.open()
    model.choose("flatter")
    testing.select(raw, SIDE + 5, 0, 4, 4)
    model.generate()
    studio.until_idle(model)
    assert model.message is not None and "outside of the canvas" in model.message.text
    assert not studio.client.submitted


def test_what_two_selections_share() -> None:
    one = Selection(Bounds(0, 0, 3, 2), bytes([255, 255, 255, 10, 200, 30]))
    other = Selection(Bounds(1, 0, 3, 2), bytes([0, 7, 9, 100, 255, 255]))
    assert one.intersection(other) == Selection(Bounds(1, 0, 2, 2), bytes([0, 7, 100, 30]))
    apart = one.intersection(Selection(Bounds(9, 9, 1, 1), b"\xff"))
    assert apart.bounds.is_empty and apart.mask == b""


def test_a_result_of_another_canvas_is_not_put_in_the_wrong_place(studio: Studio) -> None:
    raw, model = studio.open()
    studio.generate(model)
    before = len(raw.topLevelNodes())
    model.select(None)
    raw._image.width = SIDE - 4  # what a crop does to it, all that matters here
    model.select(model.history.entries[0])
    studio.until_idle(model)
    assert preview_of(raw) is None
    assert model.message is not None and "was cropped" in model.message.text
    model.apply(ApplyAs.group)
    studio.until_idle(model)
    assert model.message is not None and "was cropped" in model.message.text
    assert len(raw.topLevelNodes()) == before - 1  # only the preview has gone
