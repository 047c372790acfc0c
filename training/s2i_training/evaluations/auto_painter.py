"""How near Auto-painter's colors come to the artist's, beside what an artist has today.

Held-out drawings are colored from 0 to 50 hints, each a dab of the
original's color at a random painted place. The same hints go to a geodesic watershed (nearest
hint along the lines, what Krita's Colorize Mask does) and to trapped-ball regions filled from
hints. The mean CIEDE2000 to the original is over painted pixels off the ink.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from s2i_models import load
from s2i_training.baselines import geodesic_watershed, trapped_ball_fill
from s2i_training.evaluations.drawings import (
    Drawing,
    held_out,
    in_silhouette,
    on_white,
    write_sheet,
)
from s2i_training.metrics.color_difference import ciede2000, srgb_to_lab
from s2i_training.metrics.colorfulness import colorfulness
from s2i_training.metrics.fid import frechet_distance, inception_features
from s2i_training.metrics.lpips import lpips

HINTS = (0, 1, 4, 8, 16, 50)
PICTURE_METRICS_AT = (0, 8)
DAB_RADIUS = 4  # pixels at 512²
OURS = {
    "color": "Auto-painter, color",
    "flats": "Auto-painter, flats",
    "smooth": "Auto-painter, smooth",
}
WATERSHED = "geodesic watershed"
TRAPPED_BALL = "trapped-ball regions"
COMPARED_AS_PICTURES = (OURS["color"], WATERSHED, TRAPPED_BALL)


Paint = Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]]


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
    return in_silhouette(picture, drawing)


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
    path: Path, drawings: list[Drawing], pictures: dict[tuple[str, int], list[np.ndarray]]
) -> None:
    """Lines, ours without hints, ours with 8, both baselines with 8, original."""
    ours, baselines = OURS["color"], (WATERSHED, TRAPPED_BALL)
    keys = ((ours, 0), (ours, 8), *((name, 8) for name in baselines))
    sketches = [np.repeat(d.sketch[..., None], 3, axis=2) for d in drawings]
    columns = [sketches, *(pictures[key] for key in keys), [d.color for d in drawings]]
    write_sheet(path, columns)
