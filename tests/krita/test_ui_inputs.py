"""Inputs: layers, files, pasted and dropped pictures, hints and the palette."""

from __future__ import annotations

from pathlib import Path

from desk import Desk, drop
from fake_krita import testing

from s2i_client.pixels import Picture
from s2i_krita.model.document_model import DocumentModel
from s2i_krita.model.sources import Source, SourceKind
from s2i_krita.qt import QtCore, QtGui, QtWidgets


def items(desk: Desk, name: str) -> list[str]:
    """What a combo box offers once its list is open."""
    combo = desk.find(name, QtWidgets.QComboBox)
    combo.showPopup()
    combo.hidePopup()
    return [combo.itemText(index) for index in range(combo.count())]


def current(desk: Desk, name: str) -> str:
    return desk.find(name, QtWidgets.QComboBox).currentText()


def red(width: int = 8, height: int = 4) -> QtGui.QImage:
    image = QtGui.QImage(width, height, QtGui.QImage.Format.Format_RGB32)
    image.fill(QtGui.QColor(255, 0, 0))
    return image


def picture_of(model: DocumentModel) -> Picture:
    settled(model)
    picture = model.sources["reference"].picture
    assert picture is not None
    return picture


def settled(model: DocumentModel) -> None:
    """Wait until no picture is being read."""
    loop = QtCore.QEventLoop()
    while any(source.loading for source in model.sources.values()):
        loop.processEvents()


def is_red(picture: Picture) -> bool:
    return (picture.width, picture.height) == (8, 4) and bytes(picture.data[:4]) == b"\xff\0\0\xff"


def test_the_line_art_is_chosen_and_any_layer_can_be(desk: Desk) -> None:
    model = desk.ready("Paper", "Line art", "Notes")
    assert current(desk, "source_sketch") == "Line art"
    assert items(desk, "source_sketch") == [
        *("Everything visible", "Notes", "Line art", "Paper", "Background")
    ]
    desk.choose("source_sketch", "Paper")
    assert model.sketch_layer is not None
    assert model.sketch_layer.name == "Paper"
    desk.choose("source_sketch", "Everything visible")
    assert model.sources["sketch"].kind is SourceKind.canvas
    assert "Everything visible" not in items(desk, "source_hints")


def test_groups_are_seen_by_indentation(desk: Desk) -> None:
    model = desk.ready("Line art")
    raw = model.document.raw
    group = raw.createGroupLayer("Group")
    raw.rootNode().addChildNode(group, None)
    testing.add_layer(raw, "Inside", parent=group)
    assert items(desk, "source_hints") == ["Group", "    Inside", "Line art", "Background"]


def test_a_layer_is_kept_by_what_it_is_and_not_by_its_name(desk: Desk) -> None:
    model = desk.ready("Paper", "Line art")
    layer = model.sketch_layer
    assert layer is not None
    layer.node.setName("Inks")
    assert "Inks" in items(desk, "source_sketch")
    assert current(desk, "source_sketch") == "Inks"
    layer.node.remove()
    assert items(desk, "source_sketch")[-1] == "Line art (gone)"
    assert current(desk, "source_sketch") == "Line art (gone)"


def test_an_input_is_switched_off_without_being_forgotten(desk: Desk) -> None:
    model = desk.ready("Line art", "Dabs")
    assert not desk.find("use_hints").isEnabled(), "nothing to switch on yet"
    assert not desk.view.findChildren(QtWidgets.QCheckBox, "use_sketch"), "it is required"
    desk.choose("source_hints", "Dabs")
    assert desk.find("use_hints", QtWidgets.QCheckBox).isChecked()
    desk.click("use_hints")
    assert not model.sources["hints"].is_sent
    assert current(desk, "source_hints") == "Dabs"
    desk.click("generate")
    assert list(desk.sent()) == ["sketch"]
    desk.client.finish(desk.client.submitted[-1])
    desk.until_idle(model)
    desk.click("use_hints")
    assert model.sources["hints"].is_sent
    layer = model.document.layer(model.sources["hints"].layer)
    assert layer is not None
    assert layer.name == "Dabs"


def test_a_button_makes_the_layer_for_hints(desk: Desk) -> None:
    model = desk.ready("Line art")
    desk.click("add_hint_layer")
    assert current(desk, "source_hints") == "Color hints"
    assert desk.find("use_hints", QtWidgets.QCheckBox).isChecked()
    assert model.document.active_layer is not None
    assert model.document.active_layer.name == "Color hints"
    desk.click("add_hint_layer")
    names = [layer.name for layer in model.document.layers()]
    assert names == ["Color hints", "Line art", "Background"]


def test_a_reference_can_be_a_file(desk: Desk, tmp_path: Path) -> None:
    model = desk.ready()
    path = tmp_path / "colors.png"
    red().save(str(path))
    desk.click("file_reference")
    dialog = desk.find("choose_reference", QtWidgets.QFileDialog)
    combo = desk.find("source_reference", QtWidgets.QComboBox)
    dialog.fileSelected.emit(str(path))
    assert combo.currentText() == "Reading colors.png…"
    dialog.close()
    assert is_red(picture_of(model))
    assert current(desk, "source_reference") == "colors.png"
    assert not combo.itemIcon(combo.currentIndex()).isNull(), "a thumbnail"
    assert "data:image/png" in combo.toolTip()


def test_a_file_that_is_no_picture_says_so(desk: Desk, tmp_path: Path) -> None:
    model = desk.ready()
    path = tmp_path / "notes.png"
    path.write_text("not a picture")
    desk.click("file_reference")
    dialog = desk.find("choose_reference", QtWidgets.QFileDialog)
    dialog.fileSelected.emit(str(path))
    dialog.close()
    settled(model)
    assert model.sources["reference"] == Source()
    assert "notes.png can not be read" in desk.text("message")
    assert desk.sees("message")


def test_a_reference_can_be_pasted(desk: Desk, tmp_path: Path) -> None:
    model = desk.ready()
    clipboard = QtWidgets.QApplication.clipboard()
    assert clipboard is not None
    clipboard.setText("no picture")
    desk.click("paste_reference")
    assert desk.text("message") == "The clipboard has no picture. Copy one first."
    desk.click("dismiss")
    clipboard.setImage(red())
    desk.click("paste_reference")
    assert is_red(picture_of(model))
    assert current(desk, "source_reference") == "Pasted picture"
    path = tmp_path / "copied.png"
    red().save(str(path))
    mime = QtCore.QMimeData()
    mime.setUrls([QtCore.QUrl.fromLocalFile(str(path))])
    clipboard.setMimeData(mime)
    desk.click("paste_reference")
    settled(model)
    assert current(desk, "source_reference") == "copied.png"


def test_pictures_and_files_are_dropped_on_the_row(desk: Desk, tmp_path: Path) -> None:
    model = desk.ready()
    row = desk.find("input_reference")
    text = QtCore.QMimeData()
    text.setText("hello")
    assert not drop(row, text)
    mime = QtCore.QMimeData()
    mime.setImageData(red())
    assert drop(row, mime)
    assert is_red(picture_of(model))
    assert current(desk, "source_reference") == "Dropped picture"
    path = tmp_path / "dropped.png"
    red().save(str(path))
    urls = QtCore.QMimeData()
    urls.setUrls([QtCore.QUrl("https://example.org/a.png"), QtCore.QUrl.fromLocalFile(str(path))])
    assert drop(row, urls)
    settled(model)
    assert current(desk, "source_reference") == "dropped.png"
    assert not desk.find("input_sketch").acceptDrops(), "a sketch lies on the canvas"


def test_the_reference_is_sent_whole(desk: Desk) -> None:
    desk.ready()
    mime = QtCore.QMimeData()
    mime.setImageData(red())
    drop(desk.find("input_reference"), mime)
    desk.click("generate")
    assert is_red(desk.sent()["reference"])


def test_the_palette_is_sent_when_it_is_locked(desk: Desk) -> None:
    model = desk.ready()
    desk.palette.set([(1, 2, 3), (4, 5, 6)])
    assert desk.text("palette_count") == "2 colors"
    assert not desk.find("use_palette", QtWidgets.QCheckBox).isChecked()
    desk.click("lock_palette_input")
    assert desk.palette.locked
    assert desk.find("use_palette", QtWidgets.QCheckBox).isChecked()
    assert desk.find("lock_palette", QtWidgets.QAbstractButton).isChecked()
    desk.click("generate")
    assert desk.sent()["palette"].width == 2
    desk.client.finish(desk.client.submitted[-1])
    desk.until_idle(model)
    desk.click("use_palette")
    assert not model.sources["palette"].is_sent
