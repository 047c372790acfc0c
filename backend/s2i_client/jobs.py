"""A job as its host sees it, and what it brings back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from .errors import JobCancelled, JobSuperseded, S2IError
from .messages import Submit
from .pixels import Buffer, Picture, ResultLayer


class JobState(Enum):
    waiting = "waiting"  # not yet handed to a daemon
    queued = "queued"
    running = "running"
    done = "done"
    cancelled = "cancelled"
    superseded = "superseded"
    failed = "failed"


ENDED = frozenset({JobState.done, JobState.cancelled, JobState.superseded, JobState.failed})


@dataclass(frozen=True)
class Result:
    """The layers of a job that went well, and how long it took.

    `timing`: seconds by phase, `queued` and `run`.
    """

    layers: tuple[ResultLayer, ...]
    timing: dict[str, float]

    def __getitem__(self, name: str) -> ResultLayer:
        """The layer called `name`; KeyError with the names there are."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(f"no layer is called {name!r}; there are {', '.join(self.names)}")

    def __iter__(self) -> Iterator[ResultLayer]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(layer.name for layer in self.layers)


class Job:
    """A handle whose attributes a client keeps up to date; only `cancel` is for the host to call.

    `fraction` (0 to 1) and `step` say how far it is, `place` how many jobs are before it,
    `preview` is the latest small picture of a pipeline that makes some. When `state` is `done`
    there is a `result`, when it is another end there is an `error`.
    """

    def __init__(self, request: Submit, data: tuple[Buffer, ...], cancel: Callable[[Job], None]):
        self.id = request.job
        self.pipeline = request.pipeline
        self.document = request.document
        self.state = JobState.waiting
        self.place = 0
        self.device = ""
        self.fraction = 0.0
        self.step = ""
        self.preview: Picture | None = None
        self.result: Result | None = None
        self.error: S2IError | None = None
        self.cancel_wanted = False
        self.resubmitted = False
        # Kept until the job has ended, for a daemon that was restarted and does not know the job.
        self.request: Submit | None = request
        self.data = data
        self._cancel = cancel

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    def cancel(self) -> None:
        """Ask for an end without a result. The state changes when the daemon has answered."""
        if not self.ended and not self.cancel_wanted:
            self.cancel_wanted = True
            self._cancel(self)

    def finish(self, state: JobState, *, result: Result | None = None, error: S2IError | None):
        """Called by the client, once."""
        self.state = state
        self.result = result
        self.error = error
        self.request = None
        self.data = ()
        self.preview = None

    def outcome(self) -> Result:
        """The result of an ended job, or its error raised."""
        if self.result is not None:
            return self.result
        if self.error is not None:
            raise self.error
        raise RuntimeError(f"job {self.id} has not ended; it is {self.state.value}")

    def __repr__(self) -> str:
        return f"Job({self.pipeline}, {self.state.value}, {self.fraction:.0%})"


def error_of(state: JobState) -> S2IError:
    """The error of an end that needs no explanation."""
    return JobCancelled() if state is JobState.cancelled else JobSuperseded()
