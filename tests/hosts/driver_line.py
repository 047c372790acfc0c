"""The test's end of the line to the driver plugin inside one Krita. See `driver_plugin`."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_LOOK_SECONDS = 0.1


class DriverLine:
    """Listens at `address`, a path, until the plugin connects; then messages, a line each.

    What came is in `hello`, `results` (by task) and `slot_errors`. `receive` raises `EOFError`
    when the other side is gone, and `TimeoutError` at `finish`, a time of `time.monotonic`.
    """

    def __init__(self, address: Path):
        self.hello: dict[str, Any] = {}
        self.results: dict[int, dict[str, Any]] = {}
        self.slot_errors: list[str] = []
        self._received = b""
        address.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(address))
        self._socket.listen(1)

    def accept(self, finish: float, alive: Callable[[], bool]) -> None:
        """Wait for the plugin. Errors as of `receive`, for as long as `alive()`."""
        while not select.select([self._socket], [], [], _LOOK_SECONDS)[0]:
            if not alive():
                raise EOFError
            if time.monotonic() > finish:
                raise TimeoutError
        listener = self._socket
        self._socket = listener.accept()[0]
        listener.close()

    def send(self, message: dict[str, Any]) -> None:
        """Raises `OSError` when the other side is gone."""
        self._socket.sendall(json.dumps(message).encode() + b"\n")

    def receive(self, finish: float) -> None:
        """Wait for something to come and sort it in."""
        if not select.select([self._socket], [], [], max(finish - time.monotonic(), 0))[0]:
            raise TimeoutError
        try:
            data = self._socket.recv(1 << 16)
        except ConnectionError:
            data = b""
        if not data:
            raise EOFError
        *lines, self._received = (self._received + data).split(b"\n")
        for message in map(json.loads, lines):
            if "slot_error" in message:
                self.slot_errors.append(message["slot_error"])
            elif "hello" in message:
                self.hello = message["hello"]
            else:
                self.results[message["task"]] = message

    def receive_rest(self, seconds: float) -> None:
        """Take in what the other side still had to say before it ended."""
        finish = time.monotonic() + seconds
        with contextlib.suppress(EOFError, TimeoutError):
            while True:
                self.receive(finish)

    def close(self) -> None:
        self._socket.close()
