"""How long does the client hold its caller's thread? `python benchmarks/client.py`, one table.

A host calls the client from its window's thread. One 4096 × 4096 RGBA layer goes to Auto-painter,
three layers of that size come back, and every call in between is timed.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from own_daemon import own_daemon
from s2i_client.client import Client, ClientState
from s2i_client.jobs import Job, Result
from s2i_client.pixels import Picture

DRAWING = Path(__file__).parents[1] / "docs" / "demo" / "drawings" / "fairy.png"
OUTPUTS = ("flats", "shade", "lines")
TICK_SECONDS = 0.016


class Times:
    """How long the calls of each kind took, in ms."""

    def __init__(self) -> None:
        self.by_kind: dict[str, list[float]] = defaultdict(list)

    def of(self, kind: str, call: Callable[[], Any]) -> Any:
        begin = time.perf_counter()
        made = call()
        self.add(kind, time.perf_counter() - begin)
        return made

    def add(self, kind: str, seconds: float) -> None:
        self.by_kind[kind].append(seconds * 1000)


def poll(client: Client, times: Times, job: Job) -> None:
    """Poll as a host's timer does, until the job has ended."""
    while not job.ended:
        begin = time.perf_counter()
        client.poll()
        took = time.perf_counter() - begin
        times.add("poll that receives the result" if job.ended else "any other poll", took)
        time.sleep(TICK_SECONDS)


def one_round(client: Client, times: Times, data: bytes, side: int) -> None:
    picture = times.of(
        "Picture(…)", lambda: Picture(name="sketch", width=side, height=side, data=data)
    )
    job = times.of(
        "submit",
        lambda: client.submit("auto_painter", [picture], {"quality": "fast"}, outputs=OUTPUTS),
    )
    poll(client, times, job)
    take(job.outcome(), times)

    def let_go() -> None:
        job.result = None

    times.of("letting go of the result", let_go)


def take(result: Result, times: Times) -> None:
    """The bytes of all layers, in both ways that there are."""
    for index, name in enumerate(result.names):
        for piece in result.pieces(index):
            times.of("bytes of a piece", lambda piece=piece: bytes(piece))
        times.of(f"join of {name}", lambda name=name: result[name])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", type=int, default=4096)
    options = parser.parse_args()
    drawing = cv2.imread(str(DRAWING), cv2.IMREAD_GRAYSCALE)
    assert drawing is not None
    drawing = cv2.resize(drawing, (options.side, options.side), interpolation=cv2.INTER_CUBIC)
    data = np.ascontiguousarray(cv2.cvtColor(drawing, cv2.COLOR_GRAY2RGBA)).tobytes()
    times = Times()
    with own_daemon() as (folder, _seconds):
        client = Client("benchmark", folder=folder)
        while client.state is not ClientState.ready:
            client.poll()
            time.sleep(TICK_SECONDS)
        gc.collect()
        for _ in range(options.rounds):
            one_round(client, times, data, options.side)
        client.stop_daemon()
        client.close()
    print(
        f"{options.side} × {options.side} RGBA, {len(OUTPUTS)} layers back, {options.rounds} rounds"
    )
    print("| call | median, ms | longest, ms |\n|---|---|---|")
    for kind, taken in times.by_kind.items():
        print(f"| {kind} | {statistics.median(taken):.1f} | {max(taken):.1f} |")


if __name__ == "__main__":
    main()
