"""How fast is a drawing colored, and how much of that is the network? One table.

`python benchmarks/colorize.py` runs Auto-painter in this process. The network alone is measured in
turns with whole jobs, on the very pictures that the jobs gave it, so that whatever else the
machine does falls on both. The peak of memory is the process's, with torch and the weights.

`python benchmarks/colorize.py reference_colorization` colors after a reference, of which half is
not used, so that the network has the most to do. It goes through canvases from small to large.

`python benchmarks/colorize.py pi_rec` paints edges and blobs of color, with detail
as large as the canvas.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from s2i_models import load
from s2i_models.auto_painter.pipeline import PipelineImpl
from s2i_models.pipeline import Cancelled, Pipeline, Progress, Request

SIDE, LARGE_SIDE = 512, 4096
Row = tuple[str, str]


def drawing(side: int) -> np.ndarray:
    """A figure of closed and open outlines with a hundred small regions, RGB, black on white."""
    picture = np.full((side, side, 3), 255, np.uint8)
    line = max(1, side // 200)

    def at(x: float, y: float) -> tuple[int, int]:
        return round(x * side), round(y * side)

    cv2.ellipse(picture, at(0.5, 0.3), at(0.2, 0.22), 0, 0, 350, (0, 0, 0), line, cv2.LINE_AA)
    cv2.ellipse(picture, at(0.5, 0.7), at(0.3, 0.2), 0, 0, 360, (0, 0, 0), line, cv2.LINE_AA)
    for x in (0.42, 0.58):
        cv2.circle(picture, at(x, 0.28), side // 25, (0, 0, 0), line, cv2.LINE_AA)
    for row in range(10):
        for column in range(10):
            corner = at(0.35 + 0.03 * column, 0.58 + 0.024 * row)
            cv2.circle(picture, corner, side // 90, (0, 0, 0), line, cv2.LINE_AA)
    return picture


def hints_for(side: int) -> np.ndarray:
    """Two dabs of color on the figure."""
    layer = np.zeros((side, side, 4), np.uint8)
    cv2.circle(layer, (side // 2, side // 5), side // 60, (230, 180, 150, 255), -1)
    cv2.circle(layer, (side * 3 // 10, side * 7 // 10), side // 60, (40, 90, 200, 255), -1)
    return layer


def reference(side: int = 1024) -> np.ndarray:
    """The same figure in two colors, one half of it transparent, RGBA."""
    picture = np.dstack([drawing(side), np.full((side, side), 255, np.uint8)])
    for row, color in ((0.3, (230, 180, 150)), (0.7, (40, 90, 200))):
        cv2.circle(picture, (side // 2, round(row * side)), side // 6, (*color, 255), -1)
    picture[:, : side // 2, 3] = 0
    return picture


def seconds(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


class Job:
    """One drawing, colored again and again at one quality."""

    def __init__(self, painter: PipelineImpl, side: int, quality: str):
        self.painter = painter
        self.images = {"sketch": drawing(side), "hints": hints_for(side)}
        self.settings, self.outputs = painter.declaration.check(self.images, {"quality": quality})

    def run(self, progress: Progress | None = None) -> None:
        progress = progress or Progress()
        self.painter.run(Request(self.images, self.settings, self.outputs, progress=progress))

    def network_inputs(self) -> list[tuple[torch.Tensor, ...]]:
        """What the network is given in one run of the job."""
        given = []
        hook = self.painter.network.register_forward_pre_hook(
            lambda _network, inputs: given.append(tuple(i.clone() for i in inputs))
        )
        self.run()
        hook.remove()
        return given


class Clock(Progress):
    """Notes when steps begin: a job that is cancelled stops at the next one."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def step(self, fraction: float, name: str, preview: np.ndarray | None = None) -> None:
        self.times.append(time.perf_counter())


class CancelAt(Progress):
    """A job's line on which the cancel comes `after` seconds, at `due`."""

    def __init__(self, after: float):
        self.due = time.perf_counter() + after

    def step(self, fraction: float, name: str, preview: np.ndarray | None = None) -> None:
        if time.perf_counter() >= self.due:
            raise Cancelled


def cancel_latency(job: Job, after: float) -> float:
    """From the moment of the cancel, `after` seconds into the job, until the job has stopped."""
    progress = CancelAt(after)
    with contextlib.suppress(Cancelled):
        job.run(progress)
    return max(0.0, time.perf_counter() - progress.due)  # 0 where it had ended already


def peak_memory_gb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    systems = {
        "auto_painter": auto_painter,
        "reference_colorization": reference_colorization,
        "pi_rec": pi_rec,
    }
    parser.add_argument("system", nargs="?", choices=tuple(systems), default="auto_painter")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--weights", type=Path, help="other weights than the shipped ones")
    parser.add_argument("--side", type=int, default=LARGE_SIDE, help="of the large drawing, px")
    options = parser.parse_args()
    painter = load(options.system, weights=options.weights)
    rows = systems[options.system](painter, options.rounds, options.side)
    print(f"| what (median of {options.rounds}, {torch.get_num_threads()} threads) | measured |")
    print("|---|---|")
    for what, measured in rows:
        print(f"| {what} | {measured} |")


def auto_painter(painter: Pipeline, rounds: int, side: int) -> list[Row]:
    assert isinstance(painter, PipelineImpl)
    rows: list[Row] = []
    for quality in ("fast", "best"):
        job = Job(painter, SIDE, quality)
        inputs = job.network_inputs()

        def network_alone(inputs: list[tuple[torch.Tensor, ...]] = inputs) -> None:
            with torch.inference_mode():
                for given in inputs:
                    painter.network(*given)

        network_alone()
        pairs = [(seconds(job.run), seconds(network_alone)) for _ in range(rounds)]
        whole, alone = (statistics.median(times) for times in zip(*pairs, strict=True))
        looks = f"{len(inputs)} look" + "s" * (len(inputs) > 1)
        rows += [
            (f"{SIDE} × {SIDE}, {quality}, {looks}", f"{whole * 1000:.0f} ms"),
            ("– the network alone, on the same input", f"{alone * 1000:.0f} ms"),
            ("– the network's share", f"{alone / whole:.0%}"),
        ]
    job = Job(painter, SIDE, "best")
    clock = Clock()
    whole = seconds(lambda: job.run(clock))
    longest = max(np.diff([*clock.times, time.perf_counter()]))
    cancels = [cancel_latency(job, whole * share) for share in np.linspace(0.05, 0.95, 10)]
    rows += [
        (f"cancel, {SIDE} × {SIDE}, median of 10 moments", f"{np.median(cancels) * 1000:.0f} ms"),
        (f"cancel, {SIDE} × {SIDE}, longest", f"{max(cancels) * 1000:.0f} ms"),
        ("– longest piece of work between two steps", f"{longest * 1000:.0f} ms"),
    ]
    small_peak = peak_memory_gb()
    large = Job(painter, side, "best")
    took = statistics.median(seconds(large.run) for _ in range(min(3, rounds)))
    rows += [
        (f"{side} × {side}, best", f"{took:.2f} s"),
        ("– peak memory of the process", f"{peak_memory_gb():.2f} GB"),
        (f"– of which already at {SIDE} × {SIDE}", f"{small_peak:.2f} GB"),
    ]
    return rows


def reference_colorization(painter: Pipeline, rounds: int, side: int) -> list[Row]:
    def job(own_side: int, quality: str, memory: dict | None = None) -> tuple[float, float]:
        """Seconds of a whole job, and of the network in it."""
        images = {"sketch": drawing(own_side), "reference": reference()}
        images["hints"] = hints_for(own_side)
        settings, outputs = painter.declaration.check(images, {"quality": quality})
        request = Request(images, settings, outputs, memory={} if memory is None else memory)
        return seconds(lambda: painter.run(request)), request.timing["network"]

    rows: list[Row] = [("memory of the process before", f"{peak_memory_gb():.2f} GB")]
    job(SIDE, "fast")
    for quality in ("fast", "best"):
        memory = {}
        job(SIDE, quality, memory)
        pairs = [(job(SIDE, quality), job(SIDE, quality, memory)) for _ in range(rounds)]
        new = [statistics.median(times) for times in zip(*(one for one, _ in pairs), strict=True)]
        known = statistics.median(again[0] for _, again in pairs)
        rows += [
            (f"{SIDE} × {SIDE}, {quality}, nothing known yet", f"{new[0] * 1000:.0f} ms"),
            ("– of which the network", f"{new[1] * 1000:.0f} ms"),
            ("– reference and sketch known, as with a new hint", f"{known * 1000:.0f} ms"),
        ]
    rows.append((f"{SIDE} × {SIDE}, peak memory of the process", f"{peak_memory_gb():.2f} GB"))
    own_side = SIDE
    while own_side < side:
        own_side = min(side, 2 * own_side)
        took = statistics.median(job(own_side, "best")[0] for _ in range(min(3, rounds)))
        rows += [
            (f"{own_side} × {own_side}, best", f"{took:.2f} s"),
            ("– peak memory of the process", f"{peak_memory_gb():.2f} GB"),
        ]
    return rows


def pi_rec(painter: Pipeline, rounds: int, side: int) -> list[Row]:
    rows: list[Row] = [("memory of the process before", f"{peak_memory_gb():.2f} GB")]
    own_side = SIDE
    while own_side <= side:
        images = {"sketch": drawing(own_side), "colors": hints_for(own_side)}
        settings, outputs = painter.declaration.check(images, {"detail": "canvas"})
        times, processor, network = [], [], []
        for _ in range(rounds if own_side <= 1024 else 1):
            request = Request(images, settings, outputs)
            begin = time.process_time()
            times.append(seconds(lambda request=request: painter.run(request)))
            processor.append(time.process_time() - begin)
            network.append(request.timing["network"])
        rows += [
            (f"{own_side} × {own_side}, detail as large", f"{statistics.median(times):.2f} s"),
            ("– of which the networks", f"{statistics.median(network):.2f} s"),
            ("– seconds of all processors together", f"{statistics.median(processor):.2f} s"),
            ("– peak memory of the process", f"{peak_memory_gb():.2f} GB"),
        ]
        own_side *= 2
    return rows


if __name__ == "__main__":
    main()
