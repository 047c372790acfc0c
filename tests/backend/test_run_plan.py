"""Which files of which folders go together, and where their layers go."""

from __future__ import annotations

from pathlib import Path

import pytest

from s2i_backend.run_plan import Piece, PlanError, plan
from s2i_client.declaration import Declaration, Input, Output

DECLARED = Declaration(
    name="pair",
    title="Pair",
    summary="Takes two required pictures and an optional one.",
    inputs=(
        Input("sketch", "", "", required=True),
        Input("reference", "", "", required=True),
        Input("hints", "", ""),
    ),
    parameters=(),
    outputs=(Output("color", "", "", "color"),),
)


def folder(path: Path, *names: str) -> Path:
    path.mkdir()
    for name in names:
        (path / name).touch()
    return path


def shape(pieces: list[Piece], base: Path) -> dict[str, dict[str, str]]:
    """Pieces by output folder, with paths relative to `base`."""
    return {
        str(p.out): {name: str(path.relative_to(base)) for name, path in p.inputs.items()}
        for p in pieces
    }


def test_single_files_make_one_piece_right_in_the_output_folder(tmp_path: Path) -> None:
    base = folder(tmp_path / "in", "a.png", "b.png")
    paths = {"sketch": base / "a.png", "reference": base / "b.png"}
    assert plan(DECLARED, paths, Path("out")) == [Piece("a.png", paths, Path("out"))]


def test_folders_are_matched_by_name_then_stem_and_a_file_serves_all(tmp_path: Path) -> None:
    sketches = folder(tmp_path / "s", "b.png", "a.PNG", "c.tiff", "notes.txt", ".hidden.png")
    (sketches / "sub.png").mkdir()
    hints = folder(tmp_path / "h", "b.png", "b.jpg", "a.webp")
    one = folder(tmp_path / "r", "x.jpg") / "x.jpg"
    paths = {"hints": hints, "sketch": sketches, "reference": one}
    assert shape(plan(DECLARED, paths, Path("out")), tmp_path) == {
        "out/a": {"sketch": "s/a.PNG", "hints": "h/a.webp", "reference": "r/x.jpg"},
        "out/b": {"sketch": "s/b.png", "hints": "h/b.png", "reference": "r/x.jpg"},
        "out/c": {"sketch": "s/c.tiff", "reference": "r/x.jpg"},
    }


def test_one_sketch_with_a_folder_of_references_makes_a_piece_for_each(tmp_path: Path) -> None:
    references = folder(tmp_path / "r", "x.png", "y.png")
    sketch = folder(tmp_path / "s", "a.png") / "a.png"
    pieces = plan(DECLARED, {"sketch": sketch, "reference": references}, Path("out"))
    assert shape(pieces, tmp_path) == {
        "out/x": {"sketch": "s/a.png", "reference": "r/x.png"},
        "out/y": {"sketch": "s/a.png", "reference": "r/y.png"},
    }


def test_a_required_picture_that_is_missing_is_told_with_its_piece(tmp_path: Path) -> None:
    sketches = folder(tmp_path / "s", "a.png", "b.png")
    references = folder(tmp_path / "r", "a.png")
    first, second = plan(DECLARED, {"sketch": sketches, "reference": references}, Path("out"))
    assert first.missing is None
    assert second.missing == ("reference", references)


def test_files_of_one_stem_get_folders_of_their_own(tmp_path: Path) -> None:
    sketches = folder(tmp_path / "s", "a.jpg", "a.png", "b.png")
    pieces = plan(DECLARED, {"sketch": sketches}, Path("out"))
    assert [str(p.out) for p in pieces] == ["out/a.jpg", "out/a.png", "out/b"]


def test_combined_folders_give_each_with_each_in_folders_named_for_both(tmp_path: Path) -> None:
    sketches = folder(tmp_path / "s", "a.png", "b.png")
    references = folder(tmp_path / "r", "a.png", "x.jpg", "x.png")
    one = folder(tmp_path / "h", "h.png") / "h.png"
    paths = {"reference": references, "hints": one, "sketch": sketches}
    pieces = plan(DECLARED, paths, Path("out"), combine=True)
    assert shape(pieces, tmp_path) == {
        f"out/{sketch}/{place}": {
            "sketch": f"s/{sketch}.png", "reference": f"r/{reference}", "hints": "h/h.png"
        }
        for sketch in "ab"
        for place, reference in (("a", "a.png"), ("x.jpg", "x.jpg"), ("x.png", "x.png"))
    }  # fmt: skip
    assert [piece.name for piece in pieces][:2] == ["a.png + a.png", "a.png + x.jpg"]


def test_combining_a_single_folder_changes_nothing(tmp_path: Path) -> None:
    paths = {"sketch": folder(tmp_path / "s", "a.png", "b.png")}
    assert plan(DECLARED, paths, Path("out"), True) == plan(DECLARED, paths, Path("out"))


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    empty = folder(tmp_path / "s", "notes.txt")
    with pytest.raises(PlanError, match="holds no pictures") as caught:
        plan(DECLARED, {"sketch": empty}, Path("out"))
    assert caught.value.field == "sketch"


def test_without_any_picture_it_is_told_which_could_be_given() -> None:
    either = Declaration(
        "either", "", "", (Input("a", "First", ""), Input("b", "Second", "")), (), ()
    )
    with pytest.raises(PlanError, match="First, Second") as caught:
        plan(either, {}, Path("out"))
    assert caught.value.field == "a"
