"""How well are flat regions found when the lines have gaps?

Drawings are OpenMoji's, whose SVG have the colors and the ink lines in separate layers; first those
of subjects that no network is trained on, and one of each set that differs in skin tone only. True
regions are the areas of one color in the color layer alone, drawn without anti-aliasing, limited
to pixels that the lines do not cover; the bare paper around is an area too. Areas with no line
between them (a shadow, a cheek, a shirt that is open at the bottom edge, water under an open
wave) are one true region, because no method that sees only lines can know their border: two areas
are joined where they touch in an opening of more than `OPENING` px; natural gaps up to that stay
in the test. Then gaps are cut across the lines at random places, and the regions found are
compared with the true ones.

Every method has the same settings at every gap, as an artist would have: none is told the gap.

    python benchmarks/flats_gaps.py [--drawings N] [--json OUT]
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from resvg_py import svg_to_bytes
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from s2i_models.flats.regions import segment
from s2i_models.flats.thinning import thin
from s2i_models.lineart import ink_distance, stroke_width
from s2i_training.baselines import trapped_ball
from s2i_training.data.manifest import split_of
from s2i_training.data.packages import PACKAGE_FOLDER
from s2i_training.data.published import fetch
from s2i_training.data.sources import SOURCES

SIZE = 1024
GAPS = (0, 3, 6, 10)
CUTS = 8
# Wider openings between lines (just over the widest gap) are not gaps: what lies on both sides of
# one is one true region.
OPENING = 12
BALL = 6  # the smallest whose diameter is over the widest gap
SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Drawing:
    name: str
    ink: np.ndarray  # bool
    truth: np.ndarray  # int32, 0 under ink; bare paper has regions too
    measured: np.ndarray  # bool, painted and not ink


@dataclass(frozen=True)
class Score:
    """How well one method did: the adjusted Rand index, found regions per true one, true regions
    per found one, and the seconds it took."""

    drawing: str
    gap: int
    method: str
    ari: float
    per_true: float
    per_found: float
    seconds: float


def layers(svg: str) -> tuple[str, str]:
    """The color layers and the line layers of an OpenMoji drawing, each as an SVG."""
    parts = []
    for keep_lines in (False, True):
        root = ET.fromstring(svg)
        for group in list(root):
            is_line = group.get("id", "").startswith("line")
            if group.tag == SVG + "g" and is_line != keep_lines:
                root.remove(group)
        if not keep_lines:
            root.set("shape-rendering", "crispEdges")
        parts.append(ET.tostring(root, encoding="unicode"))
    return parts[0], parts[1]


def render(svg: str) -> np.ndarray:
    data = bytes(svg_to_bytes(svg_string=svg, width=SIZE, height=SIZE))
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))


def read(name: str, svg: str) -> Drawing | None:
    """The drawing, or None where it has no lines or fewer than two true regions."""
    color_svg, line_svg = layers(svg)
    color, line = render(color_svg), render(line_svg)
    ink = line[..., 3] > 127
    painted = color[..., 3] > 127
    if not ink.any() or not painted.any():
        return None
    codes = (color.astype(np.int64) @ [1, 256, 65536, 0]) + 1
    codes[~painted] = 0
    values = np.unique(codes, return_inverse=True)[1].reshape(codes.shape)
    truth = join_bare(color_areas(values, ~ink), ink)
    # Paint shows a pixel wide beside most lines: bare paper is no region to find for that.
    to_ink = cv2.distanceTransform((~ink).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    sizes = np.bincount(truth[painted & (to_ink > 2)])
    if (sizes >= 64).sum() < 2:
        return None
    return Drawing(name, ink, truth, painted & ~ink)


def color_areas(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Connected areas of one value: int32, 0 outside `where`."""
    result = np.zeros(values.shape, np.int32)
    total = 0
    for value in np.unique(values[where]):
        count, part = cv2.connectedComponents(
            ((values == value) & where).view(np.uint8), connectivity=4
        )
        result[part > 0] = part[part > 0] + total
        total += count - 1
    return result


def join_bare(pieces: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """Join pieces that touch in an opening between lines that is wider than `OPENING` px.

    The width of an opening is twice the distance to the ink in its middle.
    """
    to_ink = cv2.distanceTransform((~ink).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    found = []
    for a, b in (
        ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
        ((slice(1, None), slice(None)), (slice(None, -1), slice(None))),
    ):
        touch = (pieces[a] != pieces[b]) & (pieces[a] > 0) & (pieces[b] > 0)
        touch &= np.maximum(to_ink[a], to_ink[b]) > OPENING / 2
        found.append(np.stack([pieces[a][touch], pieces[b][touch]]))
    pairs = np.unique(np.concatenate(found, axis=1), axis=1)
    count = int(pieces.max()) + 1
    graph = coo_array((np.ones(pairs.shape[1], bool), tuple(pairs)), shape=(count, count))
    joined = connected_components(graph, directed=False)[1].astype(np.int32)
    return (joined - joined[0])[pieces]  # 0 under ink stays 0


def cut(ink: np.ndarray, gap: int, seed: int) -> np.ndarray:
    """`ink` with `CUTS` gaps of `gap` px cut across its strokes at random places."""
    if gap == 0:
        return ink
    rng = np.random.default_rng(seed)
    mask = ink.view(np.uint8) * 255
    width = stroke_width(mask)
    middle = thin(mask, int(width) + 3) > 0
    distance = ink_distance(mask)
    # Strokes only: solid areas and their rims have no gaps.
    points = np.argwhere(middle & (distance <= 0.75 * width + 1))
    result = ink.copy()
    for y, x in points[rng.permutation(len(points))[:CUTS]]:
        reach = int(2 * width) + 4
        near = points[(np.abs(points - (y, x)) <= width + 2).all(axis=1)] - (y, x)
        _, _, axes = np.linalg.svd(near - near.mean(axis=0), full_matrices=False)
        along = axes[0] if len(near) > 2 else np.array([0.0, 1.0])
        top, left = max(0, y - reach), max(0, x - reach)
        part = result[top : y + reach + 1, left : x + reach + 1]
        rows, columns = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]]
        u = (rows - y) * along[0] + (columns - x) * along[1]
        v = (rows - y) * along[1] - (columns - x) * along[0]
        part[(u >= -gap / 2) & (u < gap / 2) & (np.abs(v) <= distance[y, x] + 2)] = False
    return result


def ours(ink: np.ndarray) -> np.ndarray:
    return segment(ink).labels + 1


def plain_components(ink: np.ndarray) -> np.ndarray:
    return cv2.connectedComponents((~ink).view(np.uint8), connectivity=4)[1]


def ball(ink: np.ndarray) -> np.ndarray:
    return trapped_ball(ink, BALL)


METHODS = {"ours": ours, "connected components": plain_components, "trapped ball": ball}


def contingency(truth: np.ndarray, found: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Pixels of each pair of true and found region: int64 (true regions, found regions)."""
    columns = int(found.max()) + 1
    pairs = truth[where].astype(np.int64) * columns + found[where]
    table = np.bincount(pairs, minlength=(int(truth.max()) + 1) * columns)
    return table.reshape(-1, columns)


def adjusted_rand(table: np.ndarray) -> float:
    """The adjusted Rand index (Hubert and Arabie, 1985) of a contingency table.

    The same number as `sklearn.metrics.adjusted_rand_score` (see the tests), which sorts a
    million labels for each.
    """
    table = table.astype(np.float64)
    total = table.sum()
    both = (table**2).sum() - total
    rows, columns = (table.sum(1) ** 2).sum() - total, (table.sum(0) ** 2).sum() - total
    expected = rows * columns / (total**2 - total)
    if rows + columns == 2 * expected:
        return 1.0
    return float((both - expected) / ((rows + columns) / 2 - expected))


def measure(found: np.ndarray, drawing: Drawing) -> tuple[float, float, float]:
    """ARI, found regions per true region, and true regions per found region.

    An overlap counts where it is at least 5 % of the smaller of the two and 16 px. The two last
    numbers count regions of bare paper too, or leaks into it would not be seen.
    """
    ari = adjusted_rand(contingency(drawing.truth, found, drawing.measured))
    table = contingency(drawing.truth, found, ~drawing.ink)
    smaller = np.minimum(table.sum(axis=1)[:, None], table.sum(axis=0)[None])
    overlap = (table >= 16) & (table >= 0.05 * smaller)
    per_true = overlap.sum(axis=1)
    per_found = overlap.sum(axis=0)
    return ari, float(per_true[per_true > 0].mean()), float(per_found[per_found > 0].mean())


def drawings(packages: Path) -> list[tuple[str, str]]:
    """Name and SVG of every drawing, held-out subjects first, otherwise in an order that is a fair
    sample from the start. Thin versions and skin tones have the same regions: they are left out."""
    source = SOURCES["openmoji"]
    archives = {package: fetch(package, packages) for package in source.packages}
    found: dict[str, tuple[bool, bytes, str, str]] = {}
    for drawing in source.read(archives):
        shape = drawing.variant_of
        if not shape.endswith(".thin") and (shape not in found or not drawing.toned):
            place = hashlib.sha256(drawing.id.encode()).digest()
            trained = split_of(drawing.subject) == "train"
            found[shape] = (trained, place, drawing.id, drawing.text.decode())
    return [(name, svg) for _, _, name, svg in sorted(found.values())]


def score(methods: Sequence[str], item: tuple[str, str]) -> list[Score]:
    """Every method at every gap on one drawing; nothing where it has no regions to find."""
    drawing = read(*item)
    if drawing is None:
        return []
    seed = int.from_bytes(hashlib.sha256(drawing.name.encode()).digest()[:4], "big")
    scores = []
    for gap in GAPS:
        ink = cut(drawing.ink, gap, seed)
        for method in methods:
            start = time.perf_counter()
            found = METHODS[method](ink)
            seconds = time.perf_counter() - start
            scores.append(Score(drawing.name, gap, method, *measure(found, drawing), seconds))
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--drawings", type=int, default=200)
    parser.add_argument("--packages", type=Path, default=PACKAGE_FOLDER, help="where archives lie")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--method", choices=METHODS, action="append", help="only these")
    parser.add_argument("--json", type=Path, help="write every score there")
    arguments = parser.parse_args()
    methods = arguments.method or list(METHODS)
    wanted = arguments.drawings
    scores: list[Score] = []
    with get_context("spawn").Pool(arguments.jobs, cv2.setNumThreads, (1,)) as pool:
        for found in pool.imap(partial(score, methods), drawings(arguments.packages)):
            scores += found
            done = len(scores) // (len(GAPS) * len(methods))
            print(f"\r{done} of {wanted}", end="", file=sys.stderr, flush=True)
            if done == wanted:
                break
    print(file=sys.stderr)
    report(scores, methods)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(s) for s in scores]), encoding="utf-8")


def report(scores: Sequence[Score], methods: Sequence[str]) -> None:
    count = len({s.drawing for s in scores})
    print(f"{count} drawings at {SIZE} x {SIZE}, {CUTS} gaps in each\n")
    print("| gap, px | method | ARI | regions per true one | true ones per region |")
    print("|---|---|---|---|---|")
    for gap in GAPS:
        for method in methods:
            of = [s for s in scores if (s.gap, s.method) == (gap, method)]
            mean = np.mean([(s.ari, s.per_true, s.per_found) for s in of], axis=0)
            print(f"| {gap} | {method} | {mean[0]:.3f} | {mean[1]:.2f} | {mean[2]:.2f} |")
    print()
    for method in methods:
        mean_seconds = np.mean([s.seconds for s in scores if s.method == method])
        print(f"{method}: {1000 * mean_seconds:.0f} ms a drawing")


if __name__ == "__main__":
    main()
