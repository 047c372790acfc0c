"""The pictures that a folder holds, told from what was there before by size and time."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from s2i_models.find_reference.picture_files import SUFFIXES

STEP_FILES = 500


class Stamp(NamedTuple):
    """What changes when a file is written: its bytes and its time in nanoseconds."""

    size: int
    mtime_ns: int


def pictures_in(
    folder: Path, subfolders: bool, step: Callable[[], None] = lambda: None
) -> dict[str, Stamp]:
    """The picture files in `folder` by their path relative to it, with "/" between its parts.

    Links are followed, each folder is read once, what begins with a dot is left out and so is what
    can not be read. `step` is called now and then. Raises OSError when `folder` can not be read.
    """
    found: dict[str, Stamp] = {}
    waiting = [(os.fspath(folder), "")]
    seen = {_identity(waiting[0][0])}
    while waiting:
        path, before = waiting.pop()
        try:
            entries = os.scandir(path)
        except OSError:
            if not before:
                raise
            continue
        step()
        with entries:
            for number, entry in enumerate(entries, 1):
                if number % STEP_FILES == 0:
                    step()
                name = entry.name
                if name.startswith("."):
                    continue
                try:
                    if name[name.rfind(".") :].lower() in SUFFIXES and entry.is_file():
                        status = entry.stat()
                        found[before + name] = Stamp(status.st_size, status.st_mtime_ns)
                    elif subfolders and entry.is_dir():
                        identity = _identity(entry.path)
                        if identity not in seen:
                            seen.add(identity)
                            waiting.append((entry.path, f"{before}{name}/"))
                except OSError:
                    continue  # gone meanwhile, or a link to nothing
    return found


def plain(text: str) -> str:
    """`text`, such as a file's name, with "?" for each character that can not be shown or sent."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _identity(path: str) -> tuple[int, int]:
    status = os.stat(path)  # noqa: PTH116 (a Path for each takes longer than all else)
    return status.st_dev, status.st_ino
