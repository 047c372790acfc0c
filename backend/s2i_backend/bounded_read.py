"""Reading a host's message without keeping more of it than there is memory for."""

from __future__ import annotations

import zmq

from s2i_client import framing


def read_message(socket: zmq.Socket, max_bytes: int) -> tuple[list[zmq.Frame], bool]:
    """The next message's frames, the sender's identity first, and whether they are all of it.

    Of a message with more frames, or more bytes after its header, than there may be, only identity
    and header are kept; the rest is read, as it must be, and let go of at once. Raises `zmq.Again`
    when there is no message.
    """
    frame = socket.recv(zmq.DONTWAIT, copy=False)
    frames = [frame]
    byte_count, whole = 0, True
    while frame.more:
        frame = socket.recv(copy=False)
        byte_count += len(frame) if len(frames) > 1 else 0
        if whole:
            frames.append(frame)
            # One frame more than a message may have: the identity.
            whole = len(frames) <= framing.MAX_FRAMES + 1 and byte_count <= max_bytes
        if not whole:
            del frames[2:]
    return frames, whole
