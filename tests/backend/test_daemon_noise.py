"""Thousands of broken messages against a live broker: it answers, lives on and does not grow."""

import random
import time

import msgpack
import psutil
import pytest
import zmq
from daemon_process import PATIENCE, Daemon, sketch

from s2i_client import framing, messages
from s2i_client.errors import FIXES
from s2i_client.pixels import PictureInfo

CASES = 6000
BURST = 100
# What an allocator may keep for itself; 6000 cases that leaked 16 KiB each would be three times it.
ALLOWED_GROWTH = 32 << 20


def good_frames(random_source):
    """A message that is right, but for its job's name."""
    info = PictureInfo(name="sketch", width=random_source.randint(1, 40), height=50)
    submit = messages.Submit(
        job=f"noise-{random_source.random()}",
        pipeline=random_source.choice(["echo", "nonsense"]),
        parameters={"seconds": random_source.choice([-1, "x", True, float("inf")])},
        pictures=(info,),
    )
    return [bytes(f) for f in framing.encode(submit, [bytes(info.byte_count)])]


def random_value(random_source, depth=0):
    kind = random_source.randrange(9 if depth < 4 else 6)
    match kind:
        case 0:
            return random_source.choice([None, True, False])
        case 1:
            return random_source.randint(-(2**63), 2**64 - 1)
        case 2:
            return random_source.choice([0.5, -1e300, float("nan"), float("inf")])
        case 3:
            return "ä" * random_source.randrange(200)
        case 4:
            return random_source.randbytes(random_source.randrange(100))
        case 5:
            return msgpack.ExtType(random_source.randrange(100), b"x")
        case 6 | 7:
            return [random_value(random_source, depth + 1) for _ in range(3)]
        case _:
            keys = ["type", "job", "name", "width", "frames", "pictures"]
            return {key: random_value(random_source, depth + 1) for key in keys[:3]}


def broken_frames(random_source):
    """A message that must be refused."""
    frames = good_frames(random_source)
    match random_source.randrange(7):
        case 0:
            return [random_source.randbytes(random_source.randrange(400)) for _ in range(2)]
        case 1:
            frames[0] = frames[0][: random_source.randrange(len(frames[0]))]
        case 2:
            frames[1] = frames[1][: random_source.randrange(len(frames[1]))]
        case 3:
            frames[1] += b"more"
        case 4:
            frames += [b"x"] * random_source.randint(1, 30)
        case 5:
            frames[0] = b"\x00" * (70 * 1024)
        case 6:
            names = ["type", "job", "pipeline", "pictures", "parameters", "lane", "jobs"]
            header = {name: random_value(random_source) for name in names}
            header["type"] = random_source.choice([*messages.FROM_HOST, header["type"], "x"])
            if header["type"] in ("ping", "status", "bye", "stop", "taken"):
                header["type"] = "submit"
            frames = [msgpack.packb(header)]
    return frames


class Noise:
    """A host with a good key and bad manners."""

    def __init__(self, connection):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.curve_serverkey = connection.server_key.encode()
        self.socket.curve_publickey = connection.client_public.encode()
        self.socket.curve_secretkey = connection.client_secret.encode()
        self.socket.connect(connection.endpoint)

    def refusals(self, count):
        """The codes of the next `count` refusals."""
        codes = []
        end = time.monotonic() + PATIENCE
        while len(codes) < count and time.monotonic() < end:
            if self.socket.poll(1000):
                frames = self.socket.recv_multipart()
                message = framing.decode(frames, messages.FROM_DAEMON).message
                if isinstance(message, messages.Failed):
                    codes.append(message.code)
        return codes

    def heard(self, seconds):
        """The codes of whatever is refused within some time."""
        codes = []
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.socket.poll(int(left * 1000) + 1):
                decoded = framing.decode(self.socket.recv_multipart(), messages.FROM_DAEMON)
                codes.append(getattr(decoded.message, "code", ""))
        return codes

    def hello(self):
        hello = messages.Hello(protocol=1, host="noise", version="", session="noise")
        self.socket.send_multipart(framing.encode(hello))


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    with Daemon(tmp_path_factory.mktemp("noise")) as running:
        yield running


@pytest.mark.parametrize("greeted", [True, False])
def test_every_broken_message_is_refused_by_name_and_the_broker_does_not_grow(daemon, greeted):
    source = random.Random(greeted)
    noise = Noise(daemon.connection)
    if greeted:
        noise.hello()
    process = psutil.Process(daemon.process.pid)
    before = 0
    for start in range(0, CASES, BURST):
        for _ in range(BURST):
            noise.socket.send_multipart(broken_frames(source))
        codes = noise.refusals(BURST)
        assert len(codes) == BURST
        assert set(codes) <= FIXES.keys()
        if start == CASES // 3 // BURST * BURST:
            before = process.memory_info().rss
    noise.socket.close()
    assert process.memory_info().rss - before < ALLOWED_GROWTH
    with daemon.client() as client:
        assert client.submit("echo", [sketch()]).wait(PATIENCE)["image"].data == sketch().data
        assert client.status().memory["frames"] == 0


def test_good_requests_that_do_not_fit_are_refused_and_forgotten_when_taken(daemon):
    source = random.Random(7)
    noise = Noise(daemon.connection)
    noise.hello()
    for _ in range(300):
        noise.socket.send_multipart(good_frames(source))
    assert set(noise.refusals(300)) == {"invalid_request", "unknown_pipeline"}
    noise.socket.send_multipart(framing.encode(messages.Bye()))
    noise.socket.close(linger=2000)
    with daemon.client() as client:
        assert client.wait_until(lambda: client.status().memory["kept"] == 0, PATIENCE)


def test_a_message_of_too_many_frames_is_refused(daemon):
    noise = Noise(daemon.connection)
    noise.hello()
    noise.socket.send_multipart([b"\x80"] * (framing.MAX_FRAMES + 100))
    assert noise.refusals(1) == ["too_large"]
    noise.socket.close()


def test_a_frame_beyond_the_memory_for_frames_ends_only_its_own_connection(tmp_path):
    with Daemon(tmp_path, frame_bytes=1 << 20) as daemon, daemon.client() as client:
        noise = Noise(daemon.connection)
        noise.hello()
        assert noise.socket.poll(int(PATIENCE * 1000))
        process = psutil.Process(daemon.process.pid)
        before = process.memory_info().rss
        noise.socket.send_multipart([b"\x80", bytes(100 << 20)])
        assert client.submit("echo", [sketch()]).wait(PATIENCE)
        assert "too_large" not in noise.heard(1.0)
        noise.socket.close()
        assert process.memory_info().rss - before < ALLOWED_GROWTH


def test_a_message_of_more_bytes_than_the_memory_for_frames_is_refused(tmp_path):
    with Daemon(tmp_path, frame_bytes=1 << 20) as daemon:
        noise = Noise(daemon.connection)
        noise.hello()
        header = msgpack.packb({"type": "submit", "job": "large"})
        noise.socket.send_multipart([header, *[bytes(1 << 19)] * 3])
        assert noise.refusals(1) == ["too_large"]
        noise.socket.close()
