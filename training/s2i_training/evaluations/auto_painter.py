"""How near Auto-painter's colors come to the artist's, beside what an artist has today.

Held-out drawings are colored from 0 to 50 hints, each a dab of the
original's color at a random painted place. The same hints go to a geodesic watershed (nearest
hint along the lines, what Krita's Colorize Mask does) and to trapped-ball regions filled from
hints. The mean CIEDE2000 to the original is over painted pixels off the ink.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from rich.progress import track

from s2i_models import load
from s2i_training.baselines import geodesic_watershed, trapped_ball_fill
from s2i_training.data.lineart import LineArtDataset
from s2i_training.metrics.color_difference import ciede2000, srgb_to_lab
from s2i_training.metrics.colorfulness import colorfulness
from s2i_training.metrics.fid import frechet_distance, inception_features
from s2i_training.metrics.lpips import lpips

SIZE = 512
HINTS = (0, 1, 4, 8, 16, 50)
PICTURE_METRICS_AT = (0, 8)
DAB_RADIUS = 4  # pixels at SIZE
OURS = {
    "color": "Auto-painter, color",
    "flats": "Auto-painter, flats",
    "smooth": "Auto-painter, smooth",
}
WATERSHED = "geodesic watershed"
TRAPPED_BALL = "trapped-ball regions"
COMPARED_AS_PICTURES = (OURS["color"], WATERSHED, TRAPPED_BALL)


@dataclass(frozen=True)
class Drawing:
    """A held-out drawing at SIZE².

    `sketch`: (H, W) uint8 gray, 0 ink to 255 paper. `color`: (H, W, 3) uint8 on white paper.
    `painted`: (H, W) bool; `measured`: painted pixels off the ink. `own_lines`: whether the lines
    are the artist's own.
    """

    sketch: np.ndarray
    color: np.ndarray
    painted: np.ndarray
    measured: np.ndarray
    own_lines: bool


Paint = Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]]


def held_out(data: Path, count: int) -> list[Drawing]:
    """`count` test drawings, no subject twice: those with the artist's own lines come first.

    Drawings without a line layer get the outlines of their colors. Raises ValueError when the set
    holds fewer.
    """
    dataset = LineArtDataset(data, "test", SIZE)
    order = sorted(range(len(dataset)), key=lambda i: (dataset.items[i].lines is None, i))
    subjects: set[str] = set()
    drawings: list[Drawing] = []
    for index in order:
        subject = dataset.items[index].subject
        if len(drawings) == count or subject in subjects:
            continue
        subjects.add(subject)
        drawings.append(_drawing(dataset[index], dataset.items[index].lines is not None))
    if len(drawings) < count:
        raise ValueError(
            f"{data} holds {len(drawings)} held-out subjects, {count} were asked for: "
            "build more with `s2i-train data build lineart`, or pass a smaller --drawings"
        )
    return drawings


def _drawing(item: Mapping[str, Any], own_lines: bool) -> Drawing:
    sketch = (item["lines"][0].numpy() * 255).round().astype(np.uint8)
    color = (item["color"].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    free = cv2.erode((sketch > 200).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    coverage = item["painted"][0].numpy()
    return Drawing(sketch, color, coverage > 0.5, (coverage > 0.98) & free, own_lines)


def dabs(drawing: Drawing, count: int, seed: int) -> np.ndarray:
    """`count` hints at random painted places: (H, W, 4) uint8 RGBA, transparent where none."""
    hints = np.zeros((*drawing.sketch.shape, 4), np.uint8)
    rows, columns = np.nonzero(drawing.measured)
    if len(rows) == 0:
        return hints
    rng = np.random.default_rng(seed)
    for pick in rng.integers(0, len(rows), count):
        row, column = int(rows[pick]), int(columns[pick])
        value = (*map(int, drawing.color[row, column]), 255)
        cv2.circle(hints, (column, row), DAB_RADIUS, value, -1)
    return hints


def evaluate(
    data: Path, weights: Path | None, count: int, folder: Path, *, quick: bool = False
) -> str:
    """The tables as Markdown; also writes `sheet.png`, a contact sheet, into `folder`."""
    pipeline = load("auto_painter", weights=weights)

    def ours(sketch: np.ndarray, hints: np.ndarray) -> dict[str, np.ndarray]:
        made = pipeline(sketch=sketch[..., None], hints=hints, outputs=list(OURS))
        return {OURS[name]: on_white(layer) for name, layer in made.items()}

    painters: tuple[Paint, ...] = (
        ours,
        lambda s, h: {WATERSHED: geodesic_watershed(1 - s / 255.0, h)},
        lambda s, h: {TRAPPED_BALL: trapped_ball_fill(1 - s / 255.0, h)},
    )
    drawings = held_out(data, count)
    differences: dict[tuple[str, int], list[float]] = {}
    pictures: dict[tuple[str, int], list[np.ndarray]] = {}
    for index, drawing in enumerate(track(drawings, "coloring")):
        measured = drawing.measured
        original = srgb_to_lab(drawing.color[measured] / 255.0)
        for number in HINTS:
            hints = dabs(drawing, number, seed=1000 * index + number)
            for paint in painters:
                for name, picture in paint(drawing.sketch, hints).items():
                    lab = srgb_to_lab(picture[measured] / 255.0)
                    difference = float(ciede2000(lab, original).mean()) if len(lab) else np.nan
                    differences.setdefault((name, number), []).append(difference)
                    if number in PICTURE_METRICS_AT and name in COMPARED_AS_PICTURES:
                        finished = finish(picture, drawing, name)
                        pictures.setdefault((name, number), []).append(finished)
    own = np.array([drawing.own_lines for drawing in drawings])
    report = []
    for which, title in ((own, "with the artist's own lines"), (~own, "with extracted outlines")):
        if which.any():
            chosen = {key: np.array(values)[which] for key, values in differences.items()}
            report.append(_difference_table(f"{which.sum()} drawings {title}", chosen))
    if own.any() and not own.all():
        chosen = {key: np.array(values) for key, values in differences.items()}
        report.append(_difference_table(f"all {len(drawings)} drawings", chosen))
    report.append(_picture_table(drawings, pictures, quick))
    _write_sheet(folder / "sheet.png", drawings, pictures)
    return "\n\n".join(report) + "\n"


def finish(picture: np.ndarray, drawing: Drawing, name: str) -> np.ndarray:
    """What the method `name` made, as a picture to compare with the original: lines on top.

    The baselines color the paper too unless the artist marks it, so they get the original's own
    silhouette.
    """
    if name == OURS["color"]:  # it has the lines, and knows what is paper
        return picture
    picture = np.where(drawing.painted[..., None], picture, 255)
    return (picture * (drawing.sketch[..., None] / 255.0)).round().astype(np.uint8)


def on_white(layer: np.ndarray) -> np.ndarray:
    """A layer (H, W, 4) uint8 with straight alpha, laid on white paper: (H, W, 3) uint8."""
    alpha = layer[..., 3:].astype(np.float32) / 255
    return (layer[..., :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)


def _difference_table(title: str, differences: dict[tuple[str, int], np.ndarray]) -> str:
    lines = [
        f"Mean CIEDE2000 over painted pixels (lower is better), by number of hints, {title}:",
        "",
        "| method | " + " | ".join(str(n) for n in HINTS) + " |",
        "|---|" + "---|" * len(HINTS),
    ]
    mean = {key: float(np.nanmean(values)) for key, values in differences.items()}
    for name in dict.fromkeys(name for name, _ in differences):
        cells = " | ".join(f"{mean[name, n]:.2f}" for n in HINTS)
        lines.append(f"| {name} | {cells} |")
    ratios = [
        mean[OURS["color"], n] / min(mean[WATERSHED, n], mean[TRAPPED_BALL, n]) for n in HINTS
    ]
    lines.append("| color ÷ better baseline | " + " | ".join(f"{r:.2f}" for r in ratios) + " |")
    return "\n".join(lines)


def _picture_table(
    drawings: list[Drawing], pictures: dict[tuple[str, int], list[np.ndarray]], quick: bool
) -> str:
    originals = [drawing.color for drawing in drawings]
    header = "| method | hints | colorfulness | FID | LPIPS |"
    lines = ["Whole pictures, lines on top, on white paper (the baselines within the original's"]
    lines += ["silhouette):", "", header, "|---|---|---|---|---|"]
    lines.append(f"| originals | – | {np.mean([colorfulness(p) for p in originals]):.1f} | – | – |")
    features = None if quick else inception_features(originals)
    for (name, number), made in pictures.items():
        colors = float(np.mean([colorfulness(p) for p in made]))
        distance, difference = "–", "–"
        if features is not None:
            distance = f"{frechet_distance(inception_features(made), features):.1f}"
            difference = f"{lpips(made, originals):.3f}"
        lines.append(f"| {name} | {number} | {colors:.1f} | {distance} | {difference} |")
    return "\n".join(lines)


def _write_sheet(
    path: Path,
    drawings: list[Drawing],
    pictures: dict[tuple[str, int], list[np.ndarray]],
    rows: int = 12,
    size: int = 192,
) -> None:
    """Lines, ours without hints, ours with 8, both baselines with 8, original."""
    columns = [[np.repeat(d.sketch[..., None], 3, axis=2) for d in drawings]]
    for key in (
        (OURS["color"], 0),
        (OURS["color"], 8),
        (WATERSHED, 8),
        (TRAPPED_BALL, 8),
    ):
        columns.append(pictures[key])
    columns.append([d.color for d in drawings])
    step = max(1, len(drawings) // rows)
    sheet = [
        np.concatenate(
            [cv2.resize(c[i], (size, size), interpolation=cv2.INTER_AREA) for c in columns], axis=1
        )
        for i in range(0, len(drawings), step)
    ][:rows]
    Image.fromarray(np.concatenate(sheet)).save(path)
