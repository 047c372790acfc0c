"""What part of the canvas is looked at, and how a result's layers lie over each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2i_client.declaration import Declaration, LayerKind, Output
from s2i_client.geometry import Bounds
from s2i_client.pixels import LayerInfo
from s2i_krita.model.layering import composite, live_output, stacked
from s2i_krita.model.region import LEAST_CONTEXT, work_region

CANVAS = Bounds(0, 0, 1000, 800)


def layer(name: str, kind: LayerKind) -> LayerInfo:
    return LayerInfo(name=name, width=1, height=1, kind=kind)


def test_without_a_selection_it_is_the_canvas() -> None:
    assert work_region(CANVAS, None, 0.25) == CANVAS


def test_a_selection_has_context_by_its_longer_side() -> None:
    assert work_region(CANVAS, Bounds(400, 300, 400, 100), 0.25) == Bounds(300, 200, 600, 300)


def test_a_small_selection_has_the_least_context_too() -> None:
    region = work_region(CANVAS, Bounds(500, 400, 8, 8), 0.25)
    assert region == Bounds(500, 400, 8, 8).pad(LEAST_CONTEXT)


def test_only_what_is_on_the_canvas_counts() -> None:
    # Of a selection 600 wide, 100 are on the canvas.
    assert work_region(CANVAS, Bounds(-500, 0, 600, 100), 1.0) == Bounds(0, 0, 200, 200)


def test_a_selection_beside_the_canvas_is_an_error() -> None:
    with pytest.raises(ValueError, match="outside"):
        work_region(CANVAS, Bounds(1000, 0, 10, 10), 0.25)


@given(
    st.builds(
        Bounds,
        st.integers(-50, 999),
        st.integers(-50, 799),
        st.integers(51, 3000),
        st.integers(51, 3000),
    ),
    st.floats(0, 2),
)
def test_all_that_is_selected_lies_in_the_region_and_it_on_the_canvas(
    selection: Bounds, context: float
) -> None:
    region = work_region(CANVAS, selection, context)
    assert CANVAS.encloses(region)
    assert region.encloses(selection.intersection(CANVAS))


def test_lines_lie_over_shade_over_flats() -> None:
    layers = [layer("l", "lines"), layer("s", "shade"), layer("f", "flats")]
    assert [each.name for each in stacked(layers)] == ["f", "s", "l"]


def test_what_already_has_the_flats_in_it_is_left_out_of_the_group() -> None:
    layers = [layer("c", "color"), layer("f", "flats"), layer("l", "lines")]
    assert [each.name for each in stacked(layers)] == ["f", "l"]
    assert [each.name for each in stacked([layer("c", "color"), layer("l", "lines")])] == ["c", "l"]


def test_layers_of_one_kind_keep_their_order() -> None:
    layers = [layer("1", "image"), layer("2", "image"), layer("3", "image")]
    assert [each.name for each in stacked(layers)] == ["1", "2", "3"]


def test_the_one_layer_that_shows_a_result_is_the_most_complete() -> None:
    kinds: tuple[LayerKind, ...] = ("mask", "lines", "shade", "flats", "image", "color")
    layers = [layer(kind, kind) for kind in kinds]
    while layers:
        assert composite(layers) is layers.pop()


def test_live_asks_for_what_shows_the_result_best_among_the_default_layers() -> None:
    outputs = (
        Output("lines", "", "", "lines"),
        Output("flats", "", "", "flats"),
        Output("color", "", "", "color", default=False),
    )
    assert live_output(Declaration("x", "", "", (), (), outputs)) == "flats"
