"""The pictures that a folder holds, told from what was there before by size and time."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from s2i_models.find_reference.picture_files import SUFFIXES

STEP_FILES = 500
# Of a link to nothing, or in circles, or what went meanwhile: nothing is there.
_NOTHING = (errno.ENOENT, errno.ELOOP)


class Stamp(NamedTuple):
    """What changes when a file is written: its bytes and its time in nanoseconds."""

    size: int
    mtime_ns: int


class Listing(NamedTuple):
    """The picture files of a folder by their path relative to it, with "/" between its parts.

    `unlisted`: paths of folders that could not be listed to their end, and of what could not be
    told to be a picture; whether these, and what lies below them, are still there is not known.
    """

    found: dict[str, Stamp]
    unlisted: frozenset[str] = frozenset()

    def may_hold(self, path: str) -> bool:
        """Whether `path`, a picture's, may be there, though it was perhaps not found."""
        if path in self.found or path in self.unlisted:
            return True
        parts = path.split("/")
        above = ("/".join(parts[:end]) for end in range(1, len(parts)))
        return bool(self.unlisted) and any(folder in self.unlisted for folder in above)


def pictures_in(folder: Path, subfolders: bool, step: Callable[[], None] = lambda: None) -> Listing:
    """The picture files in `folder`, and in folders below it as far as these can be read.

    Links are followed, each folder is read once, what begins with a dot is left out. `step` is
    called now and then. Raises OSError when `folder` itself can not be read to its end.
    """
    found: dict[str, Stamp] = {}
    unlisted: set[str] = set()
    waiting = [(os.fspath(folder), "")]
    seen = {_identity(waiting[0][0])}
    while waiting:
        path, before = waiting.pop()
        step()
        try:
            with os.scandir(path) as entries:
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
                    except OSError as error:
                        if error.errno not in _NOTHING:
                            unlisted.add(before + name)
        except OSError:
            if not before:
                raise
            unlisted.add(before.removesuffix("/"))
    return Listing(found, frozenset(unlisted))


def plain(text: str) -> str:
    """`text`, such as a file's name, with "?" for each character that can not be shown or sent."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _identity(path: str) -> tuple[int, int]:
    status = os.stat(path)  # noqa: PTH116 (a Path for each takes longer than all else)
    return status.st_dev, status.st_ino
