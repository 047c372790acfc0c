"""The face for hosts: polled from a timer, it never blocks.

A client finds the daemon by its file, survives its restart and keeps its jobs up to date. All of
it happens inside `poll`, on the thread that calls it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from . import messages as m
from .connection_file import Connection, read_connection, runtime_folder
from .declaration import Declaration, Value
from .errors import JobFailed, ProtocolError, S2IError
from .framing import Decoded, decode, encode, pictures, pieces_of
from .jobs import Job, JobState, Result, error_of
from .patience import PING_SECONDS, announcement, patience
from .pixels import Buffer, Picture
from .transport import Transport

LOOK_SECONDS = 0.5


class ClientState(Enum):
    absent = "absent"  # no daemon has been found
    connecting = "connecting"
    ready = "ready"


class EventKind(Enum):
    connected = "connected"
    lost = "lost"  # the daemon is gone; the client keeps looking for it
    job_changed = "job_changed"
    job_ended = "job_ended"
    status = "status"
    refused = "refused"  # the daemon refused a message that belongs to no job


@dataclass(frozen=True)
class Event:
    """Something that a poll found. `job` for job events, `error` for `refused`."""

    kind: EventKind
    job: Job | None = None
    error: S2IError | None = None


class Client:
    """One host's line to the daemon.

    `host` and `version` name the program that speaks, such as `krita`. Without `connection` the
    daemon is found by the file in `folder` (by default the user's runtime folder), again and
    again when it is gone.
    """

    def __init__(
        self,
        host: str,
        version: str = "",
        *,
        connection: Connection | None = None,
        folder: Path | None = None,
        job_class: type[Job] = Job,
    ):
        self.host = host
        self.version = version
        self.session = uuid.uuid4().hex
        self.state = ClientState.absent
        self.ready: m.Ready | None = None
        self.status: m.Status | None = None
        self.refused: S2IError | None = None  # the last message refused that was no job's
        self._job_class = job_class
        self._given = connection
        self._folder = folder
        self._transport: Transport | None = None
        self._jobs: dict[str, Job] = {}
        # Cancels that the full queue did not take, by job.
        self._unsent_cancels: set[str] = set()
        self._events: list[Event] = []
        self._coming_bytes = 0
        self._heard_at = self._pinged_at = self._looked_at = float("-inf")

    @property
    def pipelines(self) -> list[Declaration]:
        """What the daemon offers; empty until it has answered."""
        return (
            [Declaration.from_dict(plain) for plain in self.ready.pipelines] if self.ready else []
        )

    @property
    def jobs(self) -> list[Job]:
        """The jobs that have not ended."""
        return list(self._jobs.values())

    def poll(self) -> list[Event]:
        """Read what has come, keep the connection alive, and say what changed; never waits."""
        now = time.monotonic()
        if self._transport is None:
            self._look_for_daemon(now)
        if self._transport is not None:
            self._drain(now)
        if self._transport is not None:
            self._keep_alive(self._transport, now)
        if self.state is ClientState.ready:
            self._send_what_waits()
        events, self._events = self._events, []
        return events

    def submit(
        self,
        pipeline: str,
        images: Iterable[Picture],
        parameters: Mapping[str, Value] | None = None,
        *,
        outputs: Iterable[str] | None = None,
        lane: str = "batch",
        document: str | None = None,
    ) -> Job:
        """Hand over a job; it is sent at once, or when a daemon is there that takes it.

        The pictures' bytes are not copied: they must not change until the job has ended. A
        `live` job replaces older live jobs of the same `document`.
        """
        images = tuple(images)
        request = m.Submit(
            job=uuid.uuid4().hex,
            pipeline=pipeline,
            parameters=dict(parameters or {}),
            outputs=None if outputs is None else tuple(outputs),
            lane=lane,
            document=document,
            pictures=tuple(images),
        )
        job = self._job_class(request, tuple(p.data for p in images), self._cancel)
        self._jobs[job.id] = job
        if self.state is ClientState.ready:
            self._send_what_waits()
        return job

    def ask_status(self) -> None:
        """Ask the daemon how it is; a `status` event brings the answer into `status`."""
        self._send(m.AskStatus())

    def stop_daemon(self) -> None:
        """Ask the daemon to end."""
        self._send(m.Stop())

    def close(self) -> None:
        """Say goodbye: the daemon ends this host's jobs. Waits for nothing."""
        if self._transport is not None:
            self._send(m.Bye())
            self._transport.close(linger=True)
            self._transport = None
        self.state = ClientState.absent
        for job in self.jobs:
            self._end(job, JobState.cancelled, error=error_of(JobState.cancelled))

    # The connection.

    def _look_for_daemon(self, now: float) -> None:
        if now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        connection = self._given or read_connection(self._folder or runtime_folder())
        if connection is None:
            return
        self._transport = Transport(connection)
        self.state = ClientState.connecting
        self._heard_at = self._pinged_at = now
        self._coming_bytes = 0
        self._send(
            m.Hello(
                protocol=m.VERSION,
                host=self.host,
                version=self.version,
                session=self.session,
                pieces=True,
            )
        )

    def _keep_alive(self, transport: Transport, now: float) -> None:
        if now - self._pinged_at >= PING_SECONDS:
            self._pinged_at = now
            if not transport.connection.is_alive:
                self._lose()
                return
            self._send(m.Ping())
        if now - self._heard_at > patience(self._coming_bytes):
            self._lose()

    def _lose(self) -> None:
        """Let go of a daemon that is gone; the next poll looks for another."""
        if self._transport is not None:
            self._transport.close(linger=False)
            self._transport = None
        if self.state is ClientState.ready:
            self._events.append(Event(EventKind.lost))
        self.state = ClientState.absent
        self.ready = None

    def _send(self, message: m.Message, data: tuple = ()) -> bool:
        """Whether the message is on its way."""
        if self._transport is None:
            return False
        frames = encode(message, data, pieces=True)
        notice = announcement(frames)
        if notice is not None and not self._transport.send(notice):
            return False
        return self._transport.send(frames)

    # What the daemon says.

    def _drain(self, now: float) -> None:
        while self._transport is not None:
            frames = self._transport.receive()
            if frames is None:
                return
            self._heard_at, self._coming_bytes = now, 0
            try:
                decoded = decode(frames, m.FROM_DAEMON)
            except ProtocolError as error:
                self._events.append(Event(EventKind.refused, self._jobs.get(error.job), error))
                if error.job in self._jobs:
                    self._end(self._jobs[error.job], JobState.failed, error=error)
                continue
            self._take(decoded, frames)

    def _take(self, decoded: Decoded, frames: Sequence[Buffer]) -> None:
        message = decoded.message
        match message:
            case m.Ready():
                self._greet(message)
            case m.Status():
                self.status = message
                self._events.append(Event(EventKind.status))
            case m.Stopping():
                self._lose()
            case m.Failed(job=None):
                self._refused(message)
            case m.Ping():
                pass
            case m.Coming(bytes=byte_count):
                self._coming_bytes = byte_count
            case _:
                self._take_job(decoded, frames)

    def _take_job(self, decoded: Decoded, frames: Sequence[Buffer]) -> None:
        message = decoded.message
        job = self._jobs.get(message.job)
        if job is None:
            # Handed over a second time, after the first was taken: say again that it was.
            self._acknowledge(message)
            return
        match message:
            case m.Queued():
                job.state, job.place = JobState.queued, message.place
            case m.Started():
                job.state, job.device, job.place = JobState.running, message.device, 0
            case m.Progressed():
                job.state, job.fraction, job.step = (
                    JobState.running, message.fraction, message.step,
                )  # fmt: skip
                job.preview = next(iter(pictures(decoded, frames)), job.preview)
            case m.Finished():
                pieces = pieces_of(decoded, frames)
                result = Result(message.pictures, pieces, dict(message.timing), message.notes)
                self._end(job, JobState.done, result=result)
            case m.Cancelled():
                self._end(job, JobState.cancelled, error=error_of(JobState.cancelled))
            case m.Superseded():
                self._end(job, JobState.superseded, error=error_of(JobState.superseded))
            case m.Failed():
                self._failed(job, message)
        if job.ended:
            self._acknowledge(message)
        else:
            self._events.append(Event(EventKind.job_changed, job))

    def _acknowledge(self, message: Any) -> None:
        if isinstance(message, m.Finished | m.Cancelled | m.Superseded | m.Failed):
            self._send(m.Taken(job=message.job or ""))

    def _greet(self, ready: m.Ready) -> None:
        self.ready = ready
        self.state = ClientState.ready
        self._events.append(Event(EventKind.connected))
        known = [job for job in self.jobs if job.state is not JobState.waiting]
        for start in range(0, len(known), m.MAX_JOBS):
            self._send(m.Attach(jobs=tuple(job.id for job in known[start : start + m.MAX_JOBS])))
        self._unsent_cancels = {job.id for job in known if job.cancel_wanted}
        self._send_what_waits()

    def _failed(self, job: Job, message: m.Failed) -> None:
        if message.code != "unknown_job":
            details = {
                name: getattr(message, name)
                for name in ("field", "given", "allowed")
                if getattr(message, name) is not None
            }
            error = JobFailed(message.code, message.message, message.fix, details)
            self._end(job, JobState.failed, error=error)
        elif job.cancel_wanted:
            self._end(job, JobState.cancelled, error=error_of(JobState.cancelled))
        elif not job.resubmitted:
            # The daemon was restarted: the new one gets the job, but only once, because a job
            # that ends every daemon must not be replayed for ever.
            job.resubmitted = True
            job.state = JobState.waiting
            self._send_what_waits()
        else:
            error = JobFailed("lost", "The daemon was restarted and does not know the job.")
            self._end(job, JobState.failed, error=error)

    def _refused(self, message: m.Failed) -> None:
        error = S2IError(message.code, message.message, message.fix)
        self.refused = error
        if message.code == "no_hello":
            self._lose()
        self._events.append(Event(EventKind.refused, error=error))

    # Jobs.

    def _send_what_waits(self) -> None:
        """Send jobs and cancels in order, until the queue is full; the next poll goes on."""
        for job in self.jobs:
            if job.state is JobState.waiting and not self._send_job(job):
                return
        for name in list(self._unsent_cancels):
            if name in self._jobs and not self._send(m.Cancel(job=name)):
                return
            self._unsent_cancels.discard(name)

    def _send_job(self, job: Job) -> bool:
        """False when the job still waits."""
        assert job.request is not None
        try:
            if not self._send(job.request, job.data):
                return False
        except ProtocolError as error:
            self._end(job, JobState.failed, error=error)
            return True
        job.state = JobState.queued
        return True

    def _cancel(self, job: Job) -> None:
        if job.state is JobState.waiting:
            self._end(job, JobState.cancelled, error=error_of(JobState.cancelled))
        elif self.state is ClientState.ready and not self._send(m.Cancel(job=job.id)):
            self._unsent_cancels.add(job.id)

    def _end(
        self,
        job: Job,
        state: JobState,
        *,
        result: Result | None = None,
        error: S2IError | None = None,
    ) -> None:
        job.finish(state, result=result, error=error)
        self._jobs.pop(job.id, None)
        self._events.append(Event(EventKind.job_ended, job))

    def wait_readable(self, seconds: float) -> None:
        """Sleep until something has come, at most `seconds`; for the blocking face only."""
        if self._transport is None:
            time.sleep(min(seconds, 0.05))
        else:
            self._transport.wait(seconds)
