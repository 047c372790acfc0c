"""The hosts that talk to the broker, and whether they are there."""

from __future__ import annotations

from dataclasses import dataclass

from s2i_client.patience import patience


@dataclass
class Host:
    """One session. `identity` is the connection it speaks through at present.

    `coming_bytes`: what it said its next message has.
    """

    session: str
    identity: bytes
    name: str
    version: str
    user: str
    pieces: bool
    heard: float
    present: bool = True
    coming_bytes: int = 0


class Hosts:
    """Sessions by name and by connection."""

    def __init__(self, forget_seconds: float):
        self.forget_seconds = forget_seconds
        self._by_session: dict[str, Host] = {}
        self._by_identity: dict[bytes, Host] = {}

    def __len__(self) -> int:
        return len(self._by_session)

    def __iter__(self):
        return iter(list(self._by_session.values()))

    @property
    def present(self) -> list[Host]:
        return [host for host in self._by_session.values() if host.present]

    def greet(self, host: Host) -> None:
        """A host said hello: it is new, or has a new connection."""
        old = self._by_session.get(host.session)
        if old is not None:
            self._by_identity.pop(old.identity, None)
        self.leave(host.identity)
        self._by_session[host.session] = host
        self._by_identity[host.identity] = host

    def at(self, identity: bytes) -> Host | None:
        return self._by_identity.get(identity)

    def of(self, session: str) -> Host | None:
        return self._by_session.get(session)

    def leave(self, identity: bytes) -> Host | None:
        host = self._by_identity.pop(identity, None)
        if host is not None:
            self._by_session.pop(host.session, None)
        return host

    def tick(self, now: float) -> list[Host]:
        """Note who has been silent too long; returns the sessions that are forgotten."""
        forgotten = []
        for host in self:
            silent = now - host.heard
            host.present = silent <= patience(host.coming_bytes)
            if silent > self.forget_seconds:
                self.leave(host.identity)
                forgotten.append(host)
        return forgotten
