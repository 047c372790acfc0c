"""The work of `s2i-backend run`: files to jobs, several in flight, layers to PNG files."""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from s2i_backend.picture_files import (
    PictureFileError,
    decode_picture,
    digest,
    encode_png,
    read_file,
    read_record,
    write_file,
)
from s2i_backend.run_plan import Piece
from s2i_client.blocking import BlockingClient, BlockingJob
from s2i_client.client import ClientState
from s2i_client.declaration import Value
from s2i_client.errors import DaemonUnavailable, S2IError
from s2i_client.jobs import Result
from s2i_models import catalog
from s2i_models.find_reference.folder import pictures_in

# Jobs handed over ahead of each device: one that runs, one that waits, one whose layers are
# being written here meanwhile.
AHEAD = 3
AHEAD_BYTES = 256 << 20  # past it no further job is handed over ahead, so large pages go one by one
GONE_SECONDS = 15
BUSY_SECONDS = 0.5
CANCEL_SECONDS = 10

# Each layer's own part of the record; it decides nothing.
_TITLE = "title"

Status = Literal["done", "finished before", "failed", "cancelled"]


@dataclass(frozen=True)
class Wish:
    """What to make of every piece.

    `weights`: the name and the digest of those that the pipeline loads. `force`: whether files
    that are in the way are replaced, whoever made them. `folders`: what lies in the folders that
    parameters name, as `contents_of` tells it.
    """

    pipeline: str
    parameters: dict[str, Value]
    outputs: tuple[str, ...]
    weights: tuple[str, str] | None
    force: bool = False
    folders: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of a piece. `layers` are the written files by layer name, `titles` what tells
    apart those that come any number of times, `notes` what the pipeline said besides."""

    name: str
    status: Status
    out: Path
    layers: dict[str, Path] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        paths = {name: str(path) for name, path in self.layers.items()}
        return {**asdict(self), "out": str(self.out), "layers": paths}


def layer_files(piece: Piece, wish: Wish) -> dict[str, Path]:
    """Where the layers of a piece are written; of outputs that come any number of times, those
    files that are there."""
    files = [path for name in wish.outputs for path in _files_of(name, piece, wish)]
    return {path.stem: path for path in files}


def titles_of(layers: Mapping[str, Path]) -> dict[str, str]:
    """The titles in the records of layers that were written before, where they have some."""
    found = {key: (read_record(path) or {}).get(_TITLE, "") for key, path in layers.items()}
    return {key: title for key, title in found.items() if title}


def _files_of(name: str, piece: Piece, wish: Wish) -> list[Path]:
    if name in _many(wish):
        return sorted(piece.out.glob(f"{name}-[0-9][0-9].png"))
    return [piece.out / f"{name}.png"]


def _many(wish: Wish) -> frozenset[str]:
    """The outputs that come any number of times."""
    return frozenset(o.name for o in catalog.declaration(wish.pipeline).outputs if o.many)


def record_of(wish: Wish, inputs: Mapping[str, tuple[Path, bytes]]) -> dict[str, Any]:
    """How layers are made of these files (path and content), as every written file tells.

    Everything that decides what they look like is in it, which is how a run knows whether the
    layers it finds are finished.
    """
    weights = None if wish.weights is None else {"name": wish.weights[0], "sha256": wish.weights[1]}
    return {
        "version": version("s2i"),
        "pipeline": wish.pipeline,
        "weights": weights,
        "parameters": dict(wish.parameters),
        **({"folders": dict(wish.folders)} if wish.folders else {}),
        "inputs": {
            name: {"file": path.name, "sha256": digest(data)}
            for name, (path, data) in inputs.items()
        },
    }


def contents_of(folder: Path, subfolders: bool) -> str:
    """A digest of which pictures lie in a folder, with `subfolders` also below it, how long they
    are and when they were changed, found as a search finds them. Another one means that a search
    may bring others. Empty when the folder can not be read, which the search will tell."""
    try:
        listing = pictures_in(folder, subfolders)
    except OSError:
        return ""
    lines = [f"{path}\0{stamp.size}\0{stamp.mtime_ns}" for path, stamp in listing.found.items()]
    lines += listing.unlisted
    return digest("\n".join(sorted(lines)).encode("utf-8", "surrogateescape"))


def is_finished(piece: Piece, wish: Wish) -> bool:
    """Whether all layers are there, made of these files with these settings."""
    if piece.missing is not None:
        return False
    try:
        record = record_of(wish, _read(piece))
    except PictureFileError:
        return False
    files = {name: _files_of(name, piece, wish) for name in wish.outputs}
    found = [path for paths in files.values() for path in paths]
    wanted = record | _counts({name: len(paths) for name, paths in files.items()}, wish)
    return bool(found) and all(_has_record(path, wanted) for path in found)


def _has_record(path: Path, wanted: Mapping[str, Any]) -> bool:
    found = read_record(path)
    return found is not None and {k: v for k, v in found.items() if k != _TITLE} == wanted


def _counts(numbers: Mapping[str, int], wish: Wish) -> dict[str, dict[str, int]]:
    """What the record of each layer says besides: how many layers there are of the outputs that
    come any number of times, also of those that came not at all."""
    counts = {name: numbers.get(name, 0) for name in wish.outputs if name in _many(wish)}
    return {"counts": counts} if counts else {}


def overwritten_input(pieces: Sequence[Piece], wish: Wish) -> tuple[Path, Path] | None:
    """An input of the run that one of its layers would replace, and that layer's file."""
    inputs = {}
    for path in {path for piece in pieces for path in piece.inputs.values()}:
        if path.exists():
            found = path.stat()
            inputs[found.st_dev, found.st_ino] = path
    for piece in pieces:
        for path in layer_files(piece, wish).values():
            if path.exists():
                found = path.stat()
                if taken := inputs.get((found.st_dev, found.st_ino)):
                    return taken, path
    return None


def _read(piece: Piece) -> dict[str, tuple[Path, bytes]]:
    return {name: (path, read_file(path)) for name, path in piece.inputs.items()}


def _check_free(piece: Piece, wish: Wish) -> None:
    """Raises `PictureFileError` when a file is in the way that may be somebody's work."""
    for path in layer_files(piece, wish).values():
        if not wish.force and os.path.lexists(path) and read_record(path) is None:
            raise PictureFileError(
                f"{path}: not made by s2i, or changed since, so it is kept. Move or rename it, "
                "choose another folder with -o, or replace it with --force."
            )


@dataclass(frozen=True, eq=False)
class Flight:
    """A piece that the daemon has. `record`: of the files as they were read for it."""

    piece: Piece
    job: BlockingJob
    record: dict[str, Any]


class Work:
    """Pieces on their way through the daemon.

    `report` is called with each outcome as it comes, and `progress` now and then with the number
    of pieces done (a fraction of those in flight counts) and what is being done.
    """

    def __init__(
        self,
        client: BlockingClient,
        wish: Wish,
        pieces: Sequence[Piece],
        report: Callable[[Outcome], None],
        progress: Callable[[float, str], None],
    ):
        self._client = client
        self._wish = wish
        self._waiting = deque(pieces)
        self._flying: list[Flight] = []
        self._report = report
        self._progress = progress
        self._ended = 0
        self._ahead = AHEAD * max(1, len(client.ready.devices))
        self._submit_after = 0.0
        self._heard_at = time.monotonic()

    def run(self) -> None:
        """Work until all pieces have an outcome.

        Raises `DaemonUnavailable` when the daemon went and stays away. After that, and after
        KeyboardInterrupt, which goes on, the rest have the outcome `cancelled`.
        """
        try:
            while self._waiting or self._flying:
                self._submit()
                self._wait()
                self._collect()
        except KeyboardInterrupt:
            for flight in self._flying:
                flight.job.cancel()
            self._client.wait_until(
                lambda: all(flight.job.ended for flight in self._flying), CANCEL_SECONDS
            )
            raise
        finally:
            for piece in [*(flight.piece for flight in self._flying), *self._waiting]:
                self._end(piece, "cancelled")

    def _submit(self) -> None:
        while self._waiting and self._has_room() and time.monotonic() >= self._submit_after:
            piece = self._waiting[0]  # it stays there meanwhile, for Ctrl-C may come at any time
            try:
                flight = self._handed_over(piece)
            except PictureFileError as error:
                self._waiting.popleft()
                self._end(piece, "failed", error=str(error))
                continue
            self._flying.append(flight)
            self._waiting.popleft()
            self._show()
            # Reading the next file takes a while: hand this one over before.
            self._client.wait_until(lambda: True)

    def _handed_over(self, piece: Piece) -> Flight:
        if piece.missing is not None:
            name, folder = piece.missing
            raise PictureFileError(
                f"{piece.name}: {folder} has no picture of this name for {name}. Add it."
            )
        _check_free(piece, self._wish)
        files = _read(piece)
        pictures = [decode_picture(data, path, name) for name, (path, data) in files.items()]
        record = record_of(self._wish, files)
        job = self._client.submit(
            self._wish.pipeline, pictures, self._wish.parameters, outputs=self._wish.outputs
        )
        return Flight(piece, job, record)

    def _has_room(self) -> bool:
        jobs = [flight.job for flight in self._flying]
        byte_count = sum(memoryview(data).nbytes for job in jobs for data in job.data)
        return len(self._flying) < self._ahead and byte_count < AHEAD_BYTES

    def _wait(self) -> None:
        def anything_ended() -> bool:
            self._show()
            return any(flight.job.ended for flight in self._flying)

        self._client.wait_until(anything_ended, BUSY_SECONDS)
        if self._client.client.state is ClientState.ready:
            self._heard_at = time.monotonic()
        elif time.monotonic() - self._heard_at > GONE_SECONDS:
            raise DaemonUnavailable(
                "no_daemon",
                "The daemon is gone.",
                "Run the same command again: it goes on with what is not finished.",
            )

    def _collect(self) -> None:
        for flight in [flight for flight in self._flying if flight.job.ended]:
            piece = flight.piece
            try:
                result = flight.job.outcome()
                _check_free(piece, self._wish)  # again, for what was saved there meanwhile
                layers = self._write(flight, result)
            except S2IError as error:
                self._flying.remove(flight)
                if error.code == "busy":
                    self._waiting.appendleft(piece)
                    self._submit_after = time.monotonic() + BUSY_SECONDS
                else:
                    self._end(piece, "failed", error=f"{piece.name}: {error}")
            except (PictureFileError, OSError) as error:
                self._flying.remove(flight)
                self._end(piece, "failed", error=str(error))
            else:
                self._flying.remove(flight)
                seconds = result.timing.get("run", 0.0)
                titles = {
                    key: info.title
                    for key, info in zip(layers, result.infos, strict=True)
                    if info.title
                }
                more = {"titles": titles, "notes": result.notes, "seconds": seconds}
                self._end(piece, "done", layers=layers, **more)

    def _write(self, flight: Flight, result: Result) -> dict[str, Path]:
        """Write the layers, and remove numbered ones of an earlier run that are too many now."""
        folder = flight.piece.out
        keys = catalog.declaration(self._wish.pipeline).keys(result.names)
        layers = {key: folder / f"{key}.png" for key in keys}
        for path in set(layer_files(flight.piece, self._wish).values()) - set(layers.values()):
            if read_record(path) is not None:
                path.unlink()
        record = flight.record | _counts(Counter(result.names), self._wish)
        for path, layer in zip(layers.values(), result, strict=True):
            title = {_TITLE: layer.title} if layer.title else {}
            write_file(path, encode_png(layer, {**record, **title}))
        return layers

    def _end(self, piece: Piece, status: Status, **more: Any) -> None:
        self._ended += 1
        self._report(Outcome(piece.name, status, piece.out, **more))

    def _show(self) -> None:
        if not self._flying:
            return
        jobs = [flight.job for flight in self._flying]
        running = [job for job in jobs if not job.ended and job.device]
        piece, job = self._flying[0].piece, jobs[0]
        what = job.step or ("working" if job.device else "waiting")
        self._progress(self._ended + sum(j.fraction for j in running), f"{piece.name}: {what}")
