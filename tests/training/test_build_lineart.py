"""Building a set: resumable, recorded, verified."""

from __future__ import annotations

import io
import json
import tarfile
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from s2i_training.data import published
from s2i_training.data.build import build_set
from s2i_training.data.commands import data_commands
from s2i_training.data.drawing import Drawing, Picture
from s2i_training.data.journal import JOURNAL
from s2i_training.data.manifest import Item, read_manifest, split_of
from s2i_training.data.packages import PackageUnavailableError, file_hash
from s2i_training.data.packed import PackedPictures
from s2i_training.data.published import Package, fetch, read_files
from s2i_training.data.sources import SOURCES, Source
from s2i_training.data.vector import keep_groups, render_ink, render_svg

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 10"><g id="color">'
    '<rect x="2" y="2" width="16" height="6" fill="{color}"/></g><g id="line">'
    '<rect x="2" y="2" width="16" height="6" fill="none" stroke="#000"/></g></svg>'
)
NAMES = [f"thing-{number}" for number in range(10)]


def _render(svg: str, rendered: list[str]) -> Picture:
    rendered.append(svg)
    return Picture(render_svg(svg, 64), render_ink(keep_groups(svg, frozenset({"line"})), 64))


def _source(rendered: list[str], name: str = "made", color: str = "#c03020") -> Source:
    def read(_archives: object):
        for subject in NAMES:
            svg = SVG.format(color=color) + f"<!--{subject}-->"
            for tone in ("", "-light-skin-tone", "-dark-skin-tone", "-medium-skin-tone"):
                text = f"{svg}{tone}"
                yield Drawing(
                    id=subject + tone,
                    subject=f"name:{subject}",
                    text=text.encode(),
                    render=partial(_render, svg, rendered),
                    variant_of=subject,
                    toned=bool(tone),
                )

    return Source(name, (Package("npm", "made", "1.0", ""),), "CC0-1.0", "nobody", read)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("s2i_training.data.build.fetch", lambda package, _folder: package)


def test_no_subject_is_in_two_splits_and_two_tones_at_most(tmp_path: Path):
    items = build_set([_source([]), _source([], "other", "#2040c0")], tmp_path)
    splits: dict[str, set[str]] = {}
    for item in items:
        splits.setdefault(item.subject, set()).add(item.split)
    assert len(splits) == len(NAMES)
    assert all(len(of_subject) == 1 for of_subject in splits.values())
    assert len(items) == 2 * 2 * len(NAMES)
    assert items == read_manifest(tmp_path)


def test_a_second_build_renders_nothing_again_but_what_is_missing_or_changed(tmp_path: Path):
    rendered: list[str] = []
    source = _source(rendered)
    first = build_set([source], tmp_path)
    count = len(rendered)
    assert count == len(first)
    assert build_set([source], tmp_path) == first
    assert len(rendered) == count
    (tmp_path / first[0].color).unlink()
    (tmp_path / first[1].color).write_bytes(b"damaged")
    assert build_set([source], tmp_path) == first
    assert len(rendered) == count + 2
    assert file_hash(tmp_path / first[1].color) == first[1].color_sha256


def test_a_build_cut_off_in_the_middle_goes_on(tmp_path: Path):
    rendered: list[str] = []
    first = build_set([_source(rendered)], tmp_path)
    journal = tmp_path / "made" / JOURNAL
    text = journal.read_text()
    journal.write_text(text[: len(text) // 2])  # ends in half a record
    rendered.clear()
    assert build_set([_source(rendered)], tmp_path) == first
    assert 0 < len(rendered) < len(first)


def test_hashes_sizes_and_licences_are_recorded(tmp_path: Path):
    for item in build_set([_source([])], tmp_path, limit=3):
        assert file_hash(tmp_path / item.color) == item.color_sha256
        assert item.lines is not None
        assert file_hash(tmp_path / item.lines) == item.lines_sha256
        picture = cv2.imread(str(tmp_path / item.color), cv2.IMREAD_UNCHANGED)
        assert picture is not None
        assert picture.shape == (item.side, item.side, 4)
        assert (item.license, item.author, item.version) == ("CC0-1.0", "nobody", "1.0")
        assert item.split == split_of(item.subject)
    line = (tmp_path / "manifest.jsonl").read_text().splitlines()[0]
    assert Item(**json.loads(line)).source == "made"


def test_ink_lies_where_the_drawing_has_it():
    svg = SVG.format(color="#ff0000")
    color, ink = render_svg(svg, 64), render_ink(keep_groups(svg, frozenset({"line"})), 64)
    dark = (color[:, :, 3] > 250) & (color[:, :, 0] < 60)
    assert dark.sum() > 50
    assert (ink[dark] < 60).all()
    assert ink[32, 32] == 255
    assert tuple(color[32, 32]) == (255, 0, 0, 255)
    # Twice as wide as high: it is centered, paper above and below.
    assert color[:14, :, 3].max() == 0


def test_packed_pictures_are_copied_and_stay_those_of_their_drawing(tmp_path: Path):
    first = build_set([_source([])], tmp_path)
    before = PackedPictures(tmp_path)
    known = {item.id: before.read(item) for item in first}
    items = build_set([_source([]), _source([], "other", "#2040c0")], tmp_path)
    after = PackedPictures(tmp_path)
    for item in items:
        color, lines = after.read(item)
        assert lines is not None
        middle = color[color.shape[0] // 2, color.shape[1] // 2]
        assert tuple(middle) == (
            (32, 48, 192, 255) if item.source == "made" else (192, 64, 32, 255)
        )
        if item.source == "made":
            old_lines = known[item.id][1]
            assert old_lines is not None
            np.testing.assert_array_equal(color, known[item.id][0])
            np.testing.assert_array_equal(lines, old_lines)


def _npm_archive(folder: Path, content: bytes) -> Path:
    path = folder / "scope-thing-1.0.tgz"
    with tarfile.open(path, "w:gz") as packed:
        member = tarfile.TarInfo("package/icons.json")
        member.size = len(content)
        packed.addfile(member, io.BytesIO(content))
    return path


def test_a_tampered_package_is_refused_with_the_command_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    archive = _npm_archive(tmp_path, b"{}")
    package = Package("npm", "@scope/thing", "1.0", file_hash(archive))
    monkeypatch.setattr(published, "_run", lambda *_arguments, **_options: b"")
    assert fetch(package, tmp_path) == archive
    assert list(read_files(package, archive, ".json")) == [("package/icons.json", b"{}")]
    _npm_archive(tmp_path, b"[]")
    with pytest.raises(PackageUnavailableError, match="@scope/thing"):
        fetch(package, tmp_path)


def test_a_missing_tool_is_named_with_package_and_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    package = Package("debian", "some-art", "1.2", "0" * 64)
    with pytest.raises(PackageUnavailableError) as caught:
        fetch(package, tmp_path / "packages")
    assert "some-art" in str(caught.value)
    assert "apt-get download some-art=1.2" in str(caught.value)


def test_the_commands_build_a_set_print_licences_and_draw_a_sheet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(SOURCES, "made", _source([]))
    out = str(tmp_path / "set")
    arguments = ["build", "lineart", "--out", out, "--sources", "made"]
    result = CliRunner().invoke(data_commands, arguments)
    assert result.exit_code == 0, result.output
    assert "CC0-1.0" in result.output
    assert "20 drawings" in result.output
    sheet = tmp_path / "sheet.png"
    shown = ["show", "lineart", "-o", str(sheet), "--data", out, "--rows", "2", "--size", "48"]
    result = CliRunner().invoke(data_commands, shown)
    assert result.exit_code == 0, result.output
    picture = cv2.imread(str(sheet))
    assert picture is not None
    assert picture.shape[0] > 2 * 48
    unknown = CliRunner().invoke(data_commands, ["build", "lineart", "--sources", "nothing"])
    assert unknown.exit_code == 2
    assert "openmoji" in unknown.output
