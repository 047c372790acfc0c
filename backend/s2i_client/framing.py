"""Messages to frames and back: `[header, pixels, pixels, …]`.

The header is one msgpack map of plain data. A picture's bytes are one frame, or several in order
when its description says so in `frames`: encryption and decryption of a large picture then overlap
instead of waiting for one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import msgpack

from .errors import ProtocolError
from .messages import Message
from .pixels import Buffer, PictureError, PictureInfo, join, with_data
from .schema import read_fields

MAX_HEADER_BYTES = 64 * 1024
MAX_FRAMES = 8192
MAX_DEPTH = 8
# The round trip of 16 MB through CURVE is fastest with pieces of this size (`benchmarks/daemon.py`
# shows the whole; pieces of 256 KiB and of 4 MiB took a quarter longer, one single frame twice).
PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class Decoded:
    """A message and, for each of its pictures, the places of its frames in what was decoded."""

    message: Any
    groups: tuple[range, ...]


def encode(
    message: Message,
    data: Sequence[Buffer] = (),
    *,
    pieces: bool = False,
) -> list[Buffer]:
    """The frames of `message`; `data` holds the bytes of each of its pictures, in order.

    With `pieces`, large pictures are cut into frames of `PIECE_BYTES`; nothing is copied.
    """
    frames: list[Buffer] = []
    counts: list[int] = []
    for buffer in data:
        view = memoryview(buffer).cast("B")
        cuts = range(0, view.nbytes, PIECE_BYTES) if pieces else range(1)
        size = PIECE_BYTES if pieces else view.nbytes
        frames += [view[at : at + size] for at in cuts]
        counts.append(len(cuts))
    return [encode_header(message, counts), *frames]


def encode_header(message: Message, frame_counts: Sequence[int]) -> bytes:
    """The header alone, for pictures that travel in `frame_counts` frames each."""
    plain: dict[str, Any] = {"type": message.type}
    for declared in fields(message):
        value = getattr(message, declared.name)
        if declared.name == "pictures":
            value = [_describe(p, count) for p, count in zip(value, frame_counts, strict=True)]
        plain[declared.name] = value
    try:
        header: bytes = msgpack.packb(plain)  # type: ignore[assignment]
    except (ValueError, TypeError, OverflowError) as error:
        raise ProtocolError("bad_field", f"The {message.type} can not be sent: {error}.") from None
    if len(header) > MAX_HEADER_BYTES:
        raise ProtocolError(
            "too_large", f"The header of this {message.type} has {len(header)} bytes."
        )
    return header


def _describe(picture: PictureInfo, frame_count: int) -> dict[str, Any]:
    plain = {f.name: getattr(picture, f.name) for f in fields(picture) if f.name != "data"}
    plain["origin"] = list(picture.origin)
    if frame_count != 1:
        plain["frames"] = frame_count
    return plain


def decode(frames: Sequence[Buffer], known: Mapping[str, type[Message]]) -> Decoded:
    """Read one message of the types in `known`, and check the lengths of its frames.

    Raises `ProtocolError`, with the job's id where the header has one, for anything that is not
    exactly right.
    """
    if not frames:
        raise ProtocolError("malformed", "The message has no frames.")
    plain = decode_header(frames[0])
    kind = plain.get("type")
    job = plain.get("job")
    job = job if isinstance(job, str) and len(job) <= 64 else ""
    if not isinstance(kind, str) or kind not in known:
        raise ProtocolError("unknown_message", f"No message is called {str(kind)[:64]!r}.", job=job)
    try:
        message = read_fields(known[kind], plain, job=job)
    except PictureError as error:
        raise ProtocolError("bad_field", str(error), field=error.field, job=job) from error
    except ProtocolError as error:
        error.job = job
        raise
    return Decoded(message, _group(message, plain, frames, job))


def decode_header(header: Buffer) -> dict[str, Any]:
    """The header as a plain map: None, booleans, numbers, texts, lists and maps of them only."""
    if memoryview(header).nbytes > MAX_HEADER_BYTES:
        raise ProtocolError("too_large", f"A header has at most {MAX_HEADER_BYTES} bytes.")
    try:
        plain = msgpack.unpackb(
            header, raw=False, strict_map_key=True, ext_hook=_refuse_extension, timestamp=0
        )
    # Broken input raises a whole family: ValueError and its kin, TypeError for unhashable keys,
    # OverflowError and RecursionError from the pure Python unpacker that hosts without the
    # compiled one use.
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException) as error:
        reason = str(error)[:200] or type(error).__name__
        raise ProtocolError("malformed", f"The header is not strict msgpack: {reason}.") from None
    if not isinstance(plain, dict):
        raise ProtocolError("malformed", "The header is not a map.")
    _check_plain(plain)
    return plain


def _refuse_extension(code: int, data: bytes) -> object:
    raise ValueError(f"extension type {code}")


def _check_plain(plain: dict[str, Any]) -> None:
    level: list[Any] = [plain]
    for _ in range(MAX_DEPTH):
        deeper: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                if not all(isinstance(key, str) for key in item):
                    raise ProtocolError("malformed", "A map of the header has a key, not a text.")
                deeper += item.values()
            elif isinstance(item, list):
                deeper += item
            elif not (item is None or isinstance(item, bool | int | float | str)):
                raise ProtocolError("malformed", f"The header holds a {type(item).__name__}.")
        level = deeper
        if not level:
            return
    raise ProtocolError("malformed", f"The header is nested deeper than {MAX_DEPTH}.")


def _group(
    message: Message, plain: dict[str, Any], frames: Sequence[Buffer], job: str
) -> tuple[range, ...]:
    groups: list[range] = []
    at = 1
    # Messages without pictures may carry anything under that name, as under any unknown one.
    described_pictures = plain["pictures"] if message.pictures else ()
    for info, described in zip(message.pictures, described_pictures, strict=True):
        count = described.get("frames", 1)
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MAX_FRAMES:
            raise ProtocolError(
                "bad_field", f"frames: allowed is a whole number from 1 to {MAX_FRAMES}.",
                field="frames", job=job,
            )  # fmt: skip
        group = range(at, at + count)
        if group.stop > len(frames):
            raise ProtocolError("bad_frames", f"Frames of {info.name} are missing.", job=job)
        length = sum(memoryview(frames[i]).nbytes for i in group)
        if length != info.byte_count:
            raise ProtocolError(
                "bad_frames",
                f"{info.name}: {info.width} × {info.height} × {info.channels} channels of "
                f"{info.depth} are {info.byte_count} bytes, not {length}.",
                job=job,
            )
        groups.append(group)
        at = group.stop
    if at != len(frames):
        raise ProtocolError(
            "bad_frames", f"The message has {len(frames) - at} frames too many.", job=job
        )
    return tuple(groups)


def pieces_of(decoded: Decoded, frames: Sequence[Buffer]) -> tuple[list[Buffer], ...]:
    """The bytes of each of the message's pictures, in pieces; nothing is copied."""
    return tuple([frames[i] for i in group] for group in decoded.groups)


def pictures(decoded: Decoded, frames: Sequence[Buffer]) -> tuple[Any, ...]:
    """The message's pictures with their bytes: `Picture`s, or `ResultLayer`s of a result."""
    return tuple(
        with_data(info, join(pieces))
        for info, pieces in zip(decoded.message.pictures, pieces_of(decoded, frames), strict=True)
    )
