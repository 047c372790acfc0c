"""The work of `s2i-backend run`: files to jobs, several in flight, layers to PNG files."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from s2i_backend.picture_files import (
    PictureFileError,
    encode_png,
    read_picture,
    read_record,
    write_file,
)
from s2i_backend.run_plan import Piece
from s2i_client.blocking import BlockingClient, BlockingJob
from s2i_client.client import ClientState
from s2i_client.declaration import Value
from s2i_client.errors import DaemonUnavailable, S2IError

# Jobs handed over ahead of each device: one that runs, one that waits, one whose layers are
# being written here meanwhile.
AHEAD = 3
AHEAD_BYTES = 256 << 20  # past it no further job is handed over ahead, so large pages go one by one
GONE_SECONDS = 15
BUSY_SECONDS = 0.5
CANCEL_SECONDS = 10

Status = Literal["done", "finished before", "failed", "cancelled"]


@dataclass(frozen=True)
class Wish:
    """What to make of every piece. `weights`: the name of those that the pipeline loads."""

    pipeline: str
    parameters: dict[str, Value]
    outputs: tuple[str, ...]
    weights: str | None


@dataclass(frozen=True)
class Outcome:
    """What became of a piece. `layers` are the written files by layer name."""

    name: str
    status: Status
    out: Path
    layers: dict[str, Path] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        paths = {name: str(path) for name, path in self.layers.items()}
        return {**asdict(self), "out": str(self.out), "layers": paths}


def layer_files(piece: Piece, wish: Wish) -> dict[str, Path]:
    """Where the layers of a piece are written."""
    return {name: piece.out / f"{name}.png" for name in wish.outputs}


def record_of(piece: Piece, wish: Wish) -> dict[str, Any]:
    """How the layers of a piece are made, as every written file tells.

    Input files are told by name, size and time of change, which is how a run knows whether the
    layers it finds are finished.
    """
    inputs = {}
    for name, path in piece.inputs.items():
        found = path.stat()
        inputs[name] = {"file": path.name, "bytes": found.st_size, "modified": found.st_mtime_ns}
    return {
        "pipeline": wish.pipeline,
        "weights": wish.weights,
        "parameters": dict(wish.parameters),
        "inputs": inputs,
    }


def is_finished(piece: Piece, wish: Wish) -> bool:
    """Whether all layers are there, made of these files with these settings."""
    if piece.missing is not None:
        return False
    record = record_of(piece, wish)
    return all(read_record(path) == record for path in layer_files(piece, wish).values())


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
        self._flying: list[tuple[Piece, BlockingJob]] = []
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
            for _, job in self._flying:
                job.cancel()
            self._client.wait_until(
                lambda: all(job.ended for _, job in self._flying), CANCEL_SECONDS
            )
            raise
        finally:
            for piece in [*(piece for piece, _ in self._flying), *self._waiting]:
                self._end(piece, "cancelled")

    def _submit(self) -> None:
        while self._waiting and self._has_room() and time.monotonic() >= self._submit_after:
            piece = self._waiting.popleft()
            if piece.missing is not None:
                name, folder = piece.missing
                error = f"{piece.name}: {folder} has no picture of this name for {name}. Add it."
                self._end(piece, "failed", error=error)
                continue
            try:
                pictures = [read_picture(path, name) for name, path in piece.inputs.items()]
            except PictureFileError as error:
                self._end(piece, "failed", error=str(error))
                continue
            job = self._client.submit(
                self._wish.pipeline, pictures, self._wish.parameters, outputs=self._wish.outputs
            )
            self._flying.append((piece, job))
            self._show()
            # Reading the next file takes a while: hand this one over before.
            self._client.wait_until(lambda: True)

    def _has_room(self) -> bool:
        byte_count = sum(memoryview(data).nbytes for _, job in self._flying for data in job.data)
        return len(self._flying) < self._ahead and byte_count < AHEAD_BYTES

    def _wait(self) -> None:
        def anything_ended() -> bool:
            self._show()
            return any(job.ended for _, job in self._flying)

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
        for piece, job in [flight for flight in self._flying if flight[1].ended]:
            self._flying.remove((piece, job))
            try:
                result = job.outcome()
                layers = layer_files(piece, self._wish)
                record = record_of(piece, self._wish)
                for layer in result.layers:
                    write_file(layers[layer.name], encode_png(layer, record))
            except S2IError as error:
                if error.code == "busy":
                    self._waiting.appendleft(piece)
                    self._submit_after = time.monotonic() + BUSY_SECONDS
                else:
                    self._end(piece, "failed", error=f"{piece.name}: {error}")
            except (PictureFileError, OSError) as error:
                self._end(piece, "failed", error=str(error))
            else:
                seconds = result.timing.get("run", 0.0)
                self._end(piece, "done", layers=layers, seconds=seconds)

    def _end(self, piece: Piece, status: Status, **more: Any) -> None:
        self._ended += 1
        self._report(Outcome(piece.name, status, piece.out, **more))

    def _show(self) -> None:
        if not self._flying:
            return
        running = [job for _, job in self._flying if not job.ended and job.device]
        piece, job = self._flying[0]
        what = job.step or ("working" if job.device else "waiting")
        self._progress(self._ended + sum(j.fraction for j in running), f"{piece.name}: {what}")
