"""A job as its host sees it, and what it brings back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum

from .errors import JobCancelled, JobSuperseded, S2IError
from .messages import Submit
from .pixels import Buffer, LayerInfo, Picture, ResultLayer, join, with_data


class JobState(Enum):
    waiting = "waiting"  # not yet handed to a daemon
    queued = "queued"
    running = "running"
    done = "done"
    cancelled = "cancelled"
    superseded = "superseded"
    failed = "failed"


ENDED = frozenset({JobState.done, JobState.cancelled, JobState.superseded, JobState.failed})


class Result:
    """The layers of a job that went well, and how long it took.

    A layer's bytes come in pieces. They are joined when the layer is first asked for, one layer
    at a time, because joining 64 MB is what a host's window would notice; `infos`, `names` and
    `len` join nothing.

    `infos`: what is known of each layer without its bytes, in order. `timing`: seconds by phase:
    `queued`, `run`, and parts of `run` that the pipeline names, such as `network`. `notes`: what is
    worth knowing of it though it went well, such as files that could not be read.
    """

    def __init__(
        self,
        infos: Sequence[LayerInfo],
        pieces: Sequence[Sequence[Buffer]],
        timing: dict[str, float],
        notes: Sequence[str] = (),
    ):
        self.infos = tuple(infos)
        self.timing = timing
        self.notes = tuple(notes)
        # One item for each layer: its pieces, or the layer once they are joined.
        self._parts: list[Sequence[Buffer] | ResultLayer] = list(pieces)

    @property
    def layers(self) -> tuple[ResultLayer, ...]:
        """All layers, joined."""
        return tuple(self)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(info.name for info in self.infos)

    def __getitem__(self, name: str) -> ResultLayer:
        """The first layer called `name`; KeyError with the names there are."""
        for index, info in enumerate(self.infos):
            if info.name == name:
                return self.layer(index)
        raise KeyError(f"no layer is called {name!r}; there are {', '.join(self.names)}")

    def all(self, name: str) -> tuple[ResultLayer, ...]:
        """All layers called `name`, in order; none when there is none of that name."""
        return tuple(self.layer(i) for i, info in enumerate(self.infos) if info.name == name)

    def layer(self, index: int) -> ResultLayer:
        """The layer described by `infos[index]`."""
        part = self._parts[index]
        if not isinstance(part, ResultLayer):
            part = with_data(self.infos[index], join(part))
            assert isinstance(part, ResultLayer)
            self._parts[index] = part  # the pieces are let go of
        return part

    def pieces(self, index: int) -> Sequence[Buffer]:
        """The bytes of the layer described by `infos[index]`, as they came, in order.

        For hosts that hand them on piece by piece, over several turns of their event loop. Nothing
        is joined; a layer that was joined before comes in one piece.
        """
        part = self._parts[index]
        return [part.data] if isinstance(part, ResultLayer) else part

    def __iter__(self) -> Iterator[ResultLayer]:
        return (self.layer(index) for index in range(len(self)))

    def __len__(self) -> int:
        return len(self.infos)


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
