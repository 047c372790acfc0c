"""The fake Krita is as picky as the real one; other tests rely on that."""

from __future__ import annotations

import pytest
from fake_krita import testing
from fake_krita.application import Krita

WHITE = b"\xff" * 4


def test_pixels_that_are_too_few_are_ignored_and_a_memoryview_is_refused(krita: Krita) -> None:
    node = testing.add_layer(testing.show_document(2, 1), "layer", WHITE * 2)
    node.setPixelData(b"\x00" * 7, 0, 0, 2, 1)
    assert node.pixelData(0, 0, 2, 1).data() == WHITE * 2
    with pytest.raises(TypeError):
        node.setPixelData(memoryview(WHITE), 0, 0, 1, 1)


def test_reading_beyond_the_pixels_gives_zeros(krita: Krita) -> None:
    node = testing.add_layer(testing.show_document(1, 1), "layer", WHITE)
    assert node.pixelData(-1, 0, 3, 1).data() == bytes(4) + WHITE + bytes(4)


def test_adding_under_a_lock_would_hang(krita: Krita) -> None:
    document = testing.show_document(1, 1)
    assert document.tryBarrierLock()
    with pytest.raises(RuntimeError):
        testing.add_layer(document, "layer")


def test_documents_come_back_from_files_with_annotations_and_ids(krita: Krita) -> None:
    document = testing.show_document(2, 2)
    node = testing.add_layer(document, "layer", WHITE * 4)
    document.setAnnotation("key", "what", b"data")
    document.saveAs("file.kra")
    document.close()
    assert krita.documents() == [] and document.rootNode() is None
    again = krita.openDocument("file.kra")
    assert again is not None
    assert again.topLevelNodes()[1].uniqueId() == node.uniqueId()
    assert again.annotation("key").data() == b"data"


@pytest.mark.parametrize("depth", ["U8", "U16", "F32"])
def test_what_is_seen_is_what_lies_over_each_other(krita: Krita, depth: str) -> None:
    document = testing.show_document(1, 1, "RGBA", depth)
    node = testing.add_layer(document, "layer")
    assert node.setColorSpace("RGBA", "U8", "sRGB built-in")
    node.setPixelData(bytes([0, 0, 255, 255]), 0, 0, 1, 1)
    shown = document.projection(0, 0, 1, 1).pixelColor(0, 0)
    assert (shown.red(), shown.green(), shown.blue()) == (255, 0, 0)
    node.setVisible(False)
    assert document.projection(0, 0, 1, 1).pixelColor(0, 0).green() == 255
