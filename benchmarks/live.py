"""How long after a stroke is its preview there? `python benchmarks/live.py`, one table.

An artist places color hints on an unchanged sketch of 1024 × 1024, as in Krita: BGRA, 8 bits,
`quality` fast, only the layer `color` back. Each round has a new stroke and is a live job through
a daemon. The host's own part, reading pixels and showing the layer, is not in it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import cv2
import numpy as np

from own_daemon import own_daemon
from s2i_client.blocking import BlockingClient
from s2i_client.pixels import Picture

DEMO = Path(__file__).parents[1] / "docs" / "demo"


def load(folder: str, side: int) -> np.ndarray:
    """A picture of the demo as BGRA, (side, side, 4)."""
    pixels = cv2.imread(str(DEMO / folder / "fairy.png"), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    if pixels.ndim == 2:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGRA)
    if pixels.shape[2] == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2BGRA)
    return cv2.resize(pixels, (side, side), interpolation=cv2.INTER_NEAREST)


def picture(name: str, pixels: np.ndarray) -> Picture:
    height, width = pixels.shape[:2]
    return Picture(name=name, width=width, height=height, order="bgra", data=pixels.tobytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--side", type=int, default=1024)
    options = parser.parse_args()
    sketch = picture("sketch", load("drawings", options.side))
    hints = load("hints", options.side)
    rows: dict[str, list[float]] = {"stroke to preview": [], "run": [], "network": [], "rest": []}
    with (
        own_daemon() as (folder, _seconds),
        BlockingClient("benchmark", folder=folder) as client,
    ):
        for number in range(options.rounds + 3):
            x = 20 + 20 * number % (options.side - 40)
            cv2.circle(hints, (x, 40), 6, (40, number % 256, 200, 255), -1)
            images = [sketch, picture("hints", hints)]
            begin = time.perf_counter()
            result = client.submit(
                "auto_painter", images, {"quality": "fast"},
                outputs=["color"], lane="live", document="benchmark",
            ).wait()  # fmt: skip
            assert result["color"].byte_count == options.side**2 * 4
            total = time.perf_counter() - begin
            if number < 3:  # the first ones load the network and find the regions
                continue
            network = result.timing["network"]
            taken = (total, result.timing["run"], network, total - network)
            for row, seconds in zip(rows.values(), taken, strict=True):
                row.append(seconds * 1000)
        client.shutdown()
    print(f"{options.side} × {options.side}, {options.rounds} strokes")
    print("| what | median, ms | least, ms |\n|---|---|---|")
    for kind, taken in rows.items():
        print(f"| {kind} | {statistics.median(taken):.0f} | {min(taken):.0f} |")


if __name__ == "__main__":
    main()
