"""A client, a launcher and an installation that follow a test's script instead of a daemon."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from s2i_client.client import ClientState, Event, EventKind
from s2i_client.declaration import Declaration, Value
from s2i_client.errors import JobFailed, S2IError
from s2i_client.installation import InstallEnd, InstallProgress
from s2i_client.installed import Installed, InstallState
from s2i_client.jobs import Job, JobState, Result, error_of
from s2i_client.launch import LaunchReport, LaunchState
from s2i_client.messages import VERSION, Ready, Status, Submit
from s2i_client.pixels import LayerInfo, Picture, ResultLayer

INFO = LayerInfo.__dataclass_fields__


class ScriptedClient:
    """Says what the test tells it to, at the next poll. `submitted` has all jobs, newest last."""

    def __init__(self, pipelines: Iterable[Declaration] = (), devices: Sequence[str] = ("cpu",)):
        self.state = ClientState.absent
        self.ready: Ready | None = None
        self.status: Status | None = None
        self.submitted: list[Job] = []
        self.closed = False
        self.stopped = False
        self.asked_status = 0
        self._offered = list(pipelines)
        self._devices = tuple(devices)
        self._jobs: dict[str, Job] = {}
        self._events: list[Event] = []

    # What the plugin calls.

    @property
    def pipelines(self) -> list[Declaration]:
        return list(self._offered) if self.ready is not None else []

    @property
    def jobs(self) -> list[Job]:
        return list(self._jobs.values())

    def poll(self) -> list[Event]:
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
        images = tuple(images)
        request = Submit(
            job=uuid.uuid4().hex,
            pipeline=pipeline,
            parameters=dict(parameters or {}),
            outputs=None if outputs is None else tuple(outputs),
            lane=lane,
            document=document,
            pictures=images,
        )
        job = Job(request, tuple(image.data for image in images), self._cancel)
        self._jobs[job.id] = job
        self.submitted.append(job)
        if self.state is ClientState.ready:
            job.state = JobState.queued
        return job

    def ask_status(self) -> None:
        self.asked_status += 1

    def stop_daemon(self) -> None:
        self.stopped = True

    def close(self) -> None:
        self.closed = True
        self.state = ClientState.absent
        for job in self.jobs:
            self.end(job, JobState.cancelled)

    # What the test calls.

    def connect(self, pipelines: Iterable[Declaration] | None = None) -> None:
        """A daemon answers; jobs that waited are handed to it."""
        if pipelines is not None:
            self._offered = list(pipelines)
        self.state = ClientState.ready
        self.ready = Ready(
            protocol=VERSION,
            version="1",
            pid=1,
            instance=uuid.uuid4().hex,
            devices=tuple({"device": name} for name in self._devices),
            memory={},
            pipelines=tuple(each.to_dict() for each in self._offered),
        )
        self._events.append(Event(EventKind.connected))
        for job in self.jobs:
            job.state = JobState.queued

    def lose(self) -> None:
        """The daemon goes away; jobs stay with the client."""
        self.state, self.ready = ClientState.absent, None
        self._events.append(Event(EventKind.lost))

    def refuse(self, code: str, message: str) -> None:
        self._events.append(Event(EventKind.refused, error=S2IError(code, message)))

    def tell_status(self, *hosts: str, away: Sequence[str] = ()) -> None:
        """Who uses the daemon, and who did."""
        plain = [{"name": name, "present": True} for name in hosts]
        plain += [{"name": name, "present": False} for name in away]
        self.status = Status(1, 1.0, (), {}, tuple(plain), {}, {})
        self._events.append(Event(EventKind.status))

    def queue(self, job: Job, place: int) -> None:
        job.state, job.place = JobState.queued, place
        self._events.append(Event(EventKind.job_changed, job))

    def progress(
        self, job: Job, fraction: float, step: str = "", preview: Picture | None = None
    ) -> None:
        job.state, job.fraction, job.step, job.place = JobState.running, fraction, step, 0
        job.preview = preview or job.preview
        self._events.append(Event(EventKind.job_changed, job))

    def finish(self, job: Job, *layers: ResultLayer, **timing: float) -> None:
        infos = [LayerInfo(**{f: getattr(each, f) for f in INFO}) for each in layers]
        result = Result(infos, [[each.data] for each in layers], timing)
        self.end(job, JobState.done, result=result)

    def fail(self, job: Job, code: str, message: str, fix: str = "") -> None:
        self.end(job, JobState.failed, error=JobFailed(code, message, fix))

    def end(
        self,
        job: Job,
        state: JobState,
        *,
        result: Result | None = None,
        error: S2IError | None = None,
    ) -> None:
        if state in (JobState.cancelled, JobState.superseded):
            error = error_of(state)
        job.finish(state, result=result, error=error)
        self._jobs.pop(job.id, None)
        self._events.append(Event(EventKind.job_ended, job))

    def _cancel(self, job: Job) -> None:
        """As the daemon does it: the end comes with a later poll."""
        self.end(job, JobState.cancelled)


class ScriptedLauncher:
    """`report` and `installed_command` are the test's; `starts` has what was asked for."""

    def __init__(self, command: str = "s2i-backend"):
        self.installed: Path | None = None
        self.chosen = ""
        self.found = command
        self.report = LaunchReport(LaunchState.idle)
        self.starts: list[dict[str, Any]] = []
        self.restarts: list[dict[str, Any]] = []

    def command(self) -> list[str] | None:
        if self.installed is not None:
            return [str(self.installed)]
        found = self.found or self.chosen
        return [found] if found else None

    def start(
        self,
        *,
        idle_seconds: float = 60.0,
        devices: Sequence[str] = (),
        memory_limit: str = "",
    ) -> None:
        if self.report.state in (LaunchState.starting, LaunchState.running):
            return
        self.starts.append({"devices": list(devices), "memory_limit": memory_limit})
        self.report = LaunchReport(LaunchState.starting)

    def restart(
        self,
        *,
        idle_seconds: float = 60.0,
        devices: Sequence[str] = (),
        memory_limit: str = "",
    ) -> None:
        self.restarts.append({"devices": list(devices), "memory_limit": memory_limit})
        self.report = LaunchReport(LaunchState.starting)

    def poll(self) -> LaunchReport:
        return self.report


class ScriptedInstallation:
    """`now` is what the next polls answer, `disk` what lies on the disk."""

    def __init__(self, log: Path = Path("install.log"), disk: InstallState = InstallState.absent):
        self.executable: Path | None = None
        self.installed: Installed | None = Installed("1.0", "3.11", "2.13", "cpu")
        self.log = log
        self.disk = disk
        self.now: InstallProgress | InstallEnd | None = None
        self.asked: list[dict[str, Any]] = []
        self.cancelled = 0
        self.busy = False
        self.tidied = 0

    def state(self, offered: str = "") -> InstallState:
        return self.disk

    def install(self, offer: Any, wheel_folder: Path | None = None, variant: str = "auto") -> None:
        self.asked.append({"offer": offer, "wheels": wheel_folder, "variant": variant})
        self.now = InstallProgress("Looking for Python", 0.0, ())

    def tidy(self) -> None:
        self.tidied += 1

    def cancel(self) -> None:
        self.cancelled += 1
        self.now = None

    def poll(self) -> InstallProgress | InstallEnd | None:
        return self.now
