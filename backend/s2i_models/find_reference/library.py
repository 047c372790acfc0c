"""Folders of pictures, indexed as far as they are new, and searched in memory."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
import warnings
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.neighbors import NearestNeighbors

from s2i_models.find_reference.folder import Listing, Stamp, pictures_in, plain
from s2i_models.find_reference.index import (
    NEVER,
    Content,
    Index,
    Row,
    discard,
    index_path,
    is_damaged,
    open_index,
)
from s2i_models.find_reference.picture_files import UnreadablePicture, read_small
from s2i_models.find_reference.squares import CLOSE, Blank, picture_square

log = logging.getLogger(__name__)
Step = Callable[[float, str], None]
# Pictures that are embedded and written together; a job that is cancelled loses fewer.
BATCH = 16
# Decoded ahead, so that neither the network nor the threads wait for each other.
AHEAD = 3 * BATCH
MAX_SHELVES = 4
# A folder whose files take longer than this to list is not listed anew for `REST` times as long.
SLOW_SECONDS = 0.02
REST = 10
# What could not be read for a reason that may be gone is tried again after this time.
AGAIN_SECONDS = 30.0
NAMES_SHOWN = 5


@dataclass(frozen=True)
class Embedding:
    """A network as the library needs it.

    `embed`: float32 RGB 0 to 1, (n, size, size, 3), to float32 (n, width) of unit length. `model`:
    what tells it from all others, such as the digest of its weights.
    """

    embed: Callable[[np.ndarray], np.ndarray]
    size: int
    width: int
    model: str


@dataclass(frozen=True)
class Hit:
    """A picture that was found. `path`: relative to the folder; `likeness`: up to 1."""

    path: str
    likeness: float


@dataclass
class Shelf:
    """A folder's pictures in memory, as the index had them at `generation`.

    `listing`: what lay in the folder. `passing`: what could not be read for a reason that may be
    gone the next time; from the time `again_at` on it is tried again.
    """

    folder: Path
    generation: int
    listing: Listing
    paths: list[str]
    neighbors: NearestNeighbors | None
    unread: dict[str, str]
    passing: frozenset[str]
    again_at: float = 0.0
    fresh_until: float = 0.0

    def search(self, wanted: np.ndarray, count: int) -> list[Hit]:
        """The pictures most like `wanted`, the best first: at most `count`.

        `wanted`: float32 (width,), an embedding, or a weighted mean of several; the likeness is
        its dot product with the picture's.
        """
        if self.neighbors is None:
            return []
        count = min(count, len(self.paths))
        # Embeddings have unit length, so the nearest have the largest dot product, whatever the
        # length of `wanted`; from the squared distance it comes back.
        distance, index = self.neighbors.kneighbors(wanted[None], count)
        likeness = (1 + float(wanted @ wanted) - distance[0] ** 2) / 2
        return [
            Hit(self.paths[i], float(value)) for i, value in zip(index[0], likeness, strict=True)
        ]

    def resting(self, listing: Listing) -> frozenset[str]:
        """What is not tried again now, as it lies there unchanged and failed a moment ago."""
        if time.monotonic() >= self.again_at:
            return frozenset()
        before, now = self.listing.found, listing.found
        return frozenset(p for p in self.passing if before[p] == now.get(p))

    def notice(self) -> str:
        """Which pictures and folders could not be read, in a few words; empty when all could."""
        missed = (
            ("picture", "read", self.unread),
            ("place", "looked into", self.listing.unlisted),
        )
        told = []
        for what, done, paths in missed:
            if paths:
                count = f"{len(paths):,} {what}{'s' if len(paths) > 1 else ''}"
                names = ", ".join(sorted(paths)[:NAMES_SHOWN])
                more = " …" if len(paths) > NAMES_SHOWN else ""
                told.append(f"{count} could not be {done}: {names}{more}")
        return plain("; ".join(told))


class Library:
    """Folders as one network sees them. The last few that were searched stay in memory."""

    def __init__(self, embedding: Embedding):
        self._embedding = embedding
        self._shelves: OrderedDict[tuple[str, bool], Shelf] = OrderedDict()

    def shelf(self, folder: Path, subfolders: bool, step: Step) -> Shelf:
        """The folder's pictures, after those that are new, changed or gone were seen to.

        `step` is told how far that is, and may raise to end it; what was done by then stays done.
        Raises OSError when the folder can not be read, and OSError or sqlite3.OperationalError when
        its index can not be kept.
        """
        key = (os.path.realpath(folder), subfolders)
        known = self._shelves.pop(key, None)
        path = index_path(folder)
        try:
            shelf = self._up_to_date(path, folder, subfolders, known, step)
        except sqlite3.DatabaseError as error:
            if not is_damaged(error):
                raise
            discard(path)
            shelf = self._up_to_date(path, folder, subfolders, None, step)
        self._shelves[key] = shelf
        while len(self._shelves) > MAX_SHELVES:
            self._shelves.popitem(last=False)
        return shelf

    def _up_to_date(
        self, path: Path, folder: Path, subfolders: bool, known: Shelf | None, step: Step
    ) -> Shelf:
        name = known.notice() if known is not None else ""
        step(0.0, name or "looking through the folder")
        began = time.monotonic()
        if known is not None and began < known.fresh_until:
            listing, fresh_until = known.listing, known.fresh_until
        else:
            listing = pictures_in(
                folder, subfolders, lambda: step(0.0, "looking through the folder")
            )
            ended = time.monotonic()
            slow = ended - began > SLOW_SECONDS
            fresh_until = ended + REST * (ended - began) if slow else 0.0
        with open_index(path, self._embedding.model) as index:
            resting = known.resting(listing) if known is not None else frozenset()
            same = known is not None and known.listing == listing
            tried = known is not None and known.passing == resting
            if known is None or not (same and tried and known.generation == index.generation()):
                content = self._learn(index, folder, subfolders, listing, resting, step)
                again_at = time.monotonic() + AGAIN_SECONDS
                if known is not None and resting:
                    again_at = known.again_at
                if known is None or not same or known.generation != content.generation:
                    known = _shelf(folder, listing, content)
                known.again_at = again_at
        known.fresh_until = fresh_until
        return known

    def _learn(
        self,
        index: Index,
        folder: Path,
        subfolders: bool,
        listing: Listing,
        resting: frozenset[str],
        step: Step,
    ) -> Content:
        """Bring the index up to date with what was found, but for what is `resting`; read it."""
        found = listing.found
        content = index.read(self._embedding.width)
        # An empty folder may be a disk that is not there: better to keep what is known of it.
        gone = [
            path
            for path in content.stamps
            if found and (subfolders or "/" not in path) and not listing.may_hold(path)
        ]
        new = sorted(
            path
            for path, stamp in found.items()
            if content.stamps.get(path) != stamp and path not in resting
        )
        if not gone and not new:
            return content
        index.forget(gone)
        if new:
            stamps = {path: found[path] for path in new}
            self._embed(index, folder, stamps, content, len(found), step)
        if index.generation() != content.generation:
            content = index.read(self._embedding.width)
        if new and (notice := _shelf(folder, listing, content).notice()):
            log.warning("%s: %s", folder, notice)
            step(0.95, notice)
        return content

    def _embed(
        self,
        index: Index,
        folder: Path,
        new: dict[str, Stamp],
        before: Content,
        total: int,
        step: Step,
    ) -> None:
        """Embed the `new` pictures, of `total` in the folder, and write them batch by batch.

        What can still not be read, as the index says `before`, is not written again.
        """
        done, rows = 0, []

        def tell() -> None:
            known = total - len(new) + done
            step(0.05 + 0.85 * done / len(new), f"{known:,} of {total:,} pictures")

        tell()
        with _squares(folder, list(new), self._embedding.size) as squares:
            for path, square in squares:
                rows.append((path, square))
                if len(rows) == BATCH or done + len(rows) == len(new):
                    if changed := [r for r in self._rows(rows, new) if not _is_known(r, before)]:
                        index.write(changed)
                    done += len(rows)
                    rows = []
                tell()

    def _rows(
        self, batch: list[tuple[str, np.ndarray | UnreadablePicture]], stamps: dict[str, Stamp]
    ) -> list[Row]:
        read = [(path, square) for path, square in batch if isinstance(square, np.ndarray)]
        rows = []
        for path, error in batch:
            if isinstance(error, UnreadablePicture):
                stamp = stamps[path]
                stamp = stamp._replace(mtime_ns=NEVER) if error.passing else stamp
                rows.append(Row(path, stamp, None, str(error)))
        if read:
            embeddings = self._embedding.embed(np.stack([square for _, square in read]))
            for (path, _), embedding in zip(read, embeddings, strict=True):
                rows.append(Row(path, stamps[path], embedding))
        return rows


def _is_known(row: Row, content: Content) -> bool:
    """Whether the index says so already of a picture that can not be read."""
    return (
        row.embedding is None
        and content.stamps.get(row.path) == row.stamp
        and content.unread.get(row.path) == row.error
    )


def _shelf(folder: Path, listing: Listing, content: Content) -> Shelf:
    """What the index knows of the pictures that were found."""
    rows = [row for row, path in enumerate(content.paths) if path in listing.found]
    neighbors = None
    if rows:
        embeddings = content.embeddings[rows]
        # Half precision has left them a little off unit length.
        embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
        neighbors = NearestNeighbors(algorithm="brute", metric="euclidean").fit(embeddings)
    unread = {path: error for path, error in content.unread.items() if path in listing.found}
    passing = frozenset(path for path in unread if content.stamps[path].mtime_ns == NEVER)
    paths = [content.paths[row] for row in rows]
    return Shelf(folder, content.generation, listing, paths, neighbors, unread, passing)


@contextmanager
def _squares(
    folder: Path, paths: list[str], size: int
) -> Iterator[Iterator[tuple[str, np.ndarray | UnreadablePicture]]]:
    """The pictures in order as the network takes them, decoded ahead in threads."""

    def read(path: str) -> np.ndarray | UnreadablePicture:
        try:
            return picture_square(read_small(folder / path, CLOSE * size), size)
        except Blank:
            return UnreadablePicture("all of it is transparent")
        except UnreadablePicture as error:
            return error
        except Exception as error:  # one odd file must not end every search of its folder
            log.exception("%s", plain(str(folder / path)))
            return UnreadablePicture(type(error).__name__, passing=True)

    pool = ThreadPoolExecutor(min(4, os.cpu_count() or 1), thread_name_prefix="decode")

    def results() -> Iterator[tuple[str, np.ndarray | UnreadablePicture]]:
        waiting: deque[tuple[str, Future[np.ndarray | UnreadablePicture]]] = deque()
        left = iter(paths)
        while True:
            while len(waiting) < AHEAD and (path := next(left, None)) is not None:
                waiting.append((path, pool.submit(read, path)))
            if not waiting:
                return
            path, future = waiting.popleft()
            yield path, future.result()

    with warnings.catch_warnings():
        # Pillow warns of large pictures and of small faults; here, limits and errors tell.
        warnings.simplefilter("ignore")
        try:
            yield results()
        finally:
            pool.shutdown(cancel_futures=True)
