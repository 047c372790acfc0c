"""The lines that are added to a file while a program writes it."""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path

_BYTES_A_TIME = 1 << 16
_LINE_END = re.compile(rb"\r\n|\n|\r")


class Tail:
    """The last `keep` lines that a file got since `start` (a byte offset), read bit by bit.

    A file that several programs append to is read by each as it grows; nothing has to be told.
    """

    def __init__(self, path: Path, start: int = 0, keep: int = 200):
        self.path = path
        self.lines: deque[str] = deque(maxlen=keep)
        self._offset = start
        self._rest = b""

    def read(self) -> list[str]:
        """The lines that are new and complete, at most 64 KiB at a time."""
        data = self._next()
        if not data:
            return []
        *complete, self._rest = _LINE_END.split(self._rest + data)
        new = [line.decode("utf-8", errors="replace").rstrip() for line in complete]
        new = [line for line in new if line]
        self.lines.extend(new)
        return new

    def read_all(self) -> list[str]:
        """Like `read`, to the present end; an unfinished last line counts."""
        new: list[str] = []
        while data := self._next():
            self._rest += data
        *complete, last = _LINE_END.split(self._rest)
        self._rest = b""
        new = [line.decode("utf-8", errors="replace").rstrip() for line in (*complete, last)]
        new = [line for line in new if line]
        self.lines.extend(new)
        return new

    def _next(self) -> bytes:
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                data = file.read(_BYTES_A_TIME)
        except OSError:
            return b""
        self._offset += len(data)
        return data
