"""Jobs on their way through the workers: given out, watched, brought to exactly one end."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any, Protocol

import zmq

from s2i_backend import link as worker_link
from s2i_backend.document_workers import DocumentWorkers
from s2i_backend.log import FILE_NAME as LOG_NAME
from s2i_backend.options import ServeOptions
from s2i_backend.requests import Job, failure, read_request
from s2i_backend.scheduler import Ending, Entry, Refused, Scheduler
from s2i_backend.supervisor import Supervisor, Worker
from s2i_client import framing
from s2i_client import messages as m

log = logging.getLogger(__name__)


class Answers(Protocol):
    """Where the messages about jobs go."""

    def tell(self, session: str, message: m.Message, data: tuple[Any, ...] = ()) -> bool: ...

    def end(self, key: tuple[str, str], message: Any, data: tuple[Any, ...] = ()) -> None: ...

    def forget(self, session: str) -> None: ...


class Dispatch:
    """The scheduler's decisions carried out."""

    def __init__(
        self, options: ServeOptions, socket: zmq.Socket, supervisor: Supervisor, answers: Answers
    ):
        self._socket = socket
        self._supervisor = supervisor
        self._answers = answers
        self._log_file = options.logs / LOG_NAME
        self._jobs: dict[tuple[str, str], Job] = {}
        self._batch_sizes: dict[str, int] = {}
        self._document_workers = DocumentWorkers()
        self.scheduler = Scheduler(options.max_jobs, options.frame_bytes, self._group_limit)
        self.timing: dict[str, dict[str, float]] = {}

    @property
    def has_work(self) -> bool:
        return bool(self._jobs)

    def _group_limit(self, group: Any) -> int:
        return self._batch_sizes.get(group[0], 1)

    # From hosts.

    def submit(self, session: str, request: m.Submit, frames: list[zmq.Frame]) -> None:
        job = read_request(session, request, frames, time.monotonic())
        if isinstance(job, m.Failed):
            self._answers.end((session, request.job), job)
            return
        try:
            accepted = self.scheduler.submit(job.entry)
        except Refused as refused:
            refusal = failure(refused.code, refused.message, job=request.job)
            if refused.code == "duplicate_job":
                # The job of that name goes on, so this is no end to be kept.
                self._answers.tell(session, m.Failed(**{**vars(refusal), "job": None}))
            else:
                self._answers.end((session, request.job), refusal)
            return
        for old in accepted.superseded:
            self._finish(old.key, m.Superseded(job=old.key[1]))
        for old in accepted.stop:
            self._tell_worker(old.worker, worker_link.note("cancel", key=list(old.key)))
        self._jobs[job.key] = job
        place = self.scheduler.place(job.key)
        if place or not self._supervisor.idle:
            self._answers.tell(session, m.Queued(job=request.job, place=place))
        self.give_out()

    def cancel(self, key: tuple[str, str]) -> bool:
        """Cancel a job; False when there is none of that name that has not ended."""
        entry = self.scheduler.cancel(key)
        if entry is None:
            return False
        if entry.worker:
            self._tell_worker(entry.worker, worker_link.note("cancel", key=list(key)))
        else:
            self._finish(key, m.Cancelled(job=key[1]))
        return True

    def forget(self, session: str) -> None:
        """A host is gone for good: nobody wants its jobs or their results."""
        for key in [key for key in self._jobs if key[0] == session]:
            self.cancel(key)
        self._document_workers.forget_session(session)
        self._answers.forget(session)

    def describe(self, key: tuple[str, str]) -> bool:
        """Tell the host how its job stands; False when there is none of that name."""
        job = self._jobs.get(key)
        if job is None:
            return False
        worker = self._supervisor.workers.get(job.entry.worker)
        if worker is not None:
            self._answers.tell(key[0], m.Started(job=key[1], device=worker.device))
        else:
            self._answers.tell(key[0], m.Queued(job=key[1], place=self.scheduler.place(key)))
        return True

    # To and from workers.

    def give_out(self) -> None:
        """Let every idle worker have what is next.

        A job goes to the worker that last served its document, which may remember something of
        it; when that one is busy, to another rather than wait.
        """
        while (idle := self._supervisor.idle) and (first := self.scheduler.first) is not None:
            wanted = self._document_workers.of(first)
            worker = next((w for w in idle if w.name == wanted), idle[0])
            entries = self.scheduler.next_for(worker.name)
            for entry in entries:
                self._document_workers.served(entry, worker.name)
            self._run(worker, entries)

    def _run(self, worker: Worker, entries: list[Entry]) -> None:
        worker.state = "busy"
        jobs = [self._jobs[entry.key] for entry in entries]
        header = worker_link.note(
            "run",
            jobs=[
                {
                    "key": list(job.key),
                    "parameters": job.parameters,
                    "outputs": job.outputs,
                    "frugal": job.entry.frugal,
                    "frames": len(job.frames),
                }
                for job in jobs
            ],
        )
        frames = [frame for job in jobs for frame in job.frames]
        self._tell_worker(worker.name, header, frames)

    def _tell_worker(self, name: str, header: bytes, frames: list[Any] | None = None) -> None:
        try:
            self._socket.send_multipart([name.encode(), header, *(frames or [])], copy=False)
        except zmq.ZMQError as error:
            # It has just died; the next tick finds that out and takes care of its jobs.
            log.warning("%s can not be reached: %s", name, error)

    def from_worker(self, frames: list[zmq.Frame]) -> None:
        """Take a message of a worker; one of a worker that was buried is ignored."""
        worker = self._supervisor.workers.get(frames[0].bytes.decode())
        if worker is None or worker.state == "unusable":
            return
        said = worker_link.read_note(frames[1].buffer)
        match said["kind"]:
            case "up":
                self._supervisor.up(worker.name, said)
                log.info("%s is up on %s", worker.name, worker.device)
            case "unusable":
                self._supervisor.give_up(worker.name, said["message"])
            case "alive":
                worker.memory = said["memory"]
            case "loaded":
                self._batch_sizes[said["pipeline"]] = said["max_batch"]
            case "idle":
                worker.state = "idle"
            case "memory":
                self._out_of_memory((said["session"], said["job"]), said["message"])
            case "job":
                self._about_job(worker, said["session"], frames[2:])
        self.give_out()

    def _about_job(self, worker: Worker, session: str, frames: list[zmq.Frame]) -> None:
        buffers = worker_link.buffers(frames)
        decoded = framing.decode(buffers, m.FROM_DAEMON)
        message = decoded.message
        key = (session, message.job)
        job = self._jobs.get(key)
        if job is None or job.entry.worker != worker.name:
            return
        data = tuple(buffers[group.start] for group in decoded.groups)
        match message:
            case m.Started():
                job.started = time.monotonic()
                message = m.Started(job=message.job, device=worker.device)
                self._answers.tell(session, message)
            case m.Progressed():
                self._answers.tell(session, message, data)
            case _ if job.entry.ending is not None:
                self._finish(key, _ended(job.entry.ending, message.job))
            case m.Finished():
                self._finish(key, self._timed(job, message), data)
            case m.Cancelled():
                # Nobody asked for it any more when it was said; the host has its end.
                self._finish(key, message)
            case m.Failed(code="pipeline_error"):
                fix = f"The details are in {self._log_file}; please report them."
                self._finish(key, replace(message, fix=fix))
            case m.Failed():
                self._finish(key, message)

    def _timed(self, job: Job, message: m.Finished) -> m.Finished:
        run = message.timing.get("run", 0.0)
        queued = (job.started or job.since) - job.since
        known = self.timing.setdefault(job.request.pipeline, {"count": 0, "mean": 0.0})
        known["count"] += 1
        known["mean"] += (run - known["mean"]) / known["count"]
        known["last"] = run
        return replace(message, timing={**message.timing, "queued": queued})

    def _finish(self, key: tuple[str, str], message: Any, data: tuple[Any, ...] = ()) -> None:
        """The one place where a job ends."""
        self.scheduler.end(key)
        if self._jobs.pop(key, None) is not None:
            self._answers.end(key, message, data)

    def _out_of_memory(self, key: tuple[str, str], message: str) -> None:
        if key in self._jobs:
            self._retry(key, failure("memory", message, job=key[1]))

    def _retry(self, key: tuple[str, str], otherwise: m.Failed) -> None:
        entry = self.scheduler.entry(key)
        if entry.ending is not None:
            self._finish(key, _ended(entry.ending, key[1]))
        elif self.scheduler.retry(key, frugal=True):
            log.warning("job %s of %s is tried again", key[1], key[0])
            self._answers.tell(key[0], m.Queued(job=key[1], place=0))
        else:
            self._finish(key, otherwise)

    def tick(self, now: float) -> None:
        """Look after the workers."""
        for worker in self._supervisor.tick(now):
            for entry in self.scheduler.lost(worker.name):
                lost = failure(
                    "worker_lost", "The worker ended twice while it ran the job.", job=entry.key[1]
                )
                self._retry(entry.key, lost)
        if not self._supervisor.usable:
            for key in list(self._jobs):
                message = f"No worker could be started: {self._supervisor.reason}."
                self._finish(key, failure("worker_unusable", message, job=key[1]))

    # How things stand.

    def describe_workers(self) -> list[dict[str, Any]]:
        return [
            {
                "name": worker.name,
                "device": worker.device,
                "pid": worker.pid,
                "state": worker.state,
                "memory": worker.memory,
                "jobs": [entry.key[1] for entry in self.scheduler.lost(worker.name)],
                **{k: worker.info[k] for k in ("versions",) if k in worker.info},
            }
            for worker in self._supervisor.workers.values()
        ]

    def describe_queue(self) -> dict[str, Any]:
        return {
            "live": self.scheduler.count("live"),
            "batch": self.scheduler.count("batch"),
            "running": len(self.scheduler.running),
            "limit": self.scheduler.max_jobs,
        }


def _ended(ending: Ending, job: str) -> m.Message:
    return m.Cancelled(job=job) if ending is Ending.cancelled else m.Superseded(job=job)
