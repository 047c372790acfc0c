"""Of a message that is too large, only who sent it and its header are kept."""

import pytest
import zmq

from s2i_backend.bounded_read import read_message
from s2i_client import framing


class Frame:
    def __init__(self, data, more):
        self.bytes = data
        self.more = more

    def __len__(self):
        return len(self.bytes)


class Socket:
    """Gives out the frames of one message."""

    def __init__(self, frames):
        self.frames = [Frame(data, i < len(frames) - 1) for i, data in enumerate(frames)]

    def recv(self, flags=0, copy=True):
        if not self.frames:
            raise zmq.Again
        return self.frames.pop(0)


def read(frames, max_bytes):
    socket = Socket(frames)
    kept, whole = read_message(socket, max_bytes)  # type: ignore[arg-type]
    assert not socket.frames
    return [frame.bytes for frame in kept], whole


def test_a_message_that_fits_is_whole():
    frames = [b"who", b"a long header", bytes(60), bytes(40)]
    assert read(frames, 100) == (frames, True)


def test_more_bytes_than_allowed_are_read_and_not_kept():
    frames = [b"who", b"header", bytes(60), bytes(41), bytes(5)]
    assert read(frames, 100) == ([b"who", b"header"], False)


def test_more_frames_than_allowed_are_read_and_not_kept():
    most = [b"who", *([b""] * framing.MAX_FRAMES)]
    assert read(most, 100) == (most, True)
    assert read([*most, b""], 100) == (most[:2], False)


def test_no_message_is_said_as_zeromq_says_it():
    with pytest.raises(zmq.Again):
        read_message(Socket([]), 100)  # type: ignore[arg-type]
