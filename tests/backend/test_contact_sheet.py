"""The sheet of a run: which picture stands where, and what it shows of a result."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from s2i_backend import contact_sheet as module
from s2i_backend import lettering
from s2i_backend.contact_sheet import GAP, Made, contact_sheet
from s2i_backend.lettering import Lettering
from s2i_backend.picture_files import PictureFileError
from s2i_backend.run_plan import Piece, plan
from s2i_client.declaration import Declaration, Input, Output

SIDE = 32
RED, GREEN, BLUE, GRAY = (230, 20, 10), (10, 200, 30), (20, 30, 240), (120, 120, 120)
INPUTS = (Input("sketch", "Edges", "", required=True), Input("colors", "Colors", ""))
STEPS = Declaration(
    "paint", "", "", INPUTS, (),
    (
        Output("edges", "Edges", "", "lines"),
        Output("picture", "Picture", "", "image", many=True),
    ),
)  # fmt: skip
PARTS = Declaration(
    "parts", "", "", INPUTS, (),
    (
        Output("lines", "Lines", "", "lines"),
        Output("shade", "Shade", "", "shade", "multiply"),
        Output("flats", "Flats", "", "flats"),
    ),
)  # fmt: skip


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SIDES", (SIDE,))


def save(path: Path, color: Sequence[int], size: tuple[int, int] = (SIDE, SIDE)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[len(color)]
    Image.new(mode, size, tuple(color) if len(color) > 1 else color[0]).save(path)
    return path


def painted(piece: Piece, *colors: Sequence[int]) -> Made:
    """A piece with a picture of each of the colors, and their titles."""
    layers = {
        f"picture-{n:02}": save(piece.out / f"picture-{n:02}.png", color)
        for n, color in enumerate(colors, 1)
    }
    return Made(piece, layers, {key: f"{key} %" for key in layers})


def pieces(base: Path, combine: bool) -> list[Piece]:
    for name, color in (("a", RED), ("b", GREEN)):
        save(base / "e" / f"{name}.png", color)
    for name, color in (("a", BLUE), ("b", GRAY)):
        save(base / "c" / f"{name}.png", color)
    return plan(STEPS, {"sketch": base / "e", "colors": base / "c"}, base / "out", combine)


def pictures_in(sheet: np.ndarray) -> list[list[tuple[int, ...]]]:
    """The colors of the pictures of a sheet, in rows from left to right: wherever a square of one
    color other than the paper's begins."""
    rows = []
    lefts = range(GAP, sheet.shape[1] - SIDE, SIDE + GAP)
    for y in range(GAP, sheet.shape[0] - SIDE):
        squares = [sheet[y : y + SIDE, x : x + SIDE].reshape(-1, 3) for x in lefts]
        row = [s[0] for s in squares if s[0].min() < 250 and (s == s[0]).all()]
        if row:
            rows.append([tuple(map(int, color)) for color in row])
    return rows


def test_each_row_is_a_sketch_and_each_column_a_color_layer(tmp_path: Path) -> None:
    made = [
        painted(piece, (10 * number, 50, 50)) for number, piece in enumerate(pieces(tmp_path, True))
    ]
    sheet = contact_sheet(STEPS, made)
    assert sheet.dtype == np.uint8
    assert pictures_in(sheet) == [
        [BLUE, GRAY],
        [RED, (0, 50, 50), (10, 50, 50)],
        [GREEN, (20, 50, 50), (30, 50, 50)],
    ]
    x = 2 * GAP + SIDE
    assert (sheet[GAP : GAP + SIDE, x : x + SIDE] == BLUE).all(), "its column is that of its pieces"
    single = {"sketch": tmp_path / "e" / "a.png", "colors": tmp_path / "c"}
    alone = [painted(p, GRAY) for p in plan(STEPS, single, tmp_path / "one")]
    assert pictures_in(contact_sheet(STEPS, alone)) == [[BLUE, GRAY], [RED, GRAY, GRAY]]


def test_pairs_have_a_row_each(tmp_path: Path) -> None:
    made = [painted(piece, (1, 2, 3), (4, 5, 6)) for piece in pieces(tmp_path, False)]
    assert pictures_in(contact_sheet(STEPS, made)) == [
        [RED, BLUE, (1, 2, 3), (4, 5, 6)],
        [GREEN, GRAY, (1, 2, 3), (4, 5, 6)],
    ]


def words(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    written: list[str] = []
    fitted = Lettering.fitted

    def noted(self: Lettering, text: str, room: int) -> str:
        written.append(text)
        return fitted(self, text, room)

    monkeypatch.setattr(Lettering, "fitted", noted)
    return written


def test_everything_is_labeled_also_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = words(monkeypatch)
    made = [painted(piece, GRAY, GRAY) for piece in pieces(tmp_path, True)]
    made[2] = Made(made[2].piece, {}, {}, "failed")
    contact_sheet(STEPS, made)
    two = ["picture-01 %", "picture-02 %"]
    assert written == ["Edges × Colors", "a", "b", "a", *two, *two, "b", "failed", *two]


def test_layers_that_make_up_a_result_are_laid_over_each_other(tmp_path: Path) -> None:
    sketch = save(tmp_path / "a.png", RED)
    piece = Piece("a.png", {"sketch": sketch}, tmp_path)
    layers = {
        "lines": save(tmp_path / "lines.png", (0, 0, 0, 0)),
        "shade": save(tmp_path / "shade.png", (127, 127, 127, 255)),
        "flats": save(tmp_path / "flats.png", (200, 100, 0)),
    }
    assert pictures_in(contact_sheet(PARTS, [Made(piece, layers, {})])) == [[RED, (99, 49, 0)]]


def test_transparent_and_deep_pictures_are_shown_on_white(tmp_path: Path) -> None:
    sketch = save(tmp_path / "a.png", (0, 0, 0, 255))
    deep = tmp_path / "picture-01.png"
    Image.fromarray(np.full((SIDE, SIDE), 0x8000, np.uint16)).save(deep)
    half = save(tmp_path / "picture-02.png", (0, 0, 0, 128))
    piece = Piece("a.png", {"sketch": sketch}, tmp_path)
    made = Made(piece, {"picture-01": deep, "picture-02": half}, {})
    assert pictures_in(contact_sheet(STEPS, [made])) == [[(0,) * 3, (128,) * 3, (127,) * 3]]


def test_many_pictures_are_shown_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SIDES", (SIDE, SIDE // 2))
    piece = Piece("a.png", {"sketch": save(tmp_path / "a.png", RED)}, tmp_path)
    made = [painted(piece, GRAY)]
    large = contact_sheet(STEPS, made)
    monkeypatch.setattr(module, "ROOM", large.shape[0] * large.shape[1] // 2)
    small = contact_sheet(STEPS, made)
    assert (small == RED).all(axis=2).sum() == (SIDE // 2) ** 2
    assert (large == RED).all(axis=2).sum() == SIDE**2


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    made = painted(Piece("a.png", {"sketch": save(tmp_path / "a.png", RED)}, tmp_path), GRAY)
    (tmp_path / "a.png").unlink()
    with pytest.raises(PictureFileError, match=r"The sheet can not be made: .*a\.png"):
        contact_sheet(STEPS, [made])


def test_long_words_keep_their_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a long name of a layer 2"
    for names in (lettering.FONTS, ()):
        monkeypatch.setattr(lettering, "FONTS", names)
        letters = Lettering([text], 11)
        assert letters.fitted(text, 1000) == text
        short = letters.fitted(text, 80)
        assert letters.font.getlength(short) <= 80
        assert short[0] == "a" and short[-1] == "2" and "." in short.replace("…", ".")


def test_without_a_font_letters_are_as_near_as_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lettering, "FONTS", ("no such font.ttf",))
    assert Lettering(["grün"], 11).fitted("grün × 線", 1000) == "grun x ?"
