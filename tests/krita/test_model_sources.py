"""Where inputs come from: layers by their names, files and pasted pictures with exact pixels."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_krita import Document as KritaDocument
from fake_krita.application import Krita
from fake_krita.testing import add_layer, show_document

from s2i_krita.host.document import Document
from s2i_krita.host.layer import Layer
from s2i_krita.model.sources import (
    Source,
    SourceKind,
    UnreadablePicture,
    from_file,
    from_layer,
    guess_sketch,
    picture_of,
    read_file,
)
from s2i_krita.qt import QtGui

FORMAT = QtGui.QImage.Format


def image(pixels: np.ndarray) -> QtGui.QImage:
    """From straight 8-bit rgba."""
    height, width = pixels.shape[:2]
    return QtGui.QImage(pixels.tobytes(), width, height, 4 * width, FORMAT.Format_RGBA8888).copy()


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 4)).astype(np.uint8)


def layers(raw: KritaDocument, *names: str) -> dict[str, Layer]:
    for name in names:
        add_layer(raw, name)
    return {layer.name: layer for layer in Document(raw).layers()}


def guess(raw: KritaDocument) -> str | None:
    document = Document(raw)
    layer = guess_sketch(document.layers(), document.active_layer)
    return None if layer is None else layer.name


def test_switched_off_it_is_kept_and_not_sent() -> None:
    source = Source(SourceKind.canvas)
    off = source.switched(False)
    assert source.is_sent and not off.is_sent
    assert off.switched(True) == source
    assert not Source().is_sent


@pytest.mark.parametrize(
    "name",
    ["Line art", "INKS", "ink_2", "Skizze 2", "Outlines", "Tuschelinien", "线稿"],
)
def test_a_layer_that_is_named_so_is_the_sketch(krita: Krita, name: str) -> None:
    raw = show_document(2, 2)
    layers(raw, name, "shade")
    assert guess(raw) == name


def test_of_two_named_so_the_active_one_is_the_sketch_else_the_upper(krita: Krita) -> None:
    raw = show_document(2, 2)
    there = layers(raw, "lines rough", "lines clean", "color")
    assert guess(raw) == "lines clean"
    raw.setActiveNode(there["lines rough"].node)
    assert guess(raw) == "lines rough"


def test_without_such_a_name_it_is_the_active_layer(krita: Krita) -> None:
    raw = show_document(2, 2)
    there = layers(raw, "one", "two")
    raw.setActiveNode(there["one"].node)
    assert guess(raw) == "one"


def test_what_can_not_be_seen_is_not_guessed_by_its_name(krita: Krita) -> None:
    raw = show_document(2, 2)
    there = layers(raw, "lines hidden", "other")
    there["lines hidden"].node.setVisible(False)
    assert guess(raw) == "other"


def test_lines_that_are_locked_are_guessed(krita: Krita) -> None:
    raw = show_document(2, 2)
    there = layers(raw, "Line art", "color")
    there["Line art"].node.setLocked(True)
    assert guess(raw) == "Line art"


@pytest.mark.parametrize("kind", ["grouplayer", "vectorlayer", "filelayer"])
def test_lines_may_be_a_group_or_vectors(krita: Krita, kind: str) -> None:
    raw = show_document(2, 2)
    raw.rootNode().addChildNode(raw.createNode("Inks", kind), None)
    layers(raw, "color")
    assert guess(raw) == "Inks"


def test_a_filter_is_no_sketch(krita: Krita) -> None:
    raw = show_document(2, 2)
    layers(raw, "color")
    raw.rootNode().addChildNode(raw.createNode("Sketch filter", "filterlayer"), None)
    assert guess(raw) == "color"


@pytest.mark.parametrize("name", ["Pink", "Portrait", "Feline", "Withdrawn", "Drinks"])
def test_a_short_word_in_another_is_not_meant(krita: Krita, name: str) -> None:
    raw = show_document(2, 2)
    there = layers(raw, name, "shade")
    raw.setActiveNode(there["shade"].node)
    assert guess(raw) == "shade"


def test_without_layers_there_is_no_guess() -> None:
    assert guess_sketch([], None) is None


def test_a_layer_is_remembered_by_its_id(krita: Krita) -> None:
    raw = show_document(2, 2)
    layer = layers(raw, "one")["one"]
    source = from_layer(layer)
    assert (source.kind, source.layer, source.label) == (SourceKind.layer, layer.id, "one")


def test_a_picture_has_the_file_s_pixels(tmp_path: Path, qapp: object) -> None:
    pixels = noise(5, 7)
    path = tmp_path / "reference.png"
    assert image(pixels).save(str(path))
    picture = read_file(path)
    assert (picture.width, picture.height) == (7, 5)
    assert picture.data == pixels.tobytes()


def test_a_file_is_read_after_it_was_chosen() -> None:
    source = from_file("/somewhere/reference.png")
    assert (source.kind, source.label) == (SourceKind.file, "reference.png")
    assert source.path == "/somewhere/reference.png"
    assert source.loading and source.picture is None


def test_a_turned_photograph_is_turned_back(tmp_path: Path, qapp: object) -> None:
    path = tmp_path / "photo.jpg"
    assert image(np.full((8, 16, 4), 255, np.uint8)).save(str(path))
    # Exif, one entry: the orientation (0x0112) is "turn it to the right" (6).
    tiff = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0x0112, 3, 1, 6, 0)
    exif = b"Exif\0\0" + tiff
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:])
    picture = read_file(path)
    assert (picture.width, picture.height) == (8, 16)


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_a_file_that_is_no_picture_says_what_to_do(
    tmp_path: Path, qapp: object, content: bytes
) -> None:
    path = tmp_path / "notes.png"
    path.write_bytes(content)
    with pytest.raises(UnreadablePicture, match=r"notes\.png .*PNG, JPEG or WebP"):
        read_file(path)


def test_a_file_that_is_gone_says_so(tmp_path: Path, qapp: object) -> None:
    with pytest.raises(UnreadablePicture, match=r"gone\.png is not there any more"):
        read_file(tmp_path / "gone.png")


@pytest.mark.parametrize(
    ("width", "height", "sides"),
    [
        (4096, 1024, (2048, 512)),
        (100, 3000, (68, 2048)),
        (40_000, 2, (2048, 1)),
        (2048, 5, (2048, 5)),
    ],
)
def test_no_side_of_a_picture_is_longer_than_2048(
    tmp_path: Path, qapp: object, width: int, height: int, sides: tuple[int, int]
) -> None:
    large = QtGui.QImage(width, height, FORMAT.Format_RGB32)
    large.fill(QtGui.QColor(200, 100, 50))
    path = tmp_path / "large.png"
    assert large.save(str(path))
    for picture in (picture_of(large), read_file(path)):
        assert (picture.width, picture.height) == sides
        assert picture.data == b"\xc8\x64\x32\xff" * (sides[0] * sides[1])


def test_a_large_file_is_not_unfolded_whole(
    tmp_path: Path, qapp: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = QtGui.QImage(6000, 100, FORMAT.Format_RGB32)
    large.fill(QtGui.QColor(200, 100, 50))
    path = tmp_path / "large.png"
    assert large.save(str(path))
    monkeypatch.setattr("s2i_krita.model.sources.picture_of", lambda image, _name: image)
    read: Any = read_file(path)
    assert read.width() == 2048


def test_a_picture_without_pixels_is_told() -> None:
    with pytest.raises(UnreadablePicture, match="no pixels"):
        picture_of(QtGui.QImage())


@pytest.mark.parametrize("side", [2, 2500])
def test_colors_are_converted_to_srgb(tmp_path: Path, qapp: object, side: int) -> None:
    wide = QtGui.QImage(side, 2, FORMAT.Format_RGB32)
    wide.fill(QtGui.QColor(60, 200, 90))
    wide.setColorSpace(QtGui.QColorSpace(QtGui.QColorSpace.NamedColorSpace.DisplayP3))
    path = tmp_path / "wide.png"
    assert wide.save(str(path))
    for picture in (picture_of(wide), read_file(path)):
        # Display P3's (60, 200, 90) in sRGB, by both matrices: red falls below what sRGB has.
        assert np.abs(np.subtract(list(picture.data[:4]), (0, 203, 75, 255))).max() <= 2


@pytest.mark.parametrize(
    "form",
    [FORMAT.Format_ARGB32, FORMAT.Format_RGB888, FORMAT.Format_Grayscale8],
)
def test_images_of_every_format_become_rgba_without_padding(
    qapp: object, form: QtGui.QImage.Format
) -> None:
    gray = np.zeros((3, 5, 4), np.uint8)
    gray[..., :3] = np.arange(15).reshape(3, 5, 1) * 16
    gray[..., 3] = 255
    picture = picture_of(image(gray).convertToFormat(form))
    assert picture.data == gray.tobytes()
