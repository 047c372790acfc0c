"""The lock that keeps two programs from installing at once; the system lets go of it at the end
of the process, however that comes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO


class InstallLock:
    """Held by one program on this machine, or by one object in it."""

    def __init__(self, path: Path):
        self._path = path
        self._file: IO[bytes] | None = None

    def acquire(self) -> bool:
        """Whether it is ours now; never waits. Raises `OSError` when the folder is no good."""
        if self._file is not None:
            return True
        file = self._path.open("ab")
        if _lock(file):
            self._file = file
            return True
        file.close()
        return False

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _lock(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
