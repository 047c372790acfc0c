"""How fast is the way to the daemon and back? `python benchmarks/daemon.py`, one table.

The round trip of a 2048 × 2048 RGBA layer through the `echo` pipeline is compared with a plain
ZeroMQ echo of the same bytes: a DEALER and a ROUTER in two processes over loopback TCP, without
encryption, broker or worker. Both are measured in turns, so that whatever else the machine does
falls on both.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe

import zmq

from own_daemon import own_daemon
from s2i_client.blocking import BlockingClient
from s2i_client.errors import JobCancelled
from s2i_client.pixels import Picture

SIDE = 2048
SPAWN = multiprocessing.get_context("spawn")


def plain_echo(pipe: Pipe) -> None:
    """The other end of the plain echo, a process of its own."""
    socket = zmq.Context.instance().socket(zmq.ROUTER)
    pipe.send(socket.bind_to_random_port("tcp://127.0.0.1"))
    while True:
        frames = socket.recv_multipart(copy=False)
        if not frames[-1].bytes:
            return
        socket.send_multipart(frames, copy=False)


def seconds(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def cancel_latency(client: BlockingClient, picture: Picture) -> float:
    """From `cancel()` to the answer that the job has stopped."""
    job = client.submit("echo", [picture], {"seconds": 30.0})
    client.wait_until(lambda: job.fraction > 0)

    def cancel() -> None:
        job.cancel()
        try:
            job.wait()
        except JobCancelled:
            return
        raise AssertionError("the job was not cancelled")

    return seconds(cancel)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    data = os.urandom(SIDE * SIDE * 4)
    picture = Picture(name="sketch", width=SIDE, height=SIDE, data=data)
    small = Picture(name="sketch", width=512, height=512, data=data[: 512 * 512 * 4])
    here, there = SPAWN.Pipe()
    echo_process = SPAWN.Process(target=plain_echo, args=(there,), daemon=True)
    echo_process.start()
    plain = zmq.Context.instance().socket(zmq.DEALER)
    plain.connect(f"tcp://127.0.0.1:{here.recv()}")

    def plain_round() -> None:
        plain.send_multipart([b"header", data], copy=False)
        assert len(plain.recv_multipart(copy=False)[1].buffer) == len(data)

    with own_daemon() as (folder, ready), BlockingClient("benchmark", folder=folder) as client:

        def daemon_round() -> None:
            result = client.submit("echo", [picture]).wait()
            assert len(result["image"].data) == len(data)

        for _ in range(3):
            plain_round()
            daemon_round()
        pairs = [(seconds(plain_round), seconds(daemon_round)) for _ in range(rounds)]
        cancels = [cancel_latency(client, small) for _ in range(5)]
        client.shutdown()
    plain.send(b"")
    echo_process.join()
    plain_ms, daemon_ms = (statistics.median(times) * 1000 for times in zip(*pairs, strict=True))
    rows = [
        ("plain ZeroMQ echo, 2048 × 2048 RGBA", f"{plain_ms:.1f} ms"),
        ("daemon echo, 2048 × 2048 RGBA", f"{daemon_ms:.1f} ms"),
        ("ratio of the medians", f"{daemon_ms / plain_ms:.2f}"),
        ("broker ready, from the start of its process", f"{ready * 1000:.0f} ms"),
        ("cancel, 512 × 512, median", f"{statistics.median(cancels) * 1000:.0f} ms"),
        ("cancel, 512 × 512, longest", f"{max(cancels) * 1000:.0f} ms"),
    ]
    print(f"| what (median of {rounds}) | measured |")
    print("|---|---|")
    for what, measured in rows:
        print(f"| {what} | {measured} |")


if __name__ == "__main__":
    main()
