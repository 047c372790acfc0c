"""Which job runs next: pure decisions, no input or output, no clock.

`live`: the newest job of a document replaces its older ones; documents take turns; ahead of
`batch`. `batch`: first in, first out per host; hosts take turns; jobs of the same group that wait
anyway go together, and nobody waits for a group to fill.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

MAX_ATTEMPTS = 2


@dataclass
class Entry:
    """A job from its submission to its end.

    `group`: jobs with equal groups may run together; None never does. `attempts` counts the
    workers it was given to; `frugal` asks for the least memory on a second attempt.
    """

    key: tuple[str, str]
    lane: str
    document: str | None
    group: object
    byte_count: int
    attempts: int = 0
    frugal: bool = False
    worker: str = ""
    ending: Ending | None = None


class Ending(Enum):
    """Why a running job is being stopped."""

    cancelled = "cancelled"
    superseded = "superseded"


@dataclass
class Accepted:
    """What a submission changed besides the new job itself."""

    superseded: list[Entry] = field(default_factory=list)  # were queued, have ended
    stop: list[Entry] = field(default_factory=list)  # run, and should be told to stop


class Refused(Exception):
    """The submission can not be taken; `code` is a protocol error's."""

    def __init__(self, code: str, message: str):
        self.code = code
        self.message = message
        super().__init__(message)


class Scheduler:
    """All jobs that have not ended, and the order in which they are served."""

    def __init__(
        self,
        max_jobs: int = 256,
        max_bytes: int = 4 << 30,
        group_limit: Callable[[object], int] = lambda group: 1,
    ):
        self.max_jobs = max_jobs
        self.max_bytes = max_bytes
        self._group_limit = group_limit
        self._entries: dict[tuple[str, str], Entry] = {}
        self._queues: dict[str, list[Entry]] = {"retry": [], "live": [], "batch": []}
        # When each document or host was last served, as a count of servings, not a time.
        self._served: dict[object, int] = {}
        self._turn = 0
        self.byte_count = 0

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._entries

    def entry(self, key: tuple[str, str]) -> Entry:
        return self._entries[key]

    @property
    def queued(self) -> list[Entry]:
        return [entry for queue in self._queues.values() for entry in queue]

    @property
    def running(self) -> list[Entry]:
        return [entry for entry in self._entries.values() if entry.worker]

    def count(self, lane: str) -> int:
        return sum(1 for entry in self.queued if entry.lane == lane)

    def submit(self, entry: Entry) -> Accepted:
        """Take a job. Raises `Refused` with `busy`, `too_large` or `duplicate_job`."""
        if entry.key in self._entries:
            raise Refused("duplicate_job", f"A job called {entry.key[1]} has not ended yet.")
        if entry.byte_count > self.max_bytes:
            raise Refused(
                "too_large",
                f"The job's pictures have {entry.byte_count} bytes, all jobs together may have "
                f"{self.max_bytes}.",
            )
        replaced = self._older_live(entry)
        freed = [old for old in replaced if not old.worker]
        if len(self.queued) - len(freed) >= self.max_jobs:
            raise Refused("busy", f"{self.max_jobs} jobs are waiting already.")
        freed_bytes = sum(old.byte_count for old in freed)
        if self.byte_count - freed_bytes + entry.byte_count > self.max_bytes:
            raise Refused("busy", f"Waiting jobs fill the {self.max_bytes} bytes for pictures.")
        accepted = Accepted()
        for old in replaced:
            if old.worker:
                if old.ending is None:
                    old.ending = Ending.superseded
                    accepted.stop.append(old)
            else:
                self.end(old.key)
                accepted.superseded.append(old)
        self._entries[entry.key] = entry
        self._queues[entry.lane].append(entry)
        self.byte_count += entry.byte_count
        return accepted

    def _older_live(self, entry: Entry) -> list[Entry]:
        if entry.lane != "live":
            return []
        return [
            old
            for old in self._entries.values()
            if old.lane == "live" and self._owner(old) == self._owner(entry)
        ]

    @staticmethod
    def _owner(entry: Entry) -> object:
        """Who takes turns: documents in `live`, hosts in `batch`."""
        session = entry.key[0]
        if entry.lane == "batch":
            return session
        return (session, entry.document) if entry.document is not None else entry.key

    def place(self, key: tuple[str, str]) -> int:
        """How many jobs are served before this one, as things stand; 0 when it runs."""
        waiting = [
            entry.key for queue in ("retry", "live", "batch") for entry in self._order(queue)
        ]
        return waiting.index(key) if key in waiting else 0

    def _order(self, queue: str) -> list[Entry]:
        """The jobs of a queue in the order in which they would be served."""
        served = {self._owner(e): self._served.get(self._owner(e), 0) for e in self._queues[queue]}
        if queue == "retry":
            return list(self._queues[queue])
        waves: dict[object, int] = {}
        ranked = []
        for number, entry in enumerate(self._queues[queue]):
            owner = self._owner(entry)
            wave = waves.get(owner, 0)
            waves[owner] = wave + 1
            ranked.append((wave, served[owner], number, entry))
        return [entry for *_, entry in sorted(ranked, key=lambda r: r[:3])]

    @property
    def first(self) -> Entry | None:
        """The job that `next_for` would give out now, with others of its group."""
        for name in ("retry", "live", "batch"):
            if order := self._order(name):
                return order[0]
        return None

    def next_for(self, worker: str) -> list[Entry]:
        """Give `worker` what it should run now: one job, or a group; empty when none waits."""
        for name in ("retry", "live", "batch"):
            order = self._order(name)
            if not order:
                continue
            first = order[0]
            chosen = [first]
            if name == "batch" and first.group is not None:
                alike = [e for e in order[1:] if e.group == first.group]
                chosen += alike[: max(0, self._group_limit(first.group) - 1)]
            self._turn += 1
            for entry in chosen:
                self._queues[name].remove(entry)
                entry.worker = worker
                entry.attempts += 1
                self._served[self._owner(entry)] = self._turn
            return chosen
        return []

    def cancel(self, key: tuple[str, str]) -> Entry | None:
        """Cancel a job: one that waited has ended, one that runs has its `ending` set.

        Returns the entry, or None for a job that is not there (any more).
        """
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.worker:
            entry.ending = entry.ending or Ending.cancelled
        else:
            self.end(key)
        return entry

    def end(self, key: tuple[str, str]) -> Entry | None:
        """Forget a job that has ended; None when it had ended before."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return None
        for queue in self._queues.values():
            if entry in queue:
                queue.remove(entry)
        self.byte_count -= entry.byte_count
        if not self._entries:
            self._served.clear()
        return entry

    def retry(self, key: tuple[str, str], *, frugal: bool) -> bool:
        """Queue a job again, ahead of all, whose worker failed it through no fault it admits to.

        False, and nothing changes, when it has had its attempts or nobody wants it any more: the
        caller then ends it.
        """
        entry = self._entries[key]
        if entry.attempts >= MAX_ATTEMPTS or entry.ending is not None:
            return False
        entry.worker = ""
        entry.frugal = frugal
        # A group may have been the reason.
        entry.group = None
        self._queues["retry"].append(entry)
        return True

    def lost(self, worker: str) -> list[Entry]:
        """The jobs that `worker` had when it died; each needs `retry` or `end`."""
        return [entry for entry in self._entries.values() if entry.worker == worker]
