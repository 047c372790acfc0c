"""The line between the broker and its workers, all on one machine and of one user.

POSIX: a Unix socket in a folder that only the owner can enter; a round trip of 16 MB over it takes
a third of what CURVE takes, which would protect nothing there. Windows has no such sockets in
ZeroMQ, so there it is loopback TCP with CURVE and keys made for this run.

Each message is `[note, frames…]`: the note is a msgpack map that says what the rest is.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgpack
import zmq

_SOCKET_NAME = "workers.sock"
_LONGEST_SOCKET_PATH = 104  # bytes with the closing zero on macOS; Linux has 108
_KEY_VARIABLE = "S2I_LINK_KEYS"


class BrokerEnd:
    """The broker's socket, and what a worker must know to reach it.

    `run_folder` is the daemon's own, which nobody else can enter.
    """

    def __init__(self, context: zmq.Context, run_folder: Path):
        self.socket = context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.rcvhwm = self.socket.sndhwm = 0
        # A worker that replaces a killed one has a new name, but a message to the dead one must
        # be an error and not vanish.
        self.socket.router_mandatory = True
        self.environment: dict[str, str] = {}
        self.accepted_keys: dict[bytes, str] = {}
        self._folder: str | None = None
        if sys.platform == "win32":
            server_public, server_secret = zmq.curve_keypair()
            client_public, client_secret = zmq.curve_keypair()
            self.socket.curve_server = True
            self.socket.curve_publickey, self.socket.curve_secretkey = server_public, server_secret
            keys = (server_public, client_public, client_secret)
            self.environment[_KEY_VARIABLE] = " ".join(key.decode() for key in keys)
            self.accepted_keys[client_public] = "worker"
            self.socket.bind("tcp://127.0.0.1:*")
            self.endpoint = self.socket.getsockopt_string(zmq.LAST_ENDPOINT)
        else:
            path = run_folder.absolute() / _SOCKET_NAME
            if len(os.fsencode(path)) >= _LONGEST_SOCKET_PATH:
                # mkdtemp makes it for the owner only.
                self._folder = tempfile.mkdtemp(prefix="s2i-")
                path = Path(self._folder) / _SOCKET_NAME
            self.endpoint = f"ipc://{path}"
            self.socket.bind(self.endpoint)

    def close(self) -> None:
        self.socket.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def connect_worker(context: zmq.Context, endpoint: str, name: str) -> zmq.Socket:
    """The worker's socket. The Unix socket's file is removed by the broker alone."""
    socket = context.socket(zmq.DEALER)
    socket.linger = 1000
    socket.rcvhwm = socket.sndhwm = 0
    socket.routing_id = name.encode()
    if keys := os.environ.pop(_KEY_VARIABLE, ""):
        socket.curve_serverkey, socket.curve_publickey, socket.curve_secretkey = (
            key.encode() for key in keys.split()
        )
    socket.connect(endpoint)
    return socket


def note(kind: str, **values: Any) -> bytes:
    """The first frame of a message."""
    return msgpack.packb({"kind": kind, **values})  # type: ignore[return-value]


def read_note(frame: Any) -> dict[str, Any]:
    return msgpack.unpackb(frame, raw=False)


def buffers(frames: list[zmq.Frame]) -> list[memoryview]:
    """The frames' bytes, not copied."""
    return [frame.buffer for frame in frames]
