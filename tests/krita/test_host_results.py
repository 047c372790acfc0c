"""Results become layers, as one undo step."""

from __future__ import annotations

import numpy as np
import pytest
from fake_krita import Document as KritaDocument
from fake_krita import testing
from fake_krita.application import Krita
from fake_krita.colors import WIDE, convert
from fake_krita.testing import add_layer, finish, layer_names, show_document

from s2i_client.geometry import Bounds, Point
from s2i_client.pixels import ORDER_CHANNELS, Order, ResultLayer
from s2i_krita.host.document import Document, DocumentClosed
from s2i_krita.host.layer import Layer
from s2i_krita.host.results import NewLayer, Placement, apply
from s2i_krita.host.selection import Selection

SRGB = ("RGBA", "U8", "sRGB-elle-V2-srgbtrc.icc")


def result(width: int, height: int, origin: tuple[int, int] = (0, 0), seed: int = 0) -> ResultLayer:
    data = np.random.default_rng(seed).integers(0, 256, width * height * 4).astype(np.uint8)
    return ResultLayer(
        name="flats",
        width=width,
        height=height,
        order="bgra",
        origin=Point(*origin),
        data=data.tobytes(),
    )


def put(
    raw: KritaDocument,
    *layers: NewLayer,
    group: str | None = None,
    placement: Placement = Placement.top,
    sketch: Layer | None = None,
    within: Selection | None = None,
) -> list[str]:
    steps = apply(
        Document(raw), layers, group=group, placement=placement, sketch=sketch, within=within
    )
    return finish(steps)


def named(raw: KritaDocument, name: str) -> Layer:
    return next(layer for layer in Document(raw).layers() if layer.name == name)


def test_a_group_is_one_undo_step(krita: Krita) -> None:
    raw = show_document(8, 8)
    add_layer(raw, "lines")
    steps = testing.undo_steps(raw)
    flats, shade = result(8, 8), result(4, 3, (2, 1), seed=1)
    ids = put(
        raw, NewLayer("Flats", flats), NewLayer("Shade", shade, "multiply", False), group="Colors"
    )
    group = raw.topLevelNodes()[-1]
    assert group.name() == "Colors" and layer_names(group) == ["Flats", "Shade"]
    assert [node.uniqueId().toString() for node in group.childNodes()] == ids
    below, above = group.childNodes()
    assert below.pixelData(0, 0, 8, 8).data() == flats.data
    assert above.pixelData(2, 1, 4, 3).data() == shade.data
    assert (above.blendingMode(), above.visible()) == ("multiply", False)
    assert (below.blendingMode(), below.visible()) == ("normal", True)
    assert testing.undo_steps(raw) == [*steps, "Add Layer"]
    testing.undo(raw)
    assert layer_names(raw.rootNode()) == ["Background", "lines"]
    testing.redo(raw)
    assert layer_names(raw.topLevelNodes()[-1]) == ["Flats", "Shade"]
    assert len(krita.documents()) == 1


@pytest.mark.parametrize(
    ("placement", "expected"),
    [
        (Placement.top, ["Background", "lines", "hints", "group", "Color"]),
        (Placement.above_sketch, ["Background", "lines", "Color", "hints", "group"]),
        (Placement.below_sketch, ["Background", "Color", "lines", "hints", "group"]),
    ],
)
def test_it_lands_where_the_user_wants_it(
    krita: Krita, placement: Placement, expected: list[str]
) -> None:
    raw = show_document(2, 2)
    for name in ("lines", "hints"):
        add_layer(raw, name)
    group = raw.createGroupLayer("group")
    raw.rootNode().addChildNode(group, None)
    put(raw, NewLayer("Color", result(2, 2)), placement=placement, sketch=named(raw, "lines"))
    assert layer_names(raw.rootNode()) == expected
    active = Document(raw).active_layer
    assert active is not None and active.name == "group"


def test_inside_the_active_group_means_on_top_or_above_the_active_layer(krita: Krita) -> None:
    raw = show_document(2, 2)
    group = raw.createGroupLayer("group")
    raw.rootNode().addChildNode(group, None)
    new = NewLayer("Color", result(2, 2))
    put(raw, new, placement=Placement.inside_active_group)
    assert layer_names(group) == ["Color"]
    lowest = add_layer(raw, "lowest", parent=group)
    put(raw, new, placement=Placement.inside_active_group)
    assert layer_names(group) == ["Color", "lowest", "Color"]
    raw.setActiveNode(lowest)
    put(raw, new, placement=Placement.inside_active_group)
    assert layer_names(group) == ["Color", "lowest", "Color", "Color"]


def test_below_the_lowest_layer_is_behind_it(krita: Krita) -> None:
    raw = show_document(2, 2)
    add_layer(raw, "lines")
    steps = testing.undo_steps(raw)
    color, background = NewLayer("Color", result(2, 2)), named(raw, "Background")
    put(raw, color, placement=Placement.below_sketch, sketch=background)
    assert layer_names(raw.rootNode()) == ["Background", "Color", "lines"]
    assert raw.topLevelNodes()[1].blendingMode() == "behind"
    assert testing.undo_steps(raw) == [*steps, "Add Layer"]


def test_below_the_lowest_layer_of_a_group_is_below_the_group(krita: Krita) -> None:
    raw = show_document(2, 2)
    group = raw.createGroupLayer("group")
    raw.rootNode().addChildNode(group, None)
    add_layer(raw, "lines", parent=group)
    color, lines = NewLayer("Color", result(2, 2)), named(raw, "lines")
    put(raw, color, placement=Placement.below_sketch, sketch=lines)
    assert layer_names(raw.rootNode()) == ["Background", "Color", "group"]
    assert raw.topLevelNodes()[1].blendingMode() == "normal"


def test_a_sketch_that_was_deleted_means_the_top(krita: Krita) -> None:
    raw = show_document(2, 2)
    node = add_layer(raw, "lines")
    lines = named(raw, "lines")
    node.remove()
    put(raw, NewLayer("Color", result(2, 2)), placement=Placement.below_sketch, sketch=lines)
    assert layer_names(raw.rootNode()) == ["Background", "Color"]


@pytest.mark.parametrize(
    "space",
    [
        ("RGBA", "U16", "sRGB-elle-V2-g10.icc"),
        ("RGBA", "F32", "scRGB (linear)"),
        ("RGBA", "U8", WIDE),
        ("GRAYA", "U8", "gray built-in"),
        ("CMYKA", "U8", "Chemical proof"),
    ],
)
def test_pixels_come_in_the_documents_color_space(
    krita: Krita, space: tuple[str, str, str]
) -> None:
    raw = show_document(400, 400, *space)
    picture = result(400, 400)
    put(raw, NewLayer("Color", picture))
    node = raw.topLevelNodes()[-1]
    assert (node.colorModel(), node.colorDepth(), node.colorProfile()) == space
    data = node.pixelData(0, 0, 400, 400).data()
    assert data == convert(bytes(picture.data), SRGB, space)
    assert testing.undo_steps(raw) == ["Add Layer"]


@pytest.mark.parametrize(
    ("order", "pixel"),
    [
        ("rgba", [3, 2, 1, 4]),
        ("rgb", [3, 2, 1, 255]),
        ("bgr", [1, 2, 3, 255]),
        ("gray", [1, 1, 1, 255]),
        ("graya", [1, 1, 1, 2]),
    ],
)
def test_every_order_of_channels_is_taken(krita: Krita, order: Order, pixel: list[int]) -> None:
    raw = show_document(1, 1)
    data = bytes([1, 2, 3, 4])[: ORDER_CHANNELS[order]]
    picture = ResultLayer(
        name="color", width=1, height=1, channels=len(data), order=order, data=data
    )
    put(raw, NewLayer("Color", picture))
    assert list(raw.topLevelNodes()[-1].pixelData(0, 0, 1, 1).data()) == pixel


def test_only_what_is_selected_is_there(krita: Krita) -> None:
    raw = show_document(6, 6)
    picture = result(4, 4, (1, 1))
    within = Selection(Bounds(3, 0, 3, 4), bytes([255, 0, 128] * 4))
    put(raw, NewLayer("Color", picture), within=within)
    data = raw.topLevelNodes()[-1].pixelData(0, 0, 6, 6).data()
    pixels = np.frombuffer(data, np.uint8).reshape(6, 6, 4)
    given = np.zeros((6, 6, 4), np.uint8)
    given[1:5, 1:5] = np.frombuffer(bytes(picture.data), np.uint8).reshape(4, 4, 4)
    assert np.array_equal(pixels[1:4, 3], given[1:4, 3])
    others = np.delete(pixels, 3, axis=1)
    assert not others.any()  # Columns 4 (not selected) and 5 (no picture), and all others.


def test_nothing_is_added_and_left_when_the_document_closes_meanwhile(krita: Krita) -> None:
    raw = show_document(4, 4)
    new = NewLayer("Color", result(4, 4))
    steps = apply(
        Document(raw), [new], group=None, placement=Placement.top, sketch=None, within=None
    )
    next(steps)
    next(steps)
    assert len(krita.documents()) == 2
    raw.close()
    with pytest.raises(DocumentClosed):
        finish(steps)
    assert krita.documents() == []


def test_nothing_is_left_when_it_is_cancelled(krita: Krita) -> None:
    raw = show_document(4, 4)
    new = NewLayer("Color", result(4, 4))
    steps = apply(
        Document(raw), [new], group="Group", placement=Placement.top, sketch=None, within=None
    )
    next(steps)
    next(steps)
    steps.close()
    assert krita.documents() == [raw]
    assert layer_names(raw.rootNode()) == ["Background"]


def test_several_layers_need_a_group(krita: Krita) -> None:
    raw = show_document(1, 1)
    new = NewLayer("Color", result(1, 1))
    with pytest.raises(ValueError, match="group"):
        put(raw, new, new)
