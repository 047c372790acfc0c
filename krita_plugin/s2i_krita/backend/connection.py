"""The connection to the daemon as signals: a client that is polled from a timer."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Protocol

from s2i_client.client import ClientState, Event, EventKind
from s2i_client.declaration import Declaration, Value
from s2i_client.errors import S2IError
from s2i_client.jobs import Job
from s2i_client.messages import Ready, Status
from s2i_client.pixels import Picture

from ..qt import QtCore, pyqtSignal

BUSY_MS = 4
IDLE_MS = 100
# A daemon answers in milliseconds, and across a network in much less than this.
OVERDUE_SECONDS = 6.0
OWN_NAME = "krita"


class PolledClient(Protocol):
    """What is used of `s2i_client.Client`; tests bring one that follows a script."""

    state: ClientState
    ready: Ready | None
    status: Status | None

    @property
    def pipelines(self) -> list[Declaration]: ...
    @property
    def jobs(self) -> list[Job]: ...
    def poll(self) -> list[Event]: ...
    def submit(
        self,
        pipeline: str,
        images: Iterable[Picture],
        parameters: Mapping[str, Value] | None = None,
        *,
        outputs: Iterable[str] | None = None,
        lane: str = "batch",
        document: str | None = None,
    ) -> Job: ...
    def ask_status(self) -> None: ...
    def stop_daemon(self) -> None: ...
    def close(self) -> None: ...


class Connection(QtCore.QObject):
    """One line to the daemon for all documents.

    `state_changed`: found, lost, overdue, refused, or offers other systems. `job_changed` carries
    the `Job`, while it runs and when it has ended. `status_changed` answers `ask_status`.

    `refusal`: what the daemon refused last that was no job, such as this version of the protocol.
    `is_overdue`: it should have answered by now.
    """

    state_changed = pyqtSignal()
    job_changed = pyqtSignal(object)
    status_changed = pyqtSignal()

    def __init__(self, client: PolledClient, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self._client = client
        self._offered: list[Declaration] = []
        self.refusal: S2IError | None = None
        self.is_overdue = False
        self._overdue_at = time.monotonic() + OVERDUE_SECONDS
        self._timer = QtCore.QTimer(self)
        self._timer.timeout.connect(self.poll)
        self._timer.start(IDLE_MS)

    @property
    def is_ready(self) -> bool:
        return self._client.state is ClientState.ready

    @property
    def pipelines(self) -> list[Declaration]:
        """The systems that a user can choose from, as the daemon declared them last.

        They stay while the daemon is away, so that nothing the user set is lost.
        """
        return [p for p in self._offered if not p.hidden]

    @property
    def devices(self) -> list[str]:
        """What the daemon runs on, such as `cuda:0`."""
        ready = self._client.ready
        return [str(device.get("device", "")) for device in ready.devices] if ready else []

    @property
    def other_hosts(self) -> list[str]:
        """Which programs use the daemon too, such as `Blender`, by what it said of itself last."""
        status = self._client.status
        if status is None or not self.is_ready:
            return []
        hosts = [host for host in status.hosts if isinstance(host, dict) and host.get("present")]
        names = [str(host.get("name", "")) for host in hosts]
        if OWN_NAME in names:
            names.remove(OWN_NAME)  # this one; another Krita stays
        return [name.capitalize() for name in names]

    def pipeline(self, name: str) -> Declaration | None:
        return next((p for p in self.pipelines if p.name == name), None)

    def offers(self, name: str) -> bool:
        """Whether the daemon has that system, or had it last, shown to users or not."""
        return any(p.name == name for p in self._offered)

    def submit(
        self,
        pipeline: str,
        pictures: Iterable[Picture],
        parameters: Mapping[str, Value],
        *,
        outputs: Iterable[str] | None = None,
        live: bool = False,
        document: str,
    ) -> Job:
        """Hand over a job; `job_changed` tells how it goes."""
        job = self._client.submit(
            pipeline,
            pictures,
            parameters,
            outputs=outputs,
            lane="live" if live else "batch",
            document=document,
        )
        self._timer.setInterval(BUSY_MS)
        return job

    def replace_client(self, client: PolledClient) -> None:
        """Talk to another daemon from now on; what runs at the old one ends as cancelled."""
        self._client.close()
        self.poll()
        self._client = client
        self.await_answer()
        self.state_changed.emit()

    def await_answer(self) -> None:
        """Another daemon is about to answer: what the last one said does not count any more."""
        self.refusal, self.is_overdue = None, False
        self._overdue_at = time.monotonic() + OVERDUE_SECONDS

    def ask_status(self) -> None:
        """Ask the daemon how it is, and who uses it."""
        self._client.ask_status()

    def stop_daemon(self) -> None:
        """Ask the daemon to end. Jobs wait for the next one."""
        self._client.stop_daemon()

    def poll(self) -> None:
        """Look what came; called by the timer."""
        for event in self._client.poll():
            match event.kind:
                case EventKind.connected:
                    self._offered = self._client.pipelines
                    self.refusal = None
                    self.state_changed.emit()
                case EventKind.lost:
                    self.await_answer()
                    self.state_changed.emit()
                case EventKind.job_changed | EventKind.job_ended:
                    self.job_changed.emit(event.job)
                case EventKind.refused:
                    self._note_refusal(event.error)
                case EventKind.status:
                    self.status_changed.emit()
        overdue = not self.is_ready and time.monotonic() >= self._overdue_at
        if overdue != self.is_overdue:
            self.is_overdue = overdue
            self.state_changed.emit()
        self._timer.setInterval(BUSY_MS if self._client.jobs else IDLE_MS)

    def _note_refusal(self, error: S2IError | None) -> None:
        """One for want of a greeting is no news: the client greets again by itself."""
        if error is None or error.code == "no_hello":
            return
        before, self.refusal = self.refusal, error
        if before is None or before.args != error.args:
            self.state_changed.emit()

    def close(self) -> None:
        """Say goodbye; the daemon ends what this host asked for."""
        self._timer.stop()
        self._client.close()
