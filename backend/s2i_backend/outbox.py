"""How jobs ended, kept until their host says that it has the answer."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any


@dataclass
class Ended:
    """The last message of a job, ready to be sent: `data` holds the bytes of its pictures.

    `sent` says whether its host was there to be told.
    """

    message: Any
    data: tuple[Any, ...]
    byte_count: int
    since: float
    sent: bool = False


class Outbox:
    """Ends by (session, job), at most `max_bytes` of pictures and `max_seconds` old.

    The oldest go first; a host that asks for one which is gone is told that the job is unknown. The
    newest stays however large it is: it is being handed over.
    """

    # An end without pictures weighs something too, so that a million failures are not kept.
    _OVERHEAD = 4096

    def __init__(self, max_bytes: int, max_seconds: float):
        self.max_bytes = max_bytes
        self.max_seconds = max_seconds
        self.byte_count = 0
        self._ends: OrderedDict[tuple[str, str], Ended] = OrderedDict()

    def __len__(self) -> int:
        return len(self._ends)

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._ends

    def put(self, key: tuple[str, str], message: Any, data: tuple[Any, ...], now: float) -> Ended:
        self.drop(key)
        size = sum(memoryview(buffer).nbytes for buffer in data) + self._OVERHEAD
        ended = Ended(message, data, size, now)
        self._ends[key] = ended
        self.byte_count += size
        while self.byte_count > self.max_bytes and len(self._ends) > 1:
            self.drop(next(iter(self._ends)))
        return ended

    def get(self, key: tuple[str, str]) -> Ended | None:
        return self._ends.get(key)

    def unsent(self, session: str) -> list[Ended]:
        """What a host has not been told yet."""
        return [e for key, e in self._ends.items() if key[0] == session and not e.sent]

    def drop(self, key: tuple[str, str]) -> None:
        ended = self._ends.pop(key, None)
        if ended is not None:
            self.byte_count -= ended.byte_count

    def forget_session(self, session: str) -> None:
        for key in [key for key in self._ends if key[0] == session]:
            self.drop(key)

    def expire(self, now: float) -> None:
        """Let go of what is too old."""
        while self._ends:
            key, ended = next(iter(self._ends.items()))
            if now - ended.since <= self.max_seconds:
                return
            self.drop(key)
