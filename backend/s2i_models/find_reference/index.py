"""What is known of a folder's pictures, in one SQLite file in the user's cache.

Everything is written in transactions, so a program that is killed, or a disk that is full, leaves
all that was done before. Several processes may write at once. What different weights made stands
side by side; what no process used for a week goes.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
from filelock import FileLock

from s2i_models.find_reference.folder import Stamp

log = logging.getLogger(__name__)
VERSION = 1
PATIENCE_SECONDS = 30.0
KEPT_SECONDS = 7 * 24 * 3600
# No file has this time: what has it is looked at again.
NEVER = -1

_TABLES = """
CREATE TABLE models (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    generation INTEGER NOT NULL,
    used REAL NOT NULL
);
CREATE TABLE pictures (
    model INTEGER NOT NULL,
    path BLOB NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    embedding BLOB,
    error TEXT,
    PRIMARY KEY (model, path)
) WITHOUT ROWID;
"""


def index_folder() -> Path:
    """Where the indexes are; `S2I_INDEX_DIR` overrides the platform's cache folder."""
    if chosen := os.environ.get("S2I_INDEX_DIR"):
        return Path(chosen)
    return platformdirs.user_cache_path("s2i", appauthor=False) / "find_reference"


def index_path(folder: Path) -> Path:
    """The file of the index of `folder`, the same by whichever link it is reached."""
    real = os.path.realpath(folder)
    return index_folder() / f"{hashlib.sha256(os.fsencode(real)).hexdigest()[:32]}.sqlite"


@dataclass(frozen=True)
class Row:
    """One picture: its embedding, float (width,), or why it has none."""

    path: str
    stamp: Stamp
    embedding: np.ndarray | None
    error: str | None = None


@dataclass(frozen=True)
class Content:
    """All that an index knows, at one `generation`. `embeddings`: float32 (n, width), a row for
    each of `paths`; `unread`: why, for each picture that has none; `stamps` of both."""

    generation: int
    stamps: dict[str, Stamp]
    paths: list[str]
    embeddings: np.ndarray
    unread: dict[str, str]


class Index:
    """The pictures of one folder as one network sees them. Made by `open_index`."""

    def __init__(self, connection: sqlite3.Connection, model: str):
        self._connection = connection
        self._model = model
        self._number = self._register()

    def generation(self) -> int:
        """A number that changes with the content."""
        found = self._connection.execute(
            "SELECT generation FROM models WHERE number = ?", (self._number,)
        )
        return found.fetchone()[0]

    def read(self, width: int) -> Content:
        """Everything, as of one moment; embeddings of another `width` count as not there."""
        with self._transaction("BEGIN"):
            generation = self.generation()
            rows = self._connection.execute(
                "SELECT path, size, mtime_ns, embedding, error FROM pictures WHERE model = ?",
                (self._number,),
            ).fetchall()
        stamps: dict[str, Stamp] = {}
        paths: list[str] = []
        blobs: list[bytes] = []
        unread: dict[str, str] = {}
        for encoded, size, mtime_ns, embedding, error in rows:
            path = os.fsdecode(encoded)
            if embedding is None:
                unread[path] = error or "damaged"
            elif len(embedding) == 2 * width:
                paths.append(path)
                blobs.append(embedding)
            else:
                continue
            stamps[path] = Stamp(size, mtime_ns)
        embeddings = np.frombuffer(b"".join(blobs), np.float16).astype(np.float32)
        return Content(generation, stamps, paths, embeddings.reshape(-1, width), unread)

    def write(self, rows: Iterable[Row]) -> None:
        """Add pictures, or replace what is known of them, all or none."""
        values = (
            (
                self._number,
                os.fsencode(row.path),
                *row.stamp,
                None if row.embedding is None else row.embedding.astype(np.float16).tobytes(),
                row.error,
            )
            for row in rows
        )
        with self._changed():
            self._connection.executemany(
                "INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?, ?, ?)", values
            )

    def forget(self, paths: Collection[str]) -> None:
        """Remove pictures, all or none."""
        if not paths:
            return
        with self._changed():
            self._connection.executemany(
                "DELETE FROM pictures WHERE model = ? AND path = ?",
                [(self._number, os.fsencode(path)) for path in paths],
            )

    @contextmanager
    def _changed(self) -> Iterator[None]:
        with self._transaction("BEGIN IMMEDIATE"):
            self._connection.execute(
                "UPDATE models SET generation = generation + 1, used = ? WHERE number = ?",
                (time.time(), self._number),
            )
            yield

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        self._connection.execute(begin)
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:  # a full disk has ended it already
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _register(self) -> int:
        """This network's number; others that were not used for long are removed."""
        now = time.time()
        found = self._connection.execute(
            "SELECT number, used FROM models WHERE name = ?", (self._model,)
        ).fetchone()
        if found is not None and now - found[1] < KEPT_SECONDS / 7:
            return found[0]
        with self._transaction("BEGIN IMMEDIATE"):
            # The first generation is by chance: that of a new file is none of an earlier one.
            self._connection.execute(
                "INSERT INTO models (name, generation, used) VALUES (?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET used = excluded.used",
                (self._model, secrets.randbits(48), now),
            )
            self._connection.execute("DELETE FROM models WHERE used < ?", (now - KEPT_SECONDS,))
            self._connection.execute(
                "DELETE FROM pictures WHERE model NOT IN (SELECT number FROM models)"
            )
            (number,) = self._connection.execute(
                "SELECT number FROM models WHERE name = ?", (self._model,)
            ).fetchone()
        return number


@contextmanager
def open_index(path: Path, model: str) -> Iterator[Index]:
    """The index in the file `path`, which is made when it is not there or is damaged.

    `model`: what tells the network that made the embeddings from all others. Raises OSError or
    sqlite3.OperationalError when the file can not be used, as on a full disk.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection, index = _open(path, model)
    except sqlite3.DatabaseError as error:
        if not is_damaged(error):
            raise
        discard(path)
        connection, index = _open(path, model)
    try:
        yield index
    finally:
        connection.close()


def is_damaged(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken; full disks and locks are of a class below this one."""
    return type(error) is sqlite3.DatabaseError


def discard(path: Path) -> None:
    """Remove a damaged index, so that it is built anew; not what another process has built by now.

    Raises OSError, also when another process keeps the lock, or sqlite3.OperationalError.
    """
    with FileLock(path.with_name(f"{path.name}.lock"), timeout=PATIENCE_SECONDS):
        if _is_sound(path):
            return
        log.warning("%s is damaged and is built anew", path)
        # The journal first: it must not be applied to a file that it was not written for.
        for name in (f"{path.name}-journal", path.name):
            path.with_name(name).unlink(missing_ok=True)


def _is_sound(path: Path) -> bool:
    """Whether SQLite finds nothing wrong in the whole file; one that is not there is sound."""
    connection = sqlite3.connect(path, timeout=PATIENCE_SECONDS)
    try:
        return connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    except sqlite3.DatabaseError as error:
        if not is_damaged(error):
            raise
        return False
    finally:
        connection.close()


def _open(path: Path, model: str) -> tuple[sqlite3.Connection, Index]:
    connection = sqlite3.connect(path, timeout=PATIENCE_SECONDS, isolation_level=None)
    try:
        if _version(connection) != VERSION:
            _make_tables(connection)
        return connection, Index(connection, model)
    except BaseException:
        connection.close()
        raise


def _version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _make_tables(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    if _version(connection) != VERSION:  # no other process was faster
        for name in ("models", "pictures"):
            connection.execute(f"DROP TABLE IF EXISTS {name}")
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")
