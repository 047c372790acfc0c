"""The broker: one thread between hosts and workers, which never computes a pixel.

It imports neither torch nor numpy, so that it answers within a second of its start, and keeps
answering whatever the workers do.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
import uuid
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import psutil
import zmq

from s2i_backend import link as worker_link
from s2i_backend.bounded_read import read_message
from s2i_backend.dispatch import Dispatch
from s2i_backend.hosts import Host, Hosts
from s2i_backend.listening import bind
from s2i_backend.options import ServeOptions
from s2i_backend.outbox import Ended, Outbox
from s2i_backend.requests import failure
from s2i_backend.supervisor import Supervisor
from s2i_backend.zap import LOCAL_USER, Gatekeeper
from s2i_client import framing
from s2i_client import messages as m
from s2i_client.errors import ProtocolError, S2IError
from s2i_client.patience import PING_SECONDS, announcement
from s2i_client.pixels import MAX_PICTURE_BYTES
from s2i_models import catalog

log = logging.getLogger(__name__)
TICK_SECONDS = 0.1
# Messages read from one side before the other has its turn.
_BURST = 32
_RETRY_SECONDS = 1.0


class Broker:
    """Sockets and messages; what runs when is `Dispatch`'s to say."""

    def __init__(self, options: ServeOptions, server_keys: tuple[bytes, bytes], local_key: bytes):
        self.options = options
        self.instance = uuid.uuid4().hex
        self.started = time.monotonic()
        self.stop_asked = False
        # Created here and ended with the broker: a daemon has this one context.
        self._context = zmq.Context()
        authorized = options.config / "authorized_clients" if options.remote else None
        self.link = worker_link.BrokerEnd(self._context, options.run_folder)
        self._gate = Gatekeeper(
            self._context, {local_key: LOCAL_USER, **self.link.accepted_keys}, authorized
        )
        self._front = self._context.socket(zmq.ROUTER)
        self._front.linger = 300
        self._front.rcvhwm = 16
        self._front.router_handover = True
        self._front.curve_server = True
        self._front.curve_publickey, self._front.curve_secretkey = server_keys
        # libzmq lets go of a connection that announces a larger frame, before it takes memory.
        largest = min(MAX_PICTURE_BYTES, options.frame_bytes)
        self._front.setsockopt(zmq.MAXMSGSIZE, largest + framing.MAX_HEADER_BYTES)
        try:
            self.port, self.endpoint = bind(self._front, options.remote, options.port)
        except S2IError:
            self._context.destroy(linger=0)
            raise
        keep_seconds = options.kept_minutes * 60
        self.hosts = Hosts(keep_seconds)
        self.outbox = Outbox(options.kept_bytes, keep_seconds)
        self._poller = zmq.Poller()
        for socket in (self._front, self.link.socket, self._gate.socket):
            self._poller.register(socket, zmq.POLLIN)
        self.supervisor: Supervisor | None = None
        self._alone_since = self._pinged_at = self._tick_at = self.started

    def start_workers(self) -> None:
        """Start the worker processes; apart from construction, so that hosts need not wait."""
        arguments = ()
        if self.options.model_bytes is not None:
            arguments = ("--model-bytes", str(self.options.model_bytes))
        self.supervisor = Supervisor(
            self.link, self.options.run_folder.resolve(), self.options.devices, arguments
        )
        self.dispatch = Dispatch(self.options, self.link.socket, self.supervisor, self)

    def run(self) -> None:
        """Serve until asked to stop, or idle for too long."""
        while not self.stop_asked:
            ready = dict(self._poller.poll(int(TICK_SECONDS * 1000)))
            if self._gate.socket in ready:
                self._guarded(self._gate.answer)
            if self.link.socket in ready:
                self._read_workers()
            if self._front in ready:
                self._read_hosts()
            now = time.monotonic()
            if now >= self._tick_at and not self._guarded(self._tick):
                # What failed may fail again, and each time fills the log.
                self._tick_at = now + _RETRY_SECONDS

    def close(self) -> None:
        """Tell the hosts, end the workers, close everything."""
        for host in self.hosts.present:
            self._send(host.identity, framing.encode(m.Stopping()))
        if self.supervisor is not None:
            self.supervisor.stop()
        self._gate.close()
        self._front.close()
        self.link.close()
        self._context.term()

    def _guarded(self, work: Callable[[], None]) -> bool:
        """Whether `work` went well; a fault of ours in it must not take all jobs with it."""
        try:
            work()
        except Exception:
            log.exception("something went wrong; the daemon goes on")
            return False
        return True

    def _read_workers(self) -> None:
        for _ in range(_BURST):
            try:
                frames = self.link.socket.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                return
            self._guarded(lambda frames=frames: self.dispatch.from_worker(frames))

    def _read_hosts(self) -> None:
        for _ in range(_BURST):
            try:
                frames, whole = read_message(self._front, self.options.frame_bytes)
            except zmq.Again:
                return
            self._guarded(lambda frames=frames, whole=whole: self._from_host(frames, whole))

    def _tick(self) -> None:
        now = time.monotonic()
        self.dispatch.tick(now)
        if now - self._pinged_at >= PING_SECONDS:
            self._pinged_at = now
            ping = framing.encode(m.Ping())
            for host in self.hosts.present:
                self._send(host.identity, ping)
            self.outbox.expire(now)
            for host in self.hosts.tick(now):
                self.dispatch.forget(host.session)
        if self.hosts.present or self.dispatch.has_work:
            self._alone_since = now
        idle = self.options.idle_seconds
        if idle is not None and now - self._alone_since > idle:
            log.info("no host for %g s: ending", idle)
            self.stop_asked = True

    # Hosts.

    def _send(self, identity: bytes, frames: list[Any]) -> bool:
        try:
            self._front.send_multipart([identity, *frames], zmq.DONTWAIT, copy=False)
        except zmq.Again:
            log.warning("a host does not read what it is sent")
            return False
        return True

    def tell(self, session: str, message: m.Message, data: tuple[Any, ...] = ()) -> bool:
        """Send a host a message about one of its jobs; False when it is not there."""
        host = self.hosts.of(session)
        if host is None or not host.present:
            return False
        frames = framing.encode(message, data, pieces=host.pieces)
        notice = announcement(frames)
        if notice is not None:
            self._send(host.identity, notice)
        return self._send(host.identity, frames)

    def end(self, key: tuple[str, str], message: Any, data: tuple[Any, ...] = ()) -> None:
        """Send the last message of a job, and keep it until the host has taken it."""
        if self.hosts.of(key[0]) is None:
            return
        ended = self.outbox.put(key, message, data, time.monotonic())
        self._hand_over(key[0], ended)

    def forget(self, session: str) -> None:
        """Nobody will ask for this host's results."""
        self.outbox.forget_session(session)

    def _from_host(self, frames: list[zmq.Frame], whole: bool) -> None:
        identity = frames[0].bytes
        host = self.hosts.at(identity)
        try:
            if not whole:
                raise self._too_large(frames)
            decoded = framing.decode(worker_link.buffers(frames[1:]), m.FROM_HOST)
            if isinstance(decoded.message, m.Hello):
                self._greet(identity, decoded.message, _user(frames[-1]))
                return
            if host is None:
                raise ProtocolError("no_hello", "This connection has not said hello.")
        except ProtocolError as error:
            refusal = failure(error.code, error.message, job=error.job or None)
            self._send(identity, framing.encode(refusal))
            return
        was_away = not host.present
        host.heard, host.present, host.coming_bytes = time.monotonic(), True, 0
        if was_away:
            for ended in self.outbox.unsent(host.session):
                self._hand_over(host.session, ended)
        self._obey(host, decoded.message, frames[1:])

    def _too_large(self, frames: list[zmq.Frame]) -> ProtocolError:
        """The refusal of a message of which only the header was kept."""
        job = ""
        with contextlib.suppress(ProtocolError):
            said = framing.decode_header(frames[1].buffer).get("job")
            job = said if isinstance(said, str) and len(said) <= 64 else ""
        return ProtocolError(
            "too_large",
            f"A message has at most {framing.MAX_FRAMES} frames and "
            f"{self.options.frame_bytes} bytes of pictures.",
            job=job,
        )

    def _greet(self, identity: bytes, hello: m.Hello, user: str) -> None:
        if hello.protocol != m.VERSION:
            message = f"The daemon speaks version {m.VERSION}, the host {hello.protocol}."
            self._send(identity, framing.encode(failure("protocol_version", message)))
            return
        now = time.monotonic()
        self.hosts.greet(
            Host(hello.session, identity, hello.host, hello.version, user, hello.pieces, now)
        )
        memory = psutil.virtual_memory()
        ready = m.Ready(
            protocol=m.VERSION,
            version=version("s2i"),
            pid=os.getpid(),
            instance=self.instance,
            devices=tuple(self.dispatch.describe_workers()),
            memory={
                "total": memory.total,
                "available": memory.available,
                "frames": self.options.frame_bytes,
            },
            pipelines=tuple(d.to_dict() for d in catalog.declarations()),
        )
        self._send(identity, framing.encode(ready))

    def _obey(self, host: Host, message: Any, frames: list[zmq.Frame]) -> None:
        match message:
            case m.Submit():
                self.dispatch.submit(host.session, message, frames)
            case m.Cancel(job=job):
                self._cancel(host, job)
            case m.Attach(jobs=jobs):
                for job in jobs:
                    self._attach(host, job)
            case m.Taken(job=job):
                self.outbox.drop((host.session, job))
            case m.AskStatus():
                self._send(host.identity, framing.encode(self._status()))
            case m.Bye():
                self.hosts.leave(host.identity)
                self.dispatch.forget(host.session)
            case m.Coming(bytes=byte_count):
                # A host can claim anything, and must not stay for ever by it.
                host.coming_bytes = min(byte_count, self.options.frame_bytes)
            case m.Stop():
                self._stop(host)

    def _cancel(self, host: Host, job: str) -> None:
        if not self.dispatch.cancel((host.session, job)):
            self._attach(host, job)

    def _attach(self, host: Host, job: str) -> None:
        key = (host.session, job)
        ended = self.outbox.get(key)
        if ended is not None:
            self._hand_over(host.session, ended)
        elif not self.dispatch.describe(key):
            unknown = failure("unknown_job", "The daemon does not have this job.", job=job)
            self._send(host.identity, framing.encode(unknown))

    def _hand_over(self, session: str, ended: Ended) -> None:
        ended.sent = self.tell(session, ended.message, ended.data)

    def _stop(self, host: Host) -> None:
        if host.user != LOCAL_USER:
            refusal = failure("not_allowed", "Only hosts of this machine may end the daemon.")
            self._send(host.identity, framing.encode(refusal))
            return
        log.info("%s asked the daemon to end", host.name)
        self.stop_asked = True

    def _status(self) -> m.Status:
        return m.Status(
            pid=os.getpid(),
            uptime=time.monotonic() - self.started,
            workers=tuple(self.dispatch.describe_workers()),
            queue=self.dispatch.describe_queue(),
            hosts=tuple(
                {"name": h.name, "version": h.version, "user": h.user, "present": h.present}
                for h in self.hosts
            )[:1024],
            memory={
                "daemon": psutil.Process().memory_info().rss,
                "frames": self.dispatch.scheduler.byte_count,
                "frames_limit": self.options.frame_bytes,
                "kept": self.outbox.byte_count,
            },
            timing=self.dispatch.timing,
        )


def _user(frame: zmq.Frame) -> str:
    try:
        return str(frame.get("User-Id"))
    except zmq.ZMQError:
        return ""
