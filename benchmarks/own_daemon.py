"""A daemon that only a benchmark uses."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from s2i_backend.options import ServeOptions
from s2i_backend.serve import serve
from s2i_client.connection_file import read_connection


@contextmanager
def own_daemon() -> Iterator[tuple[Path, float]]:
    """The folder that clients find it by, and the seconds from its start until they can.

    It has been asked to end when the block ends.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spawn = multiprocessing.get_context("spawn")
        process = spawn.Process(target=_serve, args=(folder,), daemon=True)
        began = time.perf_counter()
        process.start()
        while read_connection(folder) is None:
            time.sleep(0.002)
        yield folder, time.perf_counter() - began
        process.join(10)


def _serve(folder: Path) -> None:
    serve(
        ServeOptions(
            devices=("cpu",), run_folder=folder, logs=folder / "logs", config=folder / "config"
        )
    )
