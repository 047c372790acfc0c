"""Who may connect: the answer to libzmq's question about a client's CURVE key.

libzmq asks over an inproc socket (ZAP 1.0, https://rfc.zeromq.org/spec/27/) before a connection
may say anything. No listed key, no connection.
"""

from __future__ import annotations

import logging
from pathlib import Path

import zmq
import zmq.utils.z85

log = logging.getLogger(__name__)
ENDPOINT = "inproc://zeromq.zap.01"
LOCAL_USER = "local"
_CURVE_REQUEST_FRAMES = 7


class Gatekeeper:
    """Admits `known` keys, each with its user's name, and the public keys in `authorized`.

    A file of the folder is named for its user and starts with the Z85 text of their public key;
    the folder is read at each new connection, so keys come and go without a restart.
    """

    def __init__(self, context: zmq.Context, known: dict[bytes, str], authorized: Path | None):
        self._known = known
        self._authorized = authorized
        self.socket = context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.bind(ENDPOINT)

    def answer(self) -> None:
        """Answer the questions that wait."""
        while self.socket.poll(0):
            frames = self.socket.recv_multipart()
            route = frames[: frames.index(b"") + 1]
            version, number, *_rest = question = frames[len(route) :]
            user = self._user(question)
            verdict = (b"200", b"OK") if user else (b"400", b"unknown key")
            self.socket.send_multipart([*route, version, number, *verdict, user.encode(), b""])

    def _user(self, question: list[bytes]) -> str:
        # version, request id, domain, address, identity, mechanism, key
        if len(question) != _CURVE_REQUEST_FRAMES or question[5] != b"CURVE":
            return ""
        key = zmq.utils.z85.encode(question[6])
        return self._known.get(key) or self._authorized_user(key)

    def _authorized_user(self, key: bytes) -> str:
        if self._authorized is None:
            return ""
        try:
            paths = sorted(self._authorized.iterdir())
        except FileNotFoundError:
            return ""
        except OSError as error:
            log.error("nobody of another machine is let in: %s", error)
            return ""
        for path in paths:
            try:
                words = path.read_bytes().split()
            except OSError as error:
                log.warning("a key is left out: %s", error)
                continue
            if words and words[0] == key:
                return f"remote:{path.stem}"
        return ""

    def close(self) -> None:
        self.socket.close()
