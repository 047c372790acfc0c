"""The socket under a client: CURVE, no waiting, no copies of large frames."""

from __future__ import annotations

import zmq

from .connection_file import Connection
from .framing import MAX_FRAMES, MAX_HEADER_BYTES
from .pixels import MAX_PICTURE_BYTES, Buffer

LINGER_MS = 500


class Transport:
    """One encrypted connection. The process's only ZeroMQ context is shared by all of them."""

    def __init__(self, connection: Connection):
        self.connection = connection
        socket = zmq.Context.instance().socket(zmq.DEALER)
        socket.linger = 0
        socket.curve_serverkey = connection.server_key.encode()
        socket.curve_publickey = connection.client_public.encode()
        socket.curve_secretkey = connection.client_secret.encode()
        socket.setsockopt(zmq.MAXMSGSIZE, MAX_PICTURE_BYTES + MAX_HEADER_BYTES)
        socket.connect(connection.endpoint)
        self._socket = socket

    def send(self, frames: list[Buffer]) -> bool:
        """Queue a message; False, and nothing is sent, when the queue is full.

        That is so when the daemon hangs, or takes less than it is sent.
        """
        try:
            self._socket.send_multipart(frames, zmq.DONTWAIT, copy=False)
        except zmq.Again:
            return False
        return True

    def receive(self) -> list[memoryview] | None:
        """The frames of the next message that has come, or None."""
        try:
            frames = self._socket.recv_multipart(zmq.DONTWAIT, copy=False)
        except zmq.Again:
            return None
        return [frame.buffer for frame in frames[:MAX_FRAMES]]

    def wait(self, seconds: float) -> None:
        """Wait until a message has come, at most `seconds`."""
        self._socket.poll(int(seconds * 1000))

    def close(self, *, linger: bool) -> None:
        """Close at once; with `linger`, what is queued is still sent for half a second."""
        self._socket.close(linger=LINGER_MS if linger else 0)
