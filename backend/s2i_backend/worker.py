"""A worker process: `python -m s2i_backend.worker`, started by the broker, one per device.

A thread of its own owns the socket, so that a cancel is heard while the main thread runs a
pipeline. The two speak over an inproc pair and a queue.
"""

from __future__ import annotations

import argparse
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import psutil
import zmq

from s2i_backend import devices, link
from s2i_backend.log import configure_worker
from s2i_backend.model_cache import ModelCache
from s2i_backend.runner import Runner, Task

log = logging.getLogger(__name__)
_ALIVE_SECONDS = 1.0
_INSIDE = "inproc://main"


class Post(threading.Thread):
    """The thread that owns the socket."""

    def __init__(self, context: zmq.Context, endpoint: str, name: str):
        super().__init__(name="post", daemon=True)
        self._context = context
        self._endpoint = endpoint
        self._worker_name = name
        self._inner = context.socket(zmq.PAIR)
        self._inner.rcvhwm = self._inner.sndhwm = 0
        self._inner.bind(_INSIDE)
        self.tasks: queue.SimpleQueue[list[Task]] = queue.SimpleQueue()
        self._wanted: dict[tuple[str, str], Task] = {}

    def run(self) -> None:
        outer = link.connect_worker(self._context, self._endpoint, self._worker_name)
        poller = zmq.Poller()
        poller.register(outer, zmq.POLLIN)
        poller.register(self._inner, zmq.POLLIN)
        said_alive = 0.0
        process = psutil.Process()
        while True:
            ready = dict(poller.poll(int(_ALIVE_SECONDS * 1000)))
            if outer in ready:
                self._take(outer.recv_multipart(copy=False))
            if self._inner in ready:
                outer.send_multipart(self._inner.recv_multipart(copy=False), copy=False)
            if time.monotonic() - said_alive >= _ALIVE_SECONDS:
                said_alive = time.monotonic()
                outer.send(link.note("alive", memory=process.memory_info().rss))

    def _take(self, frames: list[zmq.Frame]) -> None:
        said = link.read_note(frames[0].buffer)
        if said["kind"] == "cancel":
            task = self._wanted.get(tuple(said["key"]))
            if task is not None:
                task.cancelled.set()
            return
        tasks = []
        at = 1
        for plain in said["jobs"]:
            task = Task.read(plain, link.buffers(frames[at : at + plain["frames"]]))
            at += plain["frames"]
            tasks.append(task)
        self._wanted = {task.key: task for task in tasks}
        self.tasks.put(tasks)

    def forget(self) -> None:
        """The tasks taken last are done: let go of them and their pictures.

        For the main thread, before it says that it is idle; nothing new comes until then.
        """
        self._wanted = {}


def watch_broker() -> None:
    """End this process at once when the broker is gone, however it went.

    The broker holds the other end of our standard input and never writes.
    """

    def wait() -> None:
        while sys.stdin.buffer.read(1):
            pass
        os._exit(0)

    threading.Thread(target=wait, name="watch", daemon=True).start()


def sender(context: zmq.Context) -> Callable[[list[Any]], None]:
    """A function by which the main thread hands a message to the post."""
    inner = context.socket(zmq.PAIR)
    inner.linger = 1000
    inner.rcvhwm = inner.sndhwm = 0
    inner.connect(_INSIDE)

    def send(frames: list[Any]) -> None:
        inner.send_multipart(frames, copy=False)

    return send


def main() -> int:
    parser = argparse.ArgumentParser(prog="s2i_backend.worker")
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--device", required=True)
    parser.add_argument("--model-bytes", type=int)
    options = parser.parse_args()
    watch_broker()
    # Control-C in a terminal reaches the whole group; the broker decides when workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure_worker()
    context = zmq.Context()
    post = Post(context, options.endpoint, options.name)
    send = sender(context)
    post.start()
    try:
        device, others = devices.resolve(options.device)
    except ValueError as error:
        log.error("%s", error)
        send([link.note("unusable", message=str(error))])
        # The broker, which hears that, ends this process.
        while True:
            time.sleep(_ALIVE_SECONDS)
    models = ModelCache(device, options.model_bytes or devices.default_model_bytes(device))
    runner = Runner(models, send)
    send(
        [link.note("up", device=device, others=others, versions={"python": sys.version.split()[0]})]
    )
    while True:
        tasks = post.tasks.get()
        runner.run(tasks)
        # Let go of the pictures before waiting for the next.
        del tasks
        post.forget()
        send([link.note("idle")])


if __name__ == "__main__":
    sys.exit(main())
