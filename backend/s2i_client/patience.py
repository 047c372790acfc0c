"""How long the other side may be silent before it counts as gone.

ZeroMQ shows a message when all of it is there, and pings queue behind a large one. So whoever sends
one says before it how large it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from .framing import encode
from .messages import Coming
from .pixels import Buffer

PING_SECONDS = 1.0
GONE_SECONDS = 3.5  # three pings missed, and some grace for the way
LARGE_BYTES = 16 << 20
# Slower than a network of 100 Mbit/s, and a small part of what CURVE does on one machine.
_SLOWEST_BYTES_A_SECOND = 4 << 20


def announcement(frames: Sequence[Buffer]) -> list[Buffer] | None:
    """The message to send before `frames`; None when they are not many bytes."""
    byte_count = sum(memoryview(frame).nbytes for frame in frames)
    return encode(Coming(bytes=byte_count)) if byte_count >= LARGE_BYTES else None


def patience(coming_bytes: int = 0) -> float:
    """Seconds of silence after which the other side is gone, when so many bytes are under way."""
    return GONE_SECONDS + coming_bytes / _SLOWEST_BYTES_A_SECOND
