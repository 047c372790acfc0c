"""Documents and layers, read through the wrappers."""

from __future__ import annotations

import numpy as np
import pytest
from fake_krita import Document as KritaDocument
from fake_krita import testing
from fake_krita.application import Krita
from fake_krita.colors import WIDE, convert
from fake_krita.testing import add_layer, finish, show_document

from s2i_client.geometry import Bounds
from s2i_krita.host.colors import ColorSpace
from s2i_krita.host.document import Document, DocumentClosed
from s2i_krita.host.layer import PREVIEW_NAME

WHITE = b"\xff" * 4


def noise(document: KritaDocument, seed: int = 0) -> bytes:
    """Bytes for every pixel of an 8-bit document of four channels."""
    count = document.width() * document.height() * 4
    return np.random.default_rng(seed).integers(1, 255, count).astype(np.uint8).tobytes()


def layer(document: Document, name: str):
    return next(layer for layer in document.layers() if layer.name == name)


def test_layers_come_as_the_docker_shows_them(krita: Krita) -> None:
    raw = show_document(4, 4)
    group = raw.createGroupLayer("group")
    raw.topLevelNodes()[0].addChildNode(raw.createTransparencyMask("mask"), None)
    testing.add_layer(raw, "top of all")
    raw.rootNode().addChildNode(group, raw.topLevelNodes()[0])
    add_layer(raw, "in group", parent=group)
    preview = add_layer(raw, PREVIEW_NAME)
    preview.setLocked(True)
    preview.setAlphaLocked(True)
    add_layer(raw, PREVIEW_NAME)  # A user's layer may have this name.
    found = [(layer.name, layer.depth_in_tree) for layer in Document(raw).layers()]
    assert found == [
        (PREVIEW_NAME, 0),
        ("top of all", 0),
        ("group", 0),
        ("in group", 1),
        ("Background", 0),
    ]


def test_layers_are_known_by_id_and_found_again_after_a_move(krita: Krita) -> None:
    raw = show_document(2, 2)
    node = add_layer(raw, "lines")
    document = Document(raw)
    lines = layer(document, "lines")
    node.setName("other")
    node.remove()
    assert document.layer(lines.id) is None
    raw.rootNode().addChildNode(node, None)
    assert document.layer(lines.id) == lines
    assert layer(document, "Background") != lines


def test_the_active_layer_of_a_mask_is_what_it_masks(krita: Krita) -> None:
    raw = show_document(2, 2)
    node = add_layer(raw, "lines", parent=None)
    mask = raw.createTransparencyMask("mask")
    node.addChildNode(mask, None)
    raw.setActiveNode(mask)
    active = Document(raw).active_layer
    assert active is not None
    assert (active.name, active.depth_in_tree) == ("lines", 0)


@pytest.mark.parametrize(
    ("model", "depth", "profile", "order", "wire_profile"),
    [
        ("RGBA", "U8", "sRGB built-in", "bgra", "sRGB"),
        ("RGBA", "U16", "sRGB-elle-V2-g10.icc", "bgra", "linear"),
        ("RGBA", "F16", "scRGB (linear)", "rgba", "linear"),
        ("RGBA", "F32", "sRGB-elle-V2-srgbtrc.icc", "rgba", "sRGB"),
        ("GRAYA", "U8", "Gray-D50-elle-V2-srgbtrc.icc", "graya", "sRGB"),
        ("GRAYA", "F32", "Gray-D50-elle-V2-g10.icc", "graya", "linear"),
    ],
)
def test_known_color_spaces_travel_as_they_are(
    krita: Krita, model: str, depth: str, profile: str, order: str, wire_profile: str
) -> None:
    raw = show_document(3, 2, model, depth, profile)
    document = Document(raw)
    background = layer(document, "Background")
    bounds = Bounds(-1, 0, 5, 3)
    picture = finish(background.read(bounds, "sketch"))
    assert (picture.order, picture.depth, picture.profile) == (order, depth.lower(), wire_profile)
    assert picture.data == raw.topLevelNodes()[0].pixelData(*bounds).data()
    assert picture.bounds == bounds and picture.name == "sketch"
    assert len(krita.documents()) == 1


@pytest.mark.parametrize(
    ("space", "travel"),
    [
        (("RGBA", "U8", WIDE), ("RGBA", "U8", "sRGB-elle-V2-srgbtrc.icc")),
        (("CMYKA", "U16", "Chemical proof"), ("RGBA", "U16", "sRGB-elle-V2-srgbtrc.icc")),
        (("CMYKA", "F32", "Chemical proof"), ("RGBA", "F32", "sRGB-elle-V2-g10.icc")),
        (("GRAYA", "U8", "gray built-in"), ("GRAYA", "U8", "Gray-D50-elle-V2-srgbtrc.icc")),
    ],
)
def test_other_color_spaces_are_converted_apart_from_the_document(
    krita: Krita, space: tuple[str, str, str], travel: tuple[str, str, str]
) -> None:
    raw = show_document(600, 300, *space)  # more than one strip
    document = Document(raw)
    background = layer(document, "Background")
    bounds = Bounds(0, 0, 600, 300)
    assert background.space.travel == ColorSpace(*travel)
    picture = finish(background.read(bounds, "sketch"))
    data = raw.topLevelNodes()[0].pixelData(*bounds).data()
    assert picture.data == convert(data, space, travel)
    assert testing.undo_steps(raw) == []
    assert len(krita.documents()) == 1


def test_masks_and_groups_are_read_as_they_look_and_hidden_layers_too(krita: Krita) -> None:
    raw = show_document(2, 1)
    group = raw.createGroupLayer("group")
    raw.rootNode().addChildNode(group, None)
    node = add_layer(raw, "lines", bytes([1, 2, 3, 255] * 2), parent=group)
    mask = raw.createTransparencyMask("mask")
    mask.setPixelData(b"\xff\x00", 0, 0, 2, 1)
    node.addChildNode(mask, None)
    group.setVisible(False)
    document = Document(raw)
    for name in ("lines", "group"):
        picture = finish(layer(document, name).read(document.bounds, name))
        assert bytes(picture.data)[3::4] == b"\xff\x00"


def test_the_whole_picture_is_read_in_strips_between_events(krita: Krita) -> None:
    raw = show_document(1024, 1100)
    document = Document(raw)
    steps = document.read(document.bounds, "reference")
    assert next(steps) is None
    picture = finish(steps)
    assert bytes(picture.data) == WHITE * (1024 * 1100)


def test_reading_waits_for_a_busy_document_and_ends_with_a_closed_one(krita: Krita) -> None:
    raw = show_document(2, 2)
    document = Document(raw)
    background = layer(document, "Background")
    testing.keep_busy(raw, 3)
    steps = background.read(document.bounds, "sketch")
    waits = [next(steps), next(steps), next(steps), next(steps)]
    assert all(waits[1:])
    raw.close()
    with pytest.raises(DocumentClosed):
        finish(steps)
    assert not document.is_open and document.layers() == []


def test_paper_is_told_from_transparency_at_the_border(krita: Krita) -> None:
    raw = show_document(9, 9)
    add_layer(raw, "lines").setPixelData(WHITE * 9, 3, 3, 3, 3)
    document = Document(raw)
    assert layer(document, "Background").is_opaque_paper(document.bounds)
    assert not layer(document, "lines").is_opaque_paper(document.bounds)
    assert not layer(document, "Background").is_opaque_paper(Bounds(0, 0, 0, 0))


def test_a_selection_is_what_lies_on_the_canvas(krita: Krita) -> None:
    raw = show_document(4, 4)
    document = Document(raw)
    assert document.selection() is None
    testing.select(raw, -1, 1, 3, 2, bytes([9, 1, 2, 9, 3, 4]))
    selection = document.selection()
    assert selection is not None
    assert selection.bounds == Bounds(0, 1, 2, 2)
    assert selection.mask == bytes([1, 2, 3, 4])
    testing.select(raw, 10, 10, 2, 2)
    outside = document.selection()
    assert outside is not None and outside.bounds.is_empty and outside.mask == b""


def test_a_hint_layer_is_one_undo_step_directly_above_and_active(krita: Krita) -> None:
    raw = show_document(2, 2)
    add_layer(raw, "lines")
    add_layer(raw, "other")
    document = Document(raw)
    steps = testing.undo_steps(raw)
    hint = document.create_paint_layer("Hints", layer(document, "lines"))
    assert testing.layer_names(raw.rootNode()) == ["Background", "lines", "Hints", "other"]
    assert document.active_layer == hint and hint.is_paintable
    assert testing.undo_steps(raw) == [*steps, "Add Layer"]
    raw.close()
    with pytest.raises(DocumentClosed):
        document.create_paint_layer("Hints", hint)


def test_annotations_are_kept_and_removed(krita: Krita) -> None:
    document = Document(show_document(1, 1))
    assert document.annotation("s2i/history") is None
    document.annotate("s2i/history", "Results", b"\x00data")
    assert document.annotation("s2i/history") == b"\x00data"
    document.remove_annotation("s2i/history")
    document.remove_annotation("s2i/history")
    assert document.annotation_keys() == []


def test_the_foreground_color_comes_and_goes_as_srgb(krita: Krita) -> None:
    document = Document(show_document(1, 1))
    document.set_foreground((200, 100, 50))
    assert document.foreground() == (200, 100, 50)
    view = krita.views()[0]
    color = view.foregroundColor()
    color.setColorSpace("RGBA", "F32", "sRGB-elle-V2-g10.icc")
    view.setForeGroundColor(color)
    assert document.foreground() == (200, 100, 50)


def test_documents_are_those_that_views_show(krita: Krita) -> None:
    raw = show_document(1, 1)
    other = show_document(1, 1)
    krita.createDocument(1, 1, "hidden", "RGBA", "U8", "", 72.0)
    assert Document.active() == Document(other) != Document(raw)
    assert Document.of_canvas(krita.views()[0].canvas()) == Document(raw)
    assert Document.of_canvas(None) is None
    other.close()
    raw.close()
    assert Document.active() is None
