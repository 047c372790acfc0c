"""A disk that can not be read for a moment is no reason to forget what was known of it."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from picture_folders import Counting, fill

from s2i_models.find_reference import folder as folder_module
from s2i_models.find_reference.folder import pictures_in
from s2i_models.find_reference.library import Library


class Failing:
    """`os.scandir` on a disk that fails.

    `folders`: how many entries come before the error, by the path below `below`; `stats`: names of
    files in `below` that can not be looked at.
    """

    def __init__(self, folders: Mapping[str, int], stats: Collection[str] = (), *, below: Path):
        self._folders = {os.fspath(below / name): count for name, count in folders.items()}
        self._stats = {os.fspath(below / name) for name in stats}
        self._scandir = os.scandir

    @contextmanager
    def scandir(self, path: str) -> Iterator[Iterator[Any]]:
        with self._scandir(path) as entries:
            yield self._some(path, list(entries))

    def _some(self, path: str, entries: list[os.DirEntry]) -> Iterator[Any]:
        count = self._folders.get(path)
        for entry in entries[:count]:
            yield _Unseen(entry) if entry.path in self._stats else entry
        if count is not None:
            raise OSError(errno.EIO, "Input/output error")


class _Unseen:
    def __init__(self, entry: os.DirEntry):
        self.name, self.path = entry.name, entry.path

    def is_file(self) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")


def test_what_can_not_be_listed_is_told_and_the_rest_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("shut", "half", "well"):
        fill(tmp_path / name, 3)
    fill(tmp_path, 2)
    failing = Failing({"shut": 0, "half": 1}, stats={"001.png"}, below=tmp_path)
    monkeypatch.setattr(folder_module.os, "scandir", failing.scandir)
    listing = pictures_in(tmp_path, True)
    assert listing.unlisted == {"shut", "half", "001.png"}
    whole = {"000.png", *(f"well/{number:03}.png" for number in range(3))}
    assert whole < set(listing.found)
    assert len(listing.found) == len(whole) + 1
    assert listing.may_hold("shut/deep/a.png") and listing.may_hold("001.png")
    assert not listing.may_hold("shutter.png") and not listing.may_hold("well/a.png")


@pytest.mark.parametrize("after", [0, 1])
def test_the_folder_itself_has_to_be_listed_to_its_end(
    after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, 3)
    monkeypatch.setattr(folder_module.os, "scandir", Failing({"": after}, below=tmp_path).scandir)
    with pytest.raises(OSError, match="error"):
        pictures_in(tmp_path, True)


@pytest.mark.parametrize("after", [0, 1])
def test_a_subfolder_that_can_not_be_listed_for_a_moment_keeps_its_pictures(
    after: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("S2I_INDEX_DIR", str(tmp_path / "index"))
    network = Counting()
    library = Library(network.embedding())
    folder = fill(tmp_path / "pictures", 2)
    fill(folder / "inner", 3)
    library.shelf(folder, True, lambda *_: None)
    network.taken()
    (folder / "000.png").unlink()
    with monkeypatch.context() as patch:
        failing = Failing({"inner": after}, below=folder)
        patch.setattr(folder_module.os, "scandir", failing.scandir)
        shelf = library.shelf(folder, True, lambda *_: None)
        assert len(shelf.paths) == 1 + after
        assert shelf.notice() == "1 place could not be looked into: inner"
    shelf = library.shelf(folder, True, lambda *_: None)
    assert (len(shelf.paths), shelf.notice(), network.taken()) == (4, "", 0)
