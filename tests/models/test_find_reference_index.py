"""A folder's index: only what is new costs time, and no end of a process breaks it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from filelock import FileLock
from picture_folders import SIZE, Counting, embed, fill, shape_picture, write

from s2i_models.find_reference import index as index_module
from s2i_models.find_reference import library as library_module
from s2i_models.find_reference.folder import Stamp
from s2i_models.find_reference.index import Row, index_path, open_index
from s2i_models.find_reference.library import BATCH, Library, Shelf
from s2i_models.find_reference.picture_files import UnreadablePicture, read_small
from s2i_models.find_reference.squares import picture_square
from s2i_models.pipeline import Cancelled

HERE = Path(__file__).parent
# Seconds; only a hang takes so long, on however busy a machine.
PATIENCE = 60


@pytest.fixture(autouse=True)
def index_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("S2I_INDEX_DIR", str(tmp_path / "index"))
    return tmp_path / "index"


@pytest.fixture
def network() -> Counting:
    return Counting()


@pytest.fixture
def library(network: Counting) -> Library:
    return Library(network.embedding())


def look(library: Library, folder: Path, subfolders: bool = True) -> Shelf:
    return library.shelf(folder, subfolders, lambda fraction, name: None)


def found(shelf: Shelf, picture: np.ndarray, count: int = 3) -> list[str]:
    wanted = embed(picture_square(picture, SIZE)[None])[0]
    return [hit.path for hit in shelf.search(wanted, count)]


def check_whole(folder: Path, count: int) -> None:
    """The index is sound, and has `count` pictures."""
    with closing(sqlite3.connect(index_path(folder))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM pictures").fetchone() == (count,)


def test_each_picture_finds_itself_first(tmp_path: Path, library: Library) -> None:
    shelf = look(library, fill(tmp_path / "pictures", 12))
    for number in range(12):
        wanted = embed(picture_square(shape_picture(number), SIZE)[None])[0]
        hits = shelf.search(wanted, 12)
        assert hits[0].path == f"{number:03}.png"
        assert hits[0].likeness == pytest.approx(1, abs=1e-3)
        likenesses = [hit.likeness for hit in hits]
        assert likenesses == sorted(likenesses, reverse=True)
        assert len({hit.path for hit in hits}) == 12
        exact = embed(picture_square(shape_picture(int(hits[5].path[:3])), SIZE)[None])[0] @ wanted
        assert hits[5].likeness == pytest.approx(float(exact), abs=2e-3)


def test_only_what_is_new_or_changed_is_embedded_and_what_is_gone_leaves(
    tmp_path: Path, library: Library, network: Counting
) -> None:
    folder = fill(tmp_path / "pictures", 6)
    look(library, folder)
    assert network.taken() == 6
    look(library, folder)
    look(Library(network.embedding()), folder)  # another process, later
    assert network.taken() == 0

    write(folder / "inner" / "new.png", shape_picture(77))
    write(folder / "000.png", shape_picture(88, side=80))
    (folder / "001.png").unlink()
    shelf = look(library, folder)
    assert network.taken() == 2
    assert found(shelf, shape_picture(77), 1) == ["inner/new.png"]
    assert found(shelf, shape_picture(88), 1) == ["000.png"]
    assert sorted(shelf.paths) == [
        "000.png",
        *(f"{n:03}.png" for n in range(2, 6)),
        "inner/new.png",
    ]
    check_whole(folder, 6)


def test_a_picture_of_the_same_size_is_looked_at_again_when_its_time_changed(
    tmp_path: Path, library: Library, network: Counting
) -> None:
    folder = fill(tmp_path / "pictures", 3)
    look(library, folder)
    network.taken()
    os.utime(folder / "002.png", ns=(1, 1))
    look(library, folder)
    assert network.taken() == 1


def test_without_subfolders_the_index_keeps_what_lies_in_them(
    tmp_path: Path, library: Library, network: Counting
) -> None:
    folder = fill(tmp_path / "pictures", 2)
    fill(folder / "inner", 2)
    look(library, folder)
    network.taken()
    assert sorted(look(library, folder, subfolders=False).paths) == ["000.png", "001.png"]
    assert len(look(library, folder).paths) == 4
    assert network.taken() == 0


def test_other_weights_build_anew_beside_what_there_is(
    tmp_path: Path, library: Library, network: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(tmp_path / "pictures", 4)
    look(library, folder)
    look(Library(network.embedding("second")), folder)
    assert network.taken() == 8
    look(Library(network.embedding("first")), folder)
    assert network.taken() == 0
    check_whole(folder, 8)
    # A week later, only what is used is there.
    now = time.time()
    monkeypatch.setattr(index_module.time, "time", lambda: now + 8 * 24 * 3600)
    look(Library(network.embedding("second")), folder)
    assert network.taken() == 0
    check_whole(folder, 4)


def test_another_process_s_pictures_are_seen(tmp_path: Path, network: Counting) -> None:
    folder = fill(tmp_path / "pictures", 2)
    mine, other = Library(network.embedding()), Library(network.embedding())
    look(mine, folder)
    write(folder / "new.png", shape_picture(5))
    look(other, folder)
    network.taken()
    assert found(look(mine, folder), shape_picture(5), 1) == ["new.png"]
    assert network.taken() == 0


def test_a_cancelled_job_leaves_whole_batches_and_goes_on_there(
    tmp_path: Path, library: Library, network: Counting
) -> None:
    folder = fill(tmp_path / "pictures", 3 * BATCH)
    told = []

    def step(fraction: float, name: str) -> None:
        told.append((fraction, name))
        if name.startswith(f"{BATCH} of"):
            raise Cancelled

    with pytest.raises(Cancelled):
        library.shelf(folder, True, step)
    assert (0.05, f"0 of {3 * BATCH} pictures") in told
    check_whole(folder, BATCH)
    assert network.taken() == BATCH
    assert len(look(library, folder).paths) == 3 * BATCH
    assert network.taken() == 2 * BATCH


def process(code: str, *arguments: object) -> subprocess.Popen:
    start = (
        "import os, signal, sys, time\n"
        "from pathlib import Path\n"
        "import numpy as np\n"
        "from picture_folders import SIZE, embed\n"
        "from s2i_models.find_reference.library import Embedding, Library\n"
    )
    return subprocess.Popen([sys.executable, "-c", start + code, *map(str, arguments)], cwd=HERE)


LEARN = """
def slowly(squares):
    time.sleep(float(sys.argv[2]))
    return embed(squares)

Library(Embedding(slowly, SIZE, 192, "first")).shelf(Path(sys.argv[1]), True, lambda *_: None)
"""


def written(folder: Path) -> int:
    """How many pictures the index has by now."""
    try:
        with closing(sqlite3.connect(f"file:{index_path(folder)}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT count(*) FROM pictures").fetchone()[0]
    except sqlite3.OperationalError:  # not there yet
        return 0


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_a_killed_process_did_stays_and_the_next_goes_on(
    tmp_path: Path, library: Library, network: Counting
) -> None:
    count = 6 * BATCH
    folder = fill(tmp_path / "pictures", count)
    killed = process(LEARN, folder, 0.2)
    wait_until(lambda: written(folder) >= BATCH)
    killed.kill()
    killed.wait(PATIENCE)
    done = written(folder)
    assert BATCH <= done < count
    check_whole(folder, done)
    assert len(look(library, folder).paths) == count
    assert network.taken() == count - done


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_a_process_killed_while_it_writes_leaves_what_was_before(tmp_path: Path) -> None:
    path = index_path(tmp_path)
    with open_index(path, "first") as index:
        index.write([Row("before.png", Stamp(1, 2), np.ones(192))])
    # More than SQLite keeps in memory, so that the file is half written when the end comes.
    killed = process(
        """
from s2i_models.find_reference.folder import Stamp
from s2i_models.find_reference.index import Row, open_index

def rows():
    for number in range(20_000):
        yield Row(f"{number}.png", Stamp(1, 2), np.ones(192))
    assert os.path.getsize(sys.argv[1] + "-journal") > 0
    assert os.path.getsize(sys.argv[1]) > 1_000_000
    os.kill(os.getpid(), signal.SIGKILL)

with open_index(Path(sys.argv[1]), "first") as index:
    index.write(rows())
""",
        path,
    )
    assert killed.wait(PATIENCE) == -signal.SIGKILL
    with open_index(path, "first") as index:
        assert index.read(192).paths == ["before.png"]
    check_whole(tmp_path, 1)


def test_two_processes_at_once_make_one_whole_index(tmp_path: Path, library: Library) -> None:
    folder = fill(tmp_path / "pictures", 5 * BATCH)
    processes = [process(LEARN, folder, 0.05) for _ in range(2)]
    assert [p.wait(PATIENCE) for p in processes] == [0, 0]
    check_whole(folder, 5 * BATCH)
    assert len(look(library, folder).paths) == 5 * BATCH


def damage_start(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)


def damage_pages(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize("damage", [damage_start, damage_pages, cut])
def test_a_damaged_index_is_built_anew(
    damage: Callable[[Path], None], tmp_path: Path, library: Library, network: Counting
) -> None:
    folder = fill(tmp_path / "pictures", 5)
    look(library, folder)
    network.taken()
    damage(index_path(folder))
    assert len(look(Library(network.embedding()), folder).paths) == 5
    assert network.taken() == 5
    check_whole(folder, 5)
    damage(index_path(folder))
    assert len(look(library, folder).paths) == 5  # by one that had it open before


def test_of_two_processes_that_see_damage_the_slower_keeps_what_the_faster_built(
    tmp_path: Path, library: Library, network: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(tmp_path / "pictures", 5)
    look(library, folder)
    path = index_path(folder)
    whole = path.read_bytes()

    class FasterOne(FileLock):
        """By the time this process has the lock, another one is done."""

        def __enter__(self) -> FileLock:
            assert self.timeout > 0
            path.write_bytes(whole)
            return super().__enter__()

    for damage in (damage_start, damage_pages, cut):
        path.write_bytes(whole)
        damage(path)
        with monkeypatch.context() as patch:
            patch.setattr(index_module, "FileLock", FasterOne)
            index_module.discard(path)
        assert path.read_bytes() == whole
        damage(path)
        index_module.discard(path)
        assert not path.exists()
    assert not index_module._is_sound(write(tmp_path / "picture.png", shape_picture(1)))


def test_embeddings_of_another_width_are_not_used(
    tmp_path: Path, library: Library, network: Counting
) -> None:
    folder = fill(tmp_path / "pictures", 2)
    look(library, folder)
    network.taken()
    with closing(sqlite3.connect(index_path(folder))) as connection:
        connection.execute("UPDATE pictures SET embedding = x'00'")
        connection.commit()
    assert len(look(Library(network.embedding()), folder).paths) == 2
    assert network.taken() == 2


def test_a_full_disk_keeps_what_was_written_and_the_next_search_goes_on(
    tmp_path: Path, library: Library, network: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 12 * BATCH
    folder = fill(tmp_path / "pictures", count)
    connect = sqlite3.connect

    def on_small_disk(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.execute("PRAGMA max_page_count = 16")
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(index_module.sqlite3, "connect", on_small_disk)
        with pytest.raises(sqlite3.OperationalError, match="full"):
            look(library, folder)
    done = written(folder)
    assert 0 < done < count
    check_whole(folder, done)
    network.taken()
    assert len(look(library, folder).paths) == count
    assert network.taken() == count - done


def test_a_batch_is_written_wholly_or_not_at_all(tmp_path: Path) -> None:
    def rows() -> Iterator[Row]:
        yield Row("a.png", Stamp(1, 2), np.ones(4))
        raise KeyError

    path = index_path(tmp_path)
    with open_index(path, "first") as index:
        before = index.generation()
        with pytest.raises(KeyError):
            index.write(rows())
        assert index.read(4).paths == []
        assert index.generation() == before
        index.write([Row("a.png", Stamp(1, 2), np.ones(4))])
        assert index.generation() != before


def test_pictures_that_can_not_be_read_are_named_and_not_tried_again(
    tmp_path: Path, library: Library, network: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(tmp_path / "pictures", 3)
    (folder / "noise.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (folder / "text.jpg").write_text("no picture")
    (folder / "short.png").write_bytes((folder / "000.png").read_bytes()[:150])
    told = []
    shelf = library.shelf(folder, True, lambda fraction, name: told.append(name))
    assert sorted(shelf.paths) == ["000.png", "001.png", "002.png"]
    assert set(shelf.unread) == {"noise.png", "text.jpg", "short.png"}
    notice = "3 pictures could not be read: noise.png, short.png, text.jpg"
    assert shelf.notice() == notice
    assert told[-1] == notice
    check_whole(folder, 6)

    tried = []

    def reading(path: Path, side: int) -> np.ndarray:
        tried.append(path.name)
        return read_small(path, side)

    monkeypatch.setattr(library_module, "read_small", reading)
    told.clear()
    again = library.shelf(folder, True, lambda fraction, name: told.append(name))
    assert (tried, told[0]) == ([], notice)
    write(folder / "noise.png", shape_picture(9))
    shelf = look(library, folder)
    assert tried == ["noise.png"]
    assert set(shelf.unread) == {"text.jpg", "short.png"}
    assert again.notice() == notice


def test_what_could_not_be_read_for_a_passing_reason_is_tried_again_after_a_while(
    tmp_path: Path, library: Library, network: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(tmp_path / "pictures", 2)
    tried = []

    def refusing(path: Path, side: int) -> np.ndarray:
        tried.append(path.name)
        if path.name == "001.png":
            raise UnreadablePicture("Permission denied", passing=True)
        return read_small(path, side)

    with monkeypatch.context() as patch:
        patch.setattr(library_module, "read_small", refusing)
        monkeypatch.setattr(library_module, "AGAIN_SECONDS", 1e9)
        first = look(library, folder)
        assert first.unread == {"001.png": "Permission denied"}
        tried.clear()
        assert look(library, folder).unread == first.unread
        write(folder / "002.png", shape_picture(2))
        look(library, folder)
        assert tried == ["002.png"], "others that are new do not hurry it"
        write(folder / "001.png", shape_picture(7, side=80))
        look(library, folder)
        assert tried == ["002.png", "001.png"], "its own change does"

        monkeypatch.setattr(library_module, "AGAIN_SECONDS", 0.0)
        library = Library(network.embedding())
        before = look(library, folder)
        tried.clear()
        again = look(library, folder)
        assert tried == ["001.png"]
        assert again.generation == before.generation, "nothing new is nothing to write"
        assert again.neighbors is before.neighbors
    shelf = look(library, folder)
    assert sorted(shelf.paths) == ["000.png", "001.png", "002.png"]
    assert not shelf.unread


def test_a_picture_that_raises_what_none_should_is_named_and_the_rest_is_found(
    tmp_path: Path,
    library: Library,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = fill(tmp_path / "pictures", 3)
    write(folder / "001.png", shape_picture(1, side=50))

    def failing(picture: np.ndarray, size: int) -> np.ndarray:
        if len(picture) == 50:
            raise cv2.error("no such conversion")
        return picture_square(picture, size)

    with monkeypatch.context() as patch:
        patch.setattr(library_module, "picture_square", failing)
        shelf = look(library, folder)
    assert (sorted(shelf.paths), shelf.unread) == (["000.png", "002.png"], {"001.png": "error"})
    assert "no such conversion" in caplog.text
    assert "001.png" in caplog.text
    assert len(look(Library(library._embedding), folder).paths) == 3


def test_many_names_are_cut_short(tmp_path: Path, library: Library) -> None:
    for number in range(9):
        (tmp_path / "pictures").mkdir(exist_ok=True)
        (tmp_path / "pictures" / f"{number}.png").touch()
    shelf = look(library, tmp_path / "pictures")
    assert shelf.notice() == "9 pictures could not be read: 0.png, 1.png, 2.png, 3.png, 4.png …"
    assert shelf.search(np.ones(192, np.float32), 3) == []


@pytest.mark.skipif(sys.platform != "linux", reason="names are texts elsewhere")
def test_names_that_are_no_text_can_be_told(tmp_path: Path, library: Library) -> None:
    folder = fill(tmp_path / "pictures", 1)
    (folder / os.fsdecode(b"caf\xe9\n.png")).touch()
    told = []
    shelf = library.shelf(folder, True, lambda fraction, name: told.append(name))
    notice = "1 picture could not be read: caf??.png"
    assert (shelf.notice(), told[-1]) == (notice, notice)


def test_a_folder_that_is_suddenly_empty_keeps_its_index(
    tmp_path: Path, library: Library, network: Counting
) -> None:
    folder = fill(tmp_path / "pictures", 3)
    look(library, folder)
    network.taken()
    folder.rename(tmp_path / "unplugged")
    folder.mkdir()
    assert look(library, folder).paths == []
    folder.rmdir()
    (tmp_path / "unplugged").rename(folder)
    assert len(look(library, folder).paths) == 3
    assert network.taken() == 0


def test_a_slow_folder_is_not_listed_again_at_once(
    tmp_path: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(tmp_path / "pictures", 2)
    monkeypatch.setattr(library_module, "SLOW_SECONDS", -1.0)
    monkeypatch.setattr(library_module, "REST", 1e9)
    look(library, folder)
    write(folder / "new.png", shape_picture(5))
    assert len(look(library, folder).paths) == 2
    monkeypatch.setattr(library_module, "SLOW_SECONDS", 1e9)
    assert len(look(Library(library._embedding), folder).paths) == 3


def test_a_folder_has_one_index_by_whichever_way_it_is_reached(
    tmp_path: Path, library: Library, network: Counting
) -> None:
    folder = fill(tmp_path / "pictures", 2)
    look(library, folder)
    (tmp_path / "link").symlink_to(folder, target_is_directory=True)
    look(library, tmp_path / "link")
    look(library, tmp_path / "pictures" / ".." / "pictures")
    assert network.taken() == 2
