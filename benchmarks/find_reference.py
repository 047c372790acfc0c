"""How fast is a folder of pictures indexed, and how fast is it searched then? One table.

`python benchmarks/find_reference.py` makes the pictures, half PNG and half JPEG, in a folder of its
own, where the index is too, and runs the pipeline in this process. An answer is everything from the
request to the layers: looking for changes in the folder, the network on what is looked for, its
neighbors, and the pictures that were found, read from their files.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from s2i_models import load
from s2i_models.find_reference.index import index_path
from s2i_models.pipeline import Pipeline, Request

PER_FOLDER = 500


def picture(number: int, side: int) -> np.ndarray:
    """Some colored shapes, RGB uint8 (3/4 side, side, 3), another picture for each number."""
    rng = np.random.default_rng(number)
    height = side * 3 // 4
    shown = np.full((height, side, 3), 255, np.uint8)
    for _ in range(int(rng.integers(3, 12))):
        color = [int(value) for value in rng.integers(0, 256, 3)]
        x, y = int(rng.integers(0, side)), int(rng.integers(0, height))
        across, down = (int(length) for length in rng.integers(side // 20, side // 4, 2))
        turn = float(rng.uniform(0, 180))
        cv2.ellipse(shown, (x, y), (across, down), turn, 0, 360, color, -1, cv2.LINE_AA)
    grain = rng.integers(-6, 7, (height, side, 1), np.int8)
    return np.clip(shown.astype(np.int16) + grain, 0, 255).astype(np.uint8)


def make_folder(folder: Path, count: int, side: int) -> None:
    for number in range(count):
        inner = folder / f"{number // PER_FOLDER:03}"
        inner.mkdir(parents=True, exist_ok=True)
        suffix = ".png" if number % 2 else ".jpg"
        cv2.imwrite(str(inner / f"{number:05}{suffix}"), picture(number, side)[..., ::-1])


def sketch(number: int) -> np.ndarray:
    """The outlines of a picture: RGB uint8, black on white."""
    edges = cv2.Canny(cv2.GaussianBlur(picture(number, 512), (0, 0), 2), 60, 120)
    return np.repeat(255 - cv2.dilate(edges, np.ones((3, 3)))[..., None], 3, axis=2)


def search(finder: Pipeline, folder: Path, images: dict[str, np.ndarray]) -> dict[str, float]:
    """Seconds of one search by phase, and in all."""
    parameters, outputs = finder.declaration.check(images, {"folder": str(folder)})
    request = Request(images, parameters, outputs)
    begin = time.perf_counter()
    layers = finder.run(request)
    assert layers
    return {**request.timing, "all": time.perf_counter() - begin}


def milliseconds(seconds: list[float]) -> str:
    return f"{np.median(seconds) * 1000:.0f} ms | {np.percentile(seconds, 95) * 1000:.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="pictures in the folder")
    parser.add_argument("--side", type=int, default=800, help="their width, px")
    parser.add_argument("--rounds", type=int, default=40, help="searches of each kind")
    parser.add_argument("--weights", type=Path, help="other weights than the shipped ones")
    options = parser.parse_args()
    finder = load("find_reference", weights=options.weights)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "pictures"
        os.environ["S2I_INDEX_DIR"] = str(Path(name) / "index")
        make_folder(folder, options.count, options.side)
        first = search(finder, folder, {"picture": picture(0, options.side)})["folder"]
        size = index_path(folder).stat().st_size
        kinds = {
            "a sketch": lambda number: {"sketch": sketch(number)},
            "a picture": lambda number: {"picture": picture(number, options.side)},
            "both": lambda number: {
                "sketch": sketch(number),
                "picture": picture(number, options.side),
            },
        }
        answers = {
            kind: [search(finder, folder, given(number)) for number in range(options.rounds)]
            for kind, given in kinds.items()
        }
        again = load("find_reference", weights=options.weights)
        started = search(again, folder, {"picture": picture(0, options.side)})["all"]
    threads = torch.get_num_threads()
    print(
        f"| what ({options.count:,} pictures of {options.side} px, {threads} threads) | measured |"
    )
    print("|---|---|")
    print(f"| first look at all pictures | {first:.1f} s |")
    print(f"| – pictures a second | {options.count / first:.1f} |")
    print(f"| – the index, for each picture | {size / options.count:.0f} bytes |")
    print(f"| first answer of a new process, indexed before | {started * 1000:.0f} ms |")
    print("\n| answer to (12 results) | median | 95th percentile |")
    print("|---|---|---|")
    for kind, runs in answers.items():
        print(f"| {kind} | {milliseconds([run['all'] for run in runs])} |")
        for phase in ("folder", "network", "neighbors", "results"):
            print(f"| – {phase} | {milliseconds([run[phase] for run in runs])} |")


if __name__ == "__main__":
    main()
