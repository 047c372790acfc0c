"""How near Auto-painter's colors come to the artist's, beside what an artist has today.

Held-out drawings with the artist's own lines are colored from 0 to 50 hints, each a dab of the
original's color at a random painted place. The same hints go to a geodesic watershed (nearest
hint along the lines, what Krita's Colorize Mask does) and to trapped-ball regions filled from
hints. The mean CIEDE2000 to the original is over painted pixels off the ink.
"""

from __future__ import annotations

from collections.abc import Callable
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

SIZE = 512
HINTS = (0, 1, 4, 8, 16, 50)
PICTURE_METRICS_AT = (0, 8)
DAB_RADIUS = 4  # pixels at SIZE


@dataclass(frozen=True)
class Drawing:
    """A held-out drawing at SIZE².

    `sketch`: (H, W) uint8 gray, 0 ink to 255 paper. `color`: (H, W, 3) uint8 on white paper.
    `measured`: (H, W) bool, painted pixels off the ink.
    """

    sketch: np.ndarray
    color: np.ndarray
    measured: np.ndarray


Method = Callable[[np.ndarray, np.ndarray], np.ndarray]


def held_out(data: Path, count: int) -> list[Drawing]:
    """The first `count` test drawings that have the artist's own lines.

    Raises ValueError when the set holds fewer.
    """
    dataset = LineArtDataset(data, "test", SIZE, style="true")
    if len(dataset) < count:
        raise ValueError(
            f"{data} holds {len(dataset)} held-out drawings with lines, {count} were asked for: "
            "build more with `s2i-train data build lineart`, or pass a smaller --drawings"
        )
    drawings = []
    for index in range(count):
        item: dict[str, Any] = dataset[index]
        sketch = (item["lines"][0].numpy() * 255).round().astype(np.uint8)
        color = (item["color"].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        free = cv2.erode((sketch > 200).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        drawings.append(Drawing(sketch, color, (item["painted"][0].numpy() > 0.98) & free))
    return drawings


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

    def ours(layer: str) -> Method:
        def paint(sketch: np.ndarray, hints: np.ndarray) -> np.ndarray:
            result = pipeline(sketch=sketch[..., None], hints=hints, outputs=[layer])
            return on_white(result[layer])

        return paint

    methods: dict[str, Method] = {
        "Auto-painter, color": ours("color"),
        "Auto-painter, flats": ours("flats"),
        "Auto-painter, smooth": ours("smooth"),
        "geodesic watershed": lambda s, h: geodesic_watershed(1 - s / 255.0, h),
        "trapped-ball regions": lambda s, h: trapped_ball_fill(1 - s / 255.0, h),
    }
    drawings = held_out(data, count)
    differences: dict[tuple[str, int], list[float]] = {}
    pictures: dict[tuple[str, int], list[np.ndarray]] = {}
    for index, drawing in enumerate(track(drawings, "coloring")):
        original = srgb_to_lab(drawing.color / 255.0)
        for number in HINTS:
            hints = dabs(drawing, number, seed=1000 * index + number)
            for name, method in methods.items():
                picture = method(drawing.sketch, hints)
                lab = srgb_to_lab(picture / 255.0)
                measured = drawing.measured
                if measured.any():
                    difference = ciede2000(lab[measured], original[measured]).mean()
                    differences.setdefault((name, number), []).append(float(difference))
                if number in PICTURE_METRICS_AT:
                    pictures.setdefault((name, number), []).append(picture)
    report = [_difference_table(methods, differences)]
    report.append(_picture_table(methods, drawings, pictures, quick))
    _write_sheet(folder / "sheet.png", drawings, pictures)
    return "\n\n".join(report) + "\n"


def on_white(layer: np.ndarray) -> np.ndarray:
    """A layer (H, W, 4) uint8 with straight alpha, laid on white paper: (H, W, 3) uint8."""
    alpha = layer[..., 3:].astype(np.float32) / 255
    return (layer[..., :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)


def _difference_table(
    methods: dict[str, Method], differences: dict[tuple[str, int], list[float]]
) -> str:
    lines = [
        "Mean CIEDE2000 over painted pixels (lower is better), by number of hints:",
        "",
        "| method | " + " | ".join(str(n) for n in HINTS) + " |",
        "|---|" + "---|" * len(HINTS),
    ]
    mean = {key: float(np.mean(values)) for key, values in differences.items()}
    for name in methods:
        cells = " | ".join(f"{mean[name, n]:.2f}" for n in HINTS)
        lines.append(f"| {name} | {cells} |")
    ratios = []
    for number in HINTS:
        baseline = min(mean[name, number] for name in list(methods)[-2:])
        ratios.append(f"{mean['Auto-painter, color', number] / baseline:.2f}")
    lines.append("| color ÷ better baseline | " + " | ".join(ratios) + " |")
    return "\n".join(lines)


def _picture_table(
    methods: dict[str, Method],
    drawings: list[Drawing],
    pictures: dict[tuple[str, int], list[np.ndarray]],
    quick: bool,
) -> str:
    originals = [drawing.color for drawing in drawings]
    header = "| method | hints | colorfulness | FID | LPIPS |"
    lines = ["Whole pictures on white paper:", "", header, "|---|---|---|---|---|"]
    lines.append(f"| originals | – | {np.mean([colorfulness(p) for p in originals]):.1f} | – | – |")
    for (name, number), made in pictures.items():
        if name not in methods:
            continue
        colors = float(np.mean([colorfulness(p) for p in made]))
        scores = ("–", "–") if quick else _network_scores(made, originals)
        lines.append(f"| {name} | {number} | {colors:.1f} | {scores[0]} | {scores[1]} |")
    return "\n".join(lines)


def _network_scores(made: list[np.ndarray], originals: list[np.ndarray]) -> tuple[str, str]:
    from s2i_training.metrics.fid import fid
    from s2i_training.metrics.lpips import lpips

    return f"{fid(made, originals):.1f}", f"{lpips(made, originals):.3f}"


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
        ("Auto-painter, color", 0),
        ("Auto-painter, color", 8),
        ("geodesic watershed", 8),
        ("trapped-ball regions", 8),
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
