"""The face for scripts and tests: calls wait until their answer is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType

from .client import Client, ClientState
from .connection_file import Connection
from .declaration import Declaration, Value
from .errors import DaemonUnavailable
from .jobs import Job, Result
from .messages import Ready, Status
from .pixels import Picture

_SLICE_SECONDS = 0.25


class BlockingJob(Job):
    """A job that can be waited for."""

    owner: BlockingClient

    def wait(
        self,
        timeout: float | None = None,
        on_progress: Callable[[Job], None] | None = None,
    ) -> Result:
        """Wait for the end and return the result.

        `on_progress` is called with the job whenever its state, step or fraction changed.
        Raises `JobFailed`, `JobCancelled` or `JobSuperseded` when it ended otherwise, and
        `TimeoutError` when it has not ended after `timeout` seconds; it then goes on.
        """
        seen: tuple = ()

        def ended() -> bool:
            nonlocal seen
            now = (self.state, self.fraction, self.step, self.place)
            if on_progress is not None and now != seen and not self.ended:
                on_progress(self)
            seen = now
            return self.ended

        if not self.owner.wait_until(ended, timeout):
            raise TimeoutError(f"job {self.id} has not ended after {timeout:g} s")
        return self.outcome()


class BlockingClient:
    """A connection to the daemon, as a context manager.

        with BlockingClient("script") as client:
            result = client.submit("auto_painter", [sketch]).wait()

    Raises `DaemonUnavailable` when no daemon answers within `timeout` seconds.
    """

    def __init__(
        self,
        host: str = "script",
        version: str = "",
        *,
        connection: Connection | None = None,
        folder: Path | None = None,
        timeout: float = 10.0,
    ):
        self.client = Client(
            host, version, connection=connection, folder=folder, job_class=BlockingJob
        )
        self.timeout = timeout
        self.wait_until(
            lambda: self.client.state is ClientState.ready or self.client.refused is not None,
            timeout,
        )
        if self.client.state is not ClientState.ready:
            error = self.client.refused or DaemonUnavailable(
                "no_daemon", f"No daemon answered within {timeout:g} s."
            )
            self.close()
            raise error

    @property
    def ready(self) -> Ready:
        """What the daemon said on its greeting: versions, devices, memory."""
        if self.client.ready is None:
            self.wait_until(lambda: self.client.ready is not None, self.timeout)
        if self.client.ready is None:
            raise DaemonUnavailable("no_daemon", "The daemon is gone.")
        return self.client.ready

    @property
    def pipelines(self) -> list[Declaration]:
        return [Declaration.from_dict(plain) for plain in self.ready.pipelines]

    def submit(
        self,
        pipeline: str,
        images: Iterable[Picture],
        parameters: Mapping[str, Value] | None = None,
        *,
        outputs: Iterable[str] | None = None,
        lane: str = "batch",
        document: str | None = None,
    ) -> BlockingJob:
        """Hand over a job, see `Client.submit`; wait for it with `job.wait()`."""
        job = self.client.submit(
            pipeline, images, parameters, outputs=outputs, lane=lane, document=document
        )
        assert isinstance(job, BlockingJob)
        job.owner = self
        return job

    def status(self) -> Status:
        """Ask how the daemon is."""
        self.client.status = None
        self.client.ask_status()
        if not self.wait_until(lambda: self.client.status is not None, self.timeout):
            raise DaemonUnavailable("no_daemon", "The daemon did not say how it is.")
        assert self.client.status is not None
        return self.client.status

    def shutdown(self) -> None:
        """Ask the daemon to end, and wait until it says that it does."""
        self.client.refused = None
        self.client.stop_daemon()
        lost_or_refused = self.wait_until(
            lambda: self.client.state is not ClientState.ready or self.client.refused is not None,
            self.timeout,
        )
        if self.client.refused is not None:
            raise self.client.refused
        if not lost_or_refused:
            raise DaemonUnavailable("no_daemon", "The daemon did not answer.")

    def wait_until(self, condition: Callable[[], bool], timeout: float | None = None) -> bool:
        """Poll until `condition` holds; False when it does not within `timeout` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            self.client.poll()
            if condition():
                return True
            left = _SLICE_SECONDS if end is None else min(end - time.monotonic(), _SLICE_SECONDS)
            if left <= 0:
                return False
            self.client.wait_readable(left)

    def close(self) -> None:
        self.client.close()

    def __enter__(self) -> BlockingClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
