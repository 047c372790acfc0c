"""How fast and how well are pictures prepared for PI-REC?

    python benchmarks/prepare.py colors        # K-means: OpenCV's against scikit-learn's
    python benchmarks/prepare.py canvas        # the two pipelines on large pictures
    python benchmarks/prepare.py training      # preparing items of training data
    python benchmarks/prepare.py edges         # the edges against scikit-image's, which is needed

All times are of one thread's processor time, so that other work beside does not count. Pictures are
drawn at random, always the same ones, from built sets (`s2i-train data build`).
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans
from threadpoolctl import threadpool_limits

from s2i_models import catalog
from s2i_models.color_domain.domain import main_colors, median
from s2i_models.edges_from_image.canny import canny
from s2i_training.data.edges_and_colors import SIDE, Preparation
from s2i_training.data.manifest import read_manifest
from s2i_training.data.packed import PackedPictures
from s2i_training.free_form_masks import free_form_mask

SIGMAS = (2.5, 3.5, 4.4, 5.4)
# The best of so many K-means over all pixels is what others are compared with.
BEST_OF = 20

Centers = Callable[[np.ndarray, int], np.ndarray]


def opencv(attempts: int) -> Centers:
    """K-means over all pixels, as the paper's code has it with 8 attempts."""

    def centers(pixels: np.ndarray, count: int) -> np.ndarray:
        cv2.setRNGSeed(1)
        how = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 10, 1.0)
        samples = pixels.astype(np.float32)
        return cv2.kmeans(samples, count, None, how, attempts, cv2.KMEANS_PP_CENTERS)[2]  # type: ignore[arg-type]

    return centers


def learned(kind: type[KMeans] | type[MiniBatchKMeans], starts: int) -> Centers:
    """K-means over all pixels by scikit-learn."""

    def centers(pixels: np.ndarray, count: int) -> np.ndarray:
        means = kind(count, n_init=starts, random_state=0)  # type: ignore[arg-type]
        return np.asarray(means.fit(pixels.astype(np.float32)).cluster_centers_)

    return centers


METHODS: dict[str, Centers] = {
    "ours (OpenCV on a sample)": main_colors,
    "OpenCV, 8 attempts": opencv(8),
    "scikit-learn KMeans, 1 start": learned(KMeans, 1),
    "scikit-learn KMeans, 3 starts": learned(KMeans, 3),
    "scikit-learn MiniBatchKMeans, 3 starts": learned(MiniBatchKMeans, 3),
}


@dataclass
class Clock:
    """Processor seconds of this thread, summed over calls."""

    seconds: float = 0.0

    def __enter__(self) -> None:
        self.seconds -= time.thread_time()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.thread_time()


def pictures(root: Path, count: int, side: int) -> Iterator[np.ndarray]:
    """Pictures of a built set over white: uint8 (side, side, 3) RGB."""
    items = read_manifest(root)
    packed = PackedPictures(root)
    for row in np.random.default_rng(0).choice(len(items), count, replace=False):
        color = packed.read(items[row])[0][..., 2::-1]
        yield cv2.resize(color, (side, side), interpolation=cv2.INTER_AREA)


def distance(pixels: np.ndarray, centers: np.ndarray) -> float:
    """Of pixels to their nearest center, root of the mean square, of 255."""
    apart = pixels[:, None].astype(np.float32) - centers.astype(np.float32)
    return float(np.sqrt(np.square(apart).sum(axis=2).min(axis=1).mean()))


def colors(roots: Sequence[Path], count: int) -> None:
    print("| colors | method | ms | distance over the best, mean | most |")
    print("|---|---|---|---|---|")
    for wanted, kernel in ((3, 25), (24, 9)):
        clocks = {method: Clock() for method in METHODS}
        over: dict[str, list[float]] = {method: [] for method in METHODS}
        for root in roots:
            for picture in pictures(root, count, SIDE):
                pixels = median(picture, kernel).reshape(-1, 3)
                fewer = min(wanted, len(np.unique(pixels, axis=0)))
                best = distance(pixels, opencv(BEST_OF)(pixels, fewer))
                for method, centers in METHODS.items():
                    with clocks[method]:
                        found = centers(pixels, fewer)
                    over[method].append(distance(pixels, found) - best)
        for method, values in over.items():
            each = 1000 * clocks[method].seconds / len(values)
            print(f"| {wanted} | {method} | {each:.1f} | {np.mean(values):.2f} ", end="")
            print(f"| {np.max(values):.2f} |")


def canvas(roots: Sequence[Path], count: int) -> None:
    names = ("edges_from_image", "color_domain")
    print("| side | " + " | ".join(f"{name}, s" for name in names) + " |")
    print("|---|---|---|")
    for side in (512, 2048, 4096):
        row = []
        for name in names:
            pipeline, clock = catalog.load(name), Clock()
            for root in roots:
                for picture in pictures(root, count, 384):
                    large = cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)
                    with clock:
                        pipeline(sketch=large)
            row.append(f"{clock.seconds / count / len(roots):.2f}")
        print(f"| {side} | " + " | ".join(row) + " |")


def training(roots: Sequence[Path], count: int) -> None:
    print("| what | ms |")
    print("|---|---|")
    clocks = {what: Clock() for what in ("edges", "color domain", "mask")}
    rng = np.random.default_rng(0)
    for root in roots:
        for picture in pictures(root, count, SIDE):
            how = Preparation.confused(rng)
            with clocks["edges"]:
                how.edges(picture)
            with clocks["color domain"]:
                how.domain(picture)
            with clocks["mask"]:
                free_form_mask(SIDE, SIDE, rng)
    items = count * len(roots)
    for what, clock in clocks.items():
        print(f"| {what} | {1000 * clock.seconds / items:.2f} |")
    whole = sum(clock.seconds for clock in clocks.values())
    print(f"\n{items / whole:.0f} items a second and core at {SIDE} px")


def edges(roots: Sequence[Path], count: int) -> None:
    from skimage.color import rgb2gray  # type: ignore[import-not-found]
    from skimage.feature import canny as theirs  # type: ignore[import-not-found]

    print("| set | side | edge pixels | the same | within 1 px | ms, ours | ms, scikit-image |")
    print("|---|---|---|---|---|---|---|")
    around = np.ones((3, 3), np.uint8)
    for root in roots:
        for side in (128, 256):
            our_clock, their_clock = Clock(), Clock()
            total = same = near = other_near = found = 0
            for picture in pictures(root, count, side):
                for sigma in SIGMAS:
                    with our_clock:
                        one = canny(picture, sigma)
                    with their_clock:
                        other = theirs(rgb2gray(picture), sigma)
                    total, found = total + int(other.sum()), found + int(one.sum())
                    same += int((one & other).sum())
                    near += int((one & (cv2.dilate(other.view(np.uint8), around) > 0)).sum())
                    other_near += int((other & (cv2.dilate(one.view(np.uint8), around) > 0)).sum())
            each = 1000 / count / len(SIGMAS)
            within = min(near / found, other_near / total)
            print(f"| {root.name} | {side} | {total} | {same / total:.2%} | {within:.2%} ", end="")
            print(f"| {each * our_clock.seconds:.2f} | {each * their_clock.seconds:.2f} |")


MEASUREMENTS = {"colors": colors, "canvas": canvas, "training": training, "edges": edges}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=MEASUREMENTS)
    parser.add_argument(
        "--data", type=Path, nargs="+", default=[Path("data/lineart"), Path("data/faces")]
    )
    parser.add_argument("--pictures", type=int, default=12, help="so many of each set")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    # Drawings may have fewer colors than are asked for, of which scikit-learn warns.
    warnings.filterwarnings("ignore", module="sklearn")
    with threadpool_limits(1):
        MEASUREMENTS[arguments.what](arguments.data, arguments.pictures)


if __name__ == "__main__":
    main()
