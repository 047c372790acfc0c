"""What is chosen is kept in the document as soon as it is chosen, and found there again."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest
from fake_krita import Document as KritaDocument
from fake_krita import testing
from fake_krita.application import Krita
from studio import Studio

from s2i_client.pixels import Picture
from s2i_krita.model.choices import KEEP_MS, PICTURE_KEY, STATE_KEY
from s2i_krita.model.document_model import DocumentModel
from s2i_krita.model.sources import Source, SourceKind, UnreadablePicture, read_file
from s2i_krita.qt import QtGui


@pytest.fixture
def colors(tmp_path: Path) -> Path:
    """A file with a picture."""
    path = tmp_path / "colors.png"
    image = QtGui.QImage(8, 4, QtGui.QImage.Format.Format_RGB32)
    image.fill(QtGui.QColor(255, 0, 0))
    assert image.save(str(path))
    return path


def kept(raw: KritaDocument) -> dict[str, object] | None:
    """What the document remembers."""
    if STATE_KEY not in raw.annotationTypes():
        return None
    return json.loads(raw.annotation(STATE_KEY).data())


def reopen(studio: Studio, krita: Krita, raw: KritaDocument) -> tuple[KritaDocument, DocumentModel]:
    """Save as Krita does, close, and open again."""
    studio.workspace.set_saving(True)
    raw.saveAs("page.kra")
    studio.workspace.set_saving(False)
    raw.close()
    studio.workspace.sweep()
    opened = krita.openDocument("page.kra")
    window = krita.activeWindow()
    assert opened is not None and window is not None
    window.addView(opened)
    return opened, studio.model_of(opened)


def pasted(raw: KritaDocument) -> list[str]:
    """The keys of the pictures that are kept in the document."""
    return [key for key in raw.annotationTypes() if key.startswith(PICTURE_KEY)]


def speckled(width: int, height: int) -> QtGui.QImage:
    """A picture with other pixels everywhere, some of them half transparent."""
    y, x = np.mgrid[:height, :width]
    pixels = np.stack([x % 256, y % 256, 0 * x + 7, 255 - (x + y) % 100], -1).astype(np.uint8)
    form = QtGui.QImage.Format.Format_RGBA8888
    return QtGui.QImage(pixels.tobytes(), width, height, 4 * width, form).copy()


def settled(studio: Studio, model: DocumentModel) -> Source:
    """The reference once nothing is being read."""
    studio.bot.waitUntil(lambda: not any(s.loading for s in model.sources.values()))
    return model.sources.get("reference", Source())


def sent_by(studio: Studio) -> dict[str, Picture]:
    """The pictures of the one job that was handed over, by name."""
    request = studio.submitted().request
    assert request is not None
    return {p.name: p for p in request.pictures if isinstance(p, Picture)}


def test_opening_a_document_changes_nothing_in_it(studio: Studio) -> None:
    raw, model = studio.open()
    raw.setModified(False)
    studio.palette.lock(True)
    studio.bot.wait(2 * KEEP_MS)
    model.keep()
    assert kept(raw) is None
    assert not raw.modified()


def test_what_is_chosen_is_kept_a_moment_later(studio: Studio) -> None:
    raw, model = studio.open()
    raw.setModified(False)
    model.set_parameter("detail", 0.75)
    model.set_source("sketch", Source(SourceKind.canvas))
    assert kept(raw) is None, "a slider that is dragged changes often"
    studio.bot.waitUntil(lambda: kept(raw) is not None)
    state = kept(raw)
    assert state is not None and state["parameters"] == {"painter": {"detail": 0.75}}
    model.choose("flatter")
    studio.bot.waitUntil(lambda: (kept(raw) or {}).get("system") == "flatter")
    assert not raw.modified()


def test_a_document_that_was_closed_meanwhile_is_left_alone(studio: Studio) -> None:
    raw, model = studio.open()
    model.set_parameter("detail", 0.75)
    raw.close()
    model.keep()
    assert kept(raw) is None


def test_files_the_canvas_and_what_is_switched_off_are_found_again(
    studio: Studio, krita: Krita, colors: Path
) -> None:
    raw, model = studio.open()
    model.set_source("sketch", Source(SourceKind.canvas))
    model.take_file("reference", str(colors))
    picture = settled(studio, model).picture
    assert picture is not None
    model.set_enabled("reference", False)
    model.set_enabled("palette", True)
    raw, model = reopen(studio, krita, raw)
    assert model.sources["sketch"] == Source(SourceKind.canvas)
    assert model.sources["palette"].enabled
    found = settled(studio, model)
    assert (found.kind, found.path, found.enabled) == (SourceKind.file, str(colors), False)
    assert found.picture == picture
    assert model.message is None


def test_a_palette_follows_its_lock_in_documents_of_another_day(
    studio: Studio, krita: Krita
) -> None:
    raw, model = studio.open()
    model.set_parameter("detail", 0.75)
    studio.palette.lock(True)
    raw, model = reopen(studio, krita, raw)
    studio.palette.lock(False)
    assert not model.sources["palette"].enabled
    raw, model = reopen(studio, krita, raw)
    assert not model.sources["palette"].enabled


def test_a_pasted_picture_is_saved_with_the_document_as_it_was_used(
    studio: Studio, krita: Krita
) -> None:
    raw, model = studio.open()
    model.take_image("reference", speckled(6, 4), "Pasted picture")
    picture = settled(studio, model).picture
    model.set_enabled("reference", False)
    for _time in range(2):  # what was found is found again
        raw, model = reopen(studio, krita, raw)
        found = settled(studio, model)
        assert (found.kind, found.label, found.enabled) == (
            *(SourceKind.picture, "Pasted picture", False),
        )
        assert picture is not None and found.picture == picture
        model.choose("flatter")
        model.choose("painter")
    model.take_image("reference", speckled(2000, 500), "Another")
    wide = settled(studio, model).picture
    assert wide is not None and (wide.width, wide.height) == (1024, 256), "files should stay small"
    raw, model = reopen(studio, krita, raw)
    assert settled(studio, model).picture == wide


def test_a_pasted_picture_that_is_not_chosen_any_more_leaves_the_document(
    studio: Studio, krita: Krita, colors: Path
) -> None:
    raw, model = studio.open()
    model.take_image("reference", speckled(6, 4), "Pasted picture")
    settled(studio, model)
    raw, model = reopen(studio, krita, raw)
    settled(studio, model)
    assert len(pasted(raw)) == 1
    model.take_file("reference", str(colors))
    settled(studio, model)
    raw, model = reopen(studio, krita, raw)
    assert pasted(raw) == []
    assert settled(studio, model).path == str(colors)


@pytest.mark.parametrize("damaged", [None, b"", b"no picture"])
def test_a_pasted_picture_that_is_damaged_is_not_chosen(
    studio: Studio, krita: Krita, damaged: bytes | None
) -> None:
    raw, model = studio.open()
    model.take_image("reference", speckled(6, 4), "Pasted picture")
    settled(studio, model)
    model.remember()
    [key] = pasted(raw)
    raw.removeAnnotation(key)
    if damaged is not None:
        raw.setAnnotation(key, "", damaged)
    raw, model = reopen(studio, krita, raw)
    assert settled(studio, model).kind is SourceKind.nothing
    assert model.message is None, "nobody asked for it yet"


def test_a_file_that_is_gone_stays_chosen_and_is_told_when_it_is_used(
    studio: Studio, krita: Krita, colors: Path
) -> None:
    raw, model = studio.open()
    model.take_file("reference", str(colors))
    picture = settled(studio, model).picture
    aside = colors.rename(colors.with_name("aside.png"))
    raw, model = reopen(studio, krita, raw)
    found = settled(studio, model)
    assert (found.kind, found.path, found.picture) == (SourceKind.file, str(colors), None)
    assert model.message is None, "nobody asked for it yet"
    model.generate()
    studio.until_idle(model)
    assert model.message is not None
    assert "colors.png is not there any more" in model.message.text
    assert studio.client.submitted == []
    aside.rename(colors)
    model.generate()
    sent = sent_by(studio)
    assert picture is not None and sent["reference"].data == picture.data


def test_a_picture_is_read_on_another_thread_and_waited_for(
    studio: Studio, colors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    may_end = threading.Event()

    def slow(path: str) -> Picture:
        threads.append(threading.get_ident())
        assert may_end.wait(10)
        return read_file(path)

    monkeypatch.setattr("s2i_krita.model.choices.read_file", slow)
    _, model = studio.open()
    model.take_file("reference", str(colors))
    source = model.sources["reference"]
    assert source.loading and source.label == "colors.png"
    model.generate()
    model.set_enabled("reference", False)
    model.set_enabled("reference", True)
    studio.bot.waitUntil(lambda: threads != [])
    studio.bot.wait(60)
    assert studio.client.submitted == []
    may_end.set()
    sent = sent_by(studio)
    assert (sent["reference"].width, sent["reference"].height) == (8, 4)
    assert threads != [threading.get_ident()]


def test_what_can_not_be_read_is_told_and_the_choice_before_stays(
    studio: Studio, colors: Path
) -> None:
    _, model = studio.open()
    errors: list[Exception] = []
    model.unreadable.connect(errors.append)
    model.take_file("reference", str(colors))
    before = settled(studio, model)
    notes = colors.with_name("notes.png")
    notes.write_text("no picture")
    model.take_file("reference", str(notes))
    assert settled(studio, model) == before
    [error] = errors
    assert isinstance(error, UnreadablePicture)
    assert model.message is not None and model.message.text == str(error)


def test_of_two_choices_the_last_one_counts(studio: Studio, colors: Path) -> None:
    _, model = studio.open()
    notes = colors.with_name("notes.png")
    notes.write_text("no picture")
    model.take_file("reference", str(notes))
    model.take_file("reference", str(colors))
    assert settled(studio, model).path == str(colors)
    model.take_file("reference", str(colors.with_name("other.png")))
    model.take_file("reference", str(notes))
    assert not settled(studio, model).loading
    model.take_file("reference", str(colors))
    model.set_source("reference", Source())
    studio.bot.wait(100)
    assert model.sources["reference"] == Source()


def test_results_that_can_not_be_read_are_told_calmly(studio: Studio) -> None:
    raw, model = studio.open()
    studio.bot.wait(50)
    assert model.message is None
    raw = testing.show_document(8, 8)
    for name in ("one", "two"):
        raw.setAnnotation(f"s2i/result/{name}", "", b"nonsense")
    model = studio.model_of(raw)
    studio.bot.waitUntil(lambda: model.message is not None)
    assert model.message is not None and not model.message.is_error
    assert model.message.text.endswith("can not be read: 2.")
    assert len(raw.annotationTypes()) == 2, "nothing is lost"
