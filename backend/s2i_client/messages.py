"""Every message of the protocol, version 1, as a dataclass whose fields check themselves.

`docs/protocol.md` explains when each is sent. Within a version fields may be added, so names that
this side does not know are ignored; a wrong value in a known field is an error.
"""

# `checked` is `dataclasses.field` with a check, so calling it for a default is right:
# ruff: noqa: RUF009

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, get_args

from .declaration import MAX_LAYERS, MAX_NOTE, MAX_NOTES, MAX_TITLE, BlendMode, LayerKind
from .geometry import Point
from .pixels import (
    DEPTH_BYTES,
    MAX_ORIGIN,
    MAX_SIDE,
    ORDER_CHANNELS,
    PROFILES,
    LayerInfo,
    PictureInfo,
)
from .schema import (
    Unfit,
    anything,
    checked,
    integer,
    list_of,
    map_of,
    number,
    one_of,
    optional,
    read_fields,
    scalar,
    text,
    truth,
)

VERSION = 1
MAX_PICTURES = MAX_LAYERS
MAX_JOBS = 1024
_name = text(64)


@dataclass(frozen=True)
class _PictureFields:
    name: str = checked(_name)
    width: int = checked(integer(1, MAX_SIDE))
    height: int = checked(integer(1, MAX_SIDE))
    channels: int = checked(integer(1, 4))
    depth: Any = checked(one_of(*DEPTH_BYTES))
    order: Any = checked(one_of(*ORDER_CHANNELS))
    profile: Any = checked(one_of(*PROFILES), "sRGB")
    origin: Any = checked(list_of(integer(-MAX_ORIGIN, MAX_ORIGIN), 2), (0, 0))


@dataclass(frozen=True)
class _LayerFields(_PictureFields):
    kind: Any = checked(one_of(*get_args(LayerKind)), "image")
    blend: Any = checked(one_of(*get_args(BlendMode)), "normal")
    title: Any = checked(text(MAX_TITLE, least=0), "")


def _described(fields_class: type, info_class: type[PictureInfo]) -> Any:
    def check(value: object) -> PictureInfo:
        if not isinstance(value, dict):
            raise Unfit("a map that describes a picture")
        read = read_fields(fields_class, value)
        if len(read.origin) != 2:
            raise Unfit("a picture whose origin is [x, y]")
        return info_class(**{**vars(read), "origin": Point(*read.origin)})

    return check


_picture = _described(_PictureFields, PictureInfo)
_layer = _described(_LayerFields, LayerInfo)


@dataclass(frozen=True)
class Message:
    """What all messages share. `type` is their name on the wire."""

    type: ClassVar[str]
    # Not annotated, so that it does not become a field; messages with pictures declare their own.
    pictures = ()


# Host to daemon.


@dataclass(frozen=True)
class Hello(Message):
    type = "hello"
    protocol: int = checked(integer(0, 1 << 31))
    host: str = checked(_name)
    version: str = checked(text(64, least=0))
    session: str = checked(_name)
    pieces: bool = checked(truth, False)


@dataclass(frozen=True)
class Submit(Message):
    type = "submit"
    job: str = checked(_name)
    pipeline: str = checked(_name)
    parameters: dict[str, Any] = checked(map_of(scalar, 256), factory=dict)
    outputs: tuple[str, ...] | None = checked(optional(list_of(_name, 64)), None)
    lane: str = checked(one_of("live", "batch"), "batch")
    document: str | None = checked(optional(text(256)), None)
    pictures: tuple[PictureInfo, ...] = checked(list_of(_picture, MAX_PICTURES), ())  # type: ignore[misc]


@dataclass(frozen=True)
class Cancel(Message):
    type = "cancel"
    job: str = checked(_name)


@dataclass(frozen=True)
class Attach(Message):
    type = "attach"
    jobs: tuple[str, ...] = checked(list_of(_name, MAX_JOBS))


@dataclass(frozen=True)
class Taken(Message):
    type = "taken"
    job: str = checked(_name)


@dataclass(frozen=True)
class AskStatus(Message):
    type = "status"


@dataclass(frozen=True)
class Stop(Message):
    type = "stop"


@dataclass(frozen=True)
class Bye(Message):
    type = "bye"


@dataclass(frozen=True)
class Ping(Message):
    """Sent by both sides."""

    type = "ping"


@dataclass(frozen=True)
class Coming(Message):
    """Sent by both sides: the next message is so large that nothing else comes for a while."""

    type = "coming"
    bytes: int = checked(integer(0, 1 << 50))


# Daemon to host.


@dataclass(frozen=True)
class Ready(Message):
    type = "ready"
    protocol: int = checked(integer(0, 1 << 31))
    version: str = checked(text(64, least=0))
    pid: int = checked(integer(0, 1 << 31))
    instance: str = checked(_name)
    devices: tuple[Any, ...] = checked(list_of(anything, 256))
    memory: dict[str, Any] = checked(map_of(anything, 64))
    pipelines: tuple[Any, ...] = checked(list_of(map_of(anything, 64), 256))


@dataclass(frozen=True)
class Queued(Message):
    type = "queued"
    job: str = checked(_name)
    place: int = checked(integer(0, 1 << 31))


@dataclass(frozen=True)
class Started(Message):
    type = "started"
    job: str = checked(_name)
    device: str = checked(_name)


@dataclass(frozen=True)
class Progressed(Message):
    type = "progress"
    job: str = checked(_name)
    fraction: float = checked(number(0, 1))
    step: str = checked(text(256, least=0))
    pictures: tuple[PictureInfo, ...] = checked(list_of(_picture, 1), ())  # type: ignore[misc]


@dataclass(frozen=True)
class Finished(Message):
    type = "result"
    job: str = checked(_name)
    timing: dict[str, float] = checked(map_of(number(0, 1e9), 64), factory=dict)
    pictures: tuple[LayerInfo, ...] = checked(list_of(_layer, MAX_PICTURES), ())  # type: ignore[misc]
    notes: tuple[str, ...] = checked(list_of(text(MAX_NOTE), MAX_NOTES), ())


@dataclass(frozen=True)
class Cancelled(Message):
    type = "cancelled"
    job: str = checked(_name)


@dataclass(frozen=True)
class Superseded(Message):
    type = "superseded"
    job: str = checked(_name)


@dataclass(frozen=True)
class Failed(Message):
    """A job that ended badly or, without `job`, a message that was refused."""

    type = "failed"
    code: str = checked(_name)
    message: str = checked(text(4096, least=0))
    fix: str = checked(text(4096, least=0), "")
    job: str | None = checked(optional(_name), None)
    field: str | None = checked(optional(text(256, least=0)), None)
    given: str | None = checked(optional(text(1024, least=0)), None)
    allowed: str | None = checked(optional(text(4096, least=0)), None)


@dataclass(frozen=True)
class Status(Message):
    type = "status"
    pid: int = checked(integer(0, 1 << 31))
    uptime: float = checked(number(0, 1e12))
    workers: tuple[Any, ...] = checked(list_of(anything, 256))
    queue: dict[str, Any] = checked(map_of(anything, 64))
    hosts: tuple[Any, ...] = checked(list_of(anything, 1024))
    memory: dict[str, Any] = checked(map_of(anything, 64))
    timing: dict[str, Any] = checked(map_of(anything, 1024))


@dataclass(frozen=True)
class Stopping(Message):
    """The daemon is about to end."""

    type = "stopping"


FROM_HOST: dict[str, type[Message]] = {
    m.type: m for m in (Hello, Submit, Cancel, Attach, Taken, AskStatus, Stop, Bye, Ping, Coming)
}
FROM_DAEMON: dict[str, type[Message]] = {
    m.type: m
    for m in (
        Ready, Queued, Started, Progressed, Finished,
        Cancelled, Superseded, Failed, Status, Stopping, Ping, Coming,
    )
}  # fmt: skip
