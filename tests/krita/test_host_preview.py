"""The preview comes, follows and goes, and Krita's undo history never knows."""

from __future__ import annotations

import numpy as np
import pytest
from fake_krita import Document as KritaDocument
from fake_krita import Node, testing
from fake_krita.application import Krita
from fake_krita.colors import convert
from fake_krita.testing import add_layer, finish, layer_names, show_document
from studio import settle

from s2i_client.geometry import Point
from s2i_client.pixels import ResultLayer
from s2i_krita.host.document import Document, DocumentClosed
from s2i_krita.host.layer import PREVIEW_NAME, Layer
from s2i_krita.host.preview import Preview, remove_forgotten

SRGB = ("RGBA", "U8", "sRGB-elle-V2-srgbtrc.icc")


def result(width: int, height: int, origin: tuple[int, int] = (0, 0), seed: int = 0) -> ResultLayer:
    data = np.random.default_rng(seed).integers(1, 256, width * height * 4).astype(np.uint8)
    return ResultLayer(
        name="color",
        width=width,
        height=height,
        order="bgra",
        origin=Point(*origin),
        data=data.tobytes(),
    )


def named(raw: KritaDocument, name: str) -> Layer:
    return next(layer for layer in Document(raw).layers() if layer.name == name)


def node_of(raw: KritaDocument, parent: Node | None = None) -> Node:
    parent = parent or raw.rootNode()
    assert parent is not None
    return next(node for node in parent.childNodes() if node.name() == PREVIEW_NAME)


@pytest.fixture
def raw(krita: Krita, replaces_all_children: bool) -> KritaDocument:
    """Background, lines and hints; hints are painted on."""
    document = show_document(4, 4)
    add_layer(document, "lines")
    add_layer(document, "hints")
    return document


@pytest.mark.parametrize(
    ("sketch", "below", "expected"),
    [
        ("lines", False, ["Background", "lines", PREVIEW_NAME, "hints"]),
        ("lines", True, ["Background", PREVIEW_NAME, "lines", "hints"]),
        ("hints", False, ["Background", "lines", "hints", PREVIEW_NAME]),
        ("Background", True, [PREVIEW_NAME, "Background", "lines", "hints"]),
    ],
)
def test_it_lies_beside_the_sketch_and_goes_without_a_trace(
    raw: KritaDocument, sketch: str, below: bool, expected: list[str]
) -> None:
    steps, before = testing.undo_steps(raw), layer_names(raw.rootNode())
    preview = Preview()
    picture = result(4, 4)
    assert finish(preview.show(Document(raw), picture, named(raw, sketch), below))
    assert layer_names(raw.rootNode()) == expected
    node = node_of(raw)
    assert node.pixelData(0, 0, 4, 4).data() == picture.data
    assert node.locked() and preview.present
    assert raw.kis.image.refreshed and not raw.kis.image.locks
    active = raw.activeNode()
    assert active is not None and active.name() == "hints"
    preview.remove()
    assert layer_names(raw.rootNode()) == before
    assert testing.undo_steps(raw) == steps
    settle()
    assert not preview.present and raw.kis.application.documents() == [raw]


def test_new_pixels_come_in_place_and_old_ones_go(raw: KritaDocument) -> None:
    preview, document, lines = Preview(), Document(raw), named(raw, "lines")
    finish(preview.show(document, result(4, 4), lines, True))
    identity = node_of(raw).uniqueId()
    second = result(2, 2, (1, 1), seed=1)
    finish(preview.show(document, second, lines, True))
    node = node_of(raw)
    assert node.uniqueId() == identity
    assert node.bounds().getRect() == (1, 1, 2, 2)
    assert node.pixelData(1, 1, 2, 2).data() == second.data
    preview.remove()


def test_it_comes_in_the_documents_color_space(krita: Krita) -> None:
    space = ("CMYKA", "U16", "Chemical proof")
    raw = show_document(3, 3, *space)
    preview, background = Preview(), named(raw, "Background")
    for seed in range(2):
        picture = result(3, 3, seed=seed)
        finish(preview.show(Document(raw), picture, background, False))
        expected = convert(bytes(picture.data), SRGB, space)
        assert node_of(raw).pixelData(0, 0, 3, 3).data() == expected
    preview.remove()


def test_it_follows_a_sketch_into_a_group_and_comes_back_when_deleted(raw: KritaDocument) -> None:
    preview, document, lines = Preview(), Document(raw), named(raw, "lines")
    finish(preview.show(document, result(4, 4), lines, False))
    group = raw.createGroupLayer("group")
    root = raw.rootNode()
    root.addChildNode(group, None)
    lines.node.remove()
    group.addChildNode(lines.node, None)
    finish(preview.show(document, result(4, 4), lines, False))
    assert layer_names(group) == ["lines", PREVIEW_NAME]
    assert layer_names(root) == ["Background", "hints", "group"]
    node_of(raw, group).remove()
    assert not preview.present
    finish(preview.show(document, result(4, 4), lines, False))
    assert layer_names(group) == ["lines", PREVIEW_NAME]
    preview.remove()
    assert layer_names(group) == ["lines"]


def test_beside_krita_s_inner_layers_it_is_recorded_and_says_so(raw: KritaDocument) -> None:
    root = raw.rootNode()
    inner = raw.createNode("references", "")
    root.addChildNode(inner, None)
    preview = Preview()
    assert not finish(preview.show(Document(raw), result(4, 4), named(raw, "lines"), True))
    assert layer_names(root) == ["Background", PREVIEW_NAME, "lines", "hints", "references"]
    preview.remove()
    assert layer_names(root) == ["Background", "lines", "hints", "references"]


def test_it_moves_with_live_to_another_document(raw: KritaDocument) -> None:
    other = show_document(2, 2)
    preview = Preview()
    finish(preview.show(Document(raw), result(4, 4), named(raw, "lines"), True))
    finish(preview.show(Document(other), result(2, 2), named(other, "Background"), False))
    assert PREVIEW_NAME not in layer_names(raw.rootNode())
    assert raw.kis.image.refreshed == 2, "shown, and not shown any more"
    assert layer_names(other.rootNode()) == ["Background", PREVIEW_NAME]
    other.close()
    assert not preview.present
    preview.remove()
    settle()
    assert raw.kis.application.documents() == [raw]


def test_a_document_that_closes_meanwhile_ends_it(raw: KritaDocument) -> None:
    preview = Preview()
    steps = preview.show(Document(raw), result(4, 4), named(raw, "lines"), True)
    next(steps)
    raw.close()
    with pytest.raises(DocumentClosed):
        finish(steps)
    preview.remove()
    settle()
    assert raw.kis.application.documents() == []


def test_a_forgotten_preview_is_removed_and_users_layers_are_not(
    krita: Krita, raw: KritaDocument
) -> None:
    preview = Preview()
    finish(preview.show(Document(raw), result(4, 4), named(raw, "lines"), True))
    assert remove_forgotten(Document(raw), preview) == 0
    raw.saveAs("page.kra")
    opened = krita.openDocument("page.kra")
    assert opened is not None
    add_layer(opened, PREVIEW_NAME).setLocked(True)
    assert remove_forgotten(Document(opened)) == 1
    assert layer_names(opened.rootNode()) == ["Background", "lines", "hints", PREVIEW_NAME]
    preview.remove()
