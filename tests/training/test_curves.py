"""Curves: read as a resumed run leaves them, and drawn."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
from click.testing import CliRunner

from s2i_training.cli import main
from s2i_training.curves import draw_curves, read_curves


def write(folder: Path, *lines: dict[str, float]) -> Path:
    folder.mkdir()
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "curves.jsonl").write_text(text)
    return folder


def test_a_repeated_step_counts_once(tmp_path: Path):
    run = write(tmp_path / "run", {"step": 2, "a": 1}, {"step": 4, "a": 2}, {"step": 2, "a": 3})
    assert read_curves(run) == [{"step": 2, "a": 3}, {"step": 4, "a": 2}]


def test_a_picture_has_a_panel_for_each_name(tmp_path: Path):
    one = write(tmp_path / "one", {"step": 1, "a": 0.5, "b": 1}, {"step": 2, "a": 0.7})
    two = write(tmp_path / "two", {"step": 1, "a": 0.2})
    widths = []
    for names in (["a"], ["a", "b"]):
        draw_curves([one, two], names, tmp_path / "curves.png")
        picture = cv2.imread(str(tmp_path / "curves.png"))
        assert picture is not None
        widths.append(picture.shape[1])
    assert widths[1] == pytest.approx(2 * widths[0], abs=4)


def test_an_unknown_name_and_a_folder_without_curves_are_told(tmp_path: Path):
    run = write(tmp_path / "run", {"step": 1, "a": 0.5})
    (tmp_path / "empty").mkdir()
    for folder, name, said in (
        (run, "b", "there are a"),
        (tmp_path / "empty", "a", "curves.jsonl"),
    ):
        command = ["curves", str(folder), "--of", name, "-o", str(tmp_path / "x.png")]
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 1
        assert said in result.output
