"""Where the daemon listens."""

from __future__ import annotations

import errno

import zmq

from s2i_client.errors import S2IError

_EVERYWHERE = ("0.0.0.0", "*")


def bind(socket: zmq.Socket, remote: str | None, port: int) -> tuple[int, str]:
    """Bind to `port` (0: any free one) of `remote`, or of loopback; the port and the endpoint.

    The endpoint is one that hosts of this machine can connect to. Raises `S2IError` that names the
    option which does not work, and what would.
    """
    address = remote or "127.0.0.1"
    try:
        socket.bind(f"tcp://{address}:{port or '*'}")
    except zmq.ZMQError as error:
        raise _refusal(error, remote, port) from error
    bound = int(socket.getsockopt_string(zmq.LAST_ENDPOINT).rsplit(":", 1)[1])
    return bound, f"tcp://{'127.0.0.1' if address in _EVERYWHERE else address}:{bound}"


def _refusal(error: zmq.ZMQError, remote: str | None, port: int) -> S2IError:
    if error.errno in (zmq.EADDRINUSE, errno.EACCES):
        return S2IError(
            "not_allowed",
            f"--port {port} can not be used: {error.strerror}.",
            "Allowed is a port from 1024 to 65535 that nobody uses, or 0 for any free one.",
        )
    return S2IError(
        "not_allowed",
        f"--remote {remote} can not be used: {error.strerror}.",
        "Allowed is an address of this machine, such as 192.168.0.5, or 0.0.0.0 for all it has.",
    )
