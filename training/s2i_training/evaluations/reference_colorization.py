"""Whether a drawing gets the colors of its reference, and each part those of its counterpart.

Held-out drawings are colored after their own bent picture (the truth is known) and after another
drawing's picture (the truth is not: only the colors can be compared). The same is asked of
methods without learning, of the paper's network where its weights are given, and of Auto-painter,
which sees no reference. Then the network's attention on bent pictures, beside that of the same
network with scrambled tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
from rich.progress import track

from s2i_models import load
from s2i_models.reference_colorization.compact import CompactGenerator
from s2i_training.correspondence import AttentionAccuracy, Layout, attention_accuracy, attention_of
from s2i_training.data.augmented_self import AugmentedSelfDataset
from s2i_training.data.lineart import LineArtDataset
from s2i_training.evaluations.drawings import (
    held_out,
    held_out_indices,
    on_white,
    write_sheet,
)
from s2i_training.evaluations.reference_methods import (
    AUTO_PAINTER,
    HISTOGRAM,
    OURS,
    PAPER,
    PAPER_SNAPPED,
    PATCHES,
    PATCHES_SNAPPED,
    REINHARD,
    Method,
    paper_network,
    pipelines,
    unlearned,
)
from s2i_training.evaluations.reference_pairs import Pair, with_itself, with_others
from s2i_training.metrics.color_difference import ciede2000, srgb_to_lab
from s2i_training.metrics.fid import frechet_distance, inception_features
from s2i_training.metrics.lpips import lpips
from s2i_training.metrics.palette_distance import palette_distance, palette_of
from s2i_training.metrics.psnr import psnr
from s2i_training.metrics.sc_psnr import sc_psnr
from s2i_training.metrics.ssim import ssim_to

# LPIPS and FID see pictures at this size; all else is measured at full size.
SMALL = 256
# A drawing counts with at most this many decibels: an error of 2.5 steps of 255. Drawings of few
# flat colors can be hit exactly, and a mean over infinity would say nothing.
MOST_DECIBELS = 40.0
ORIGINAL = "the original itself"
ON_SHEET = (
    *(OURS["color"], REINHARD, HISTOGRAM, PATCHES, PATCHES_SNAPPED, PAPER, PAPER_SNAPPED),
    AUTO_PAINTER["color"],
)
LAYOUTS: dict[Layout, str] = {
    "positions": "ours",
    "reshape": "the same network, tokens by reshape",
    "shuffled": "the same network, reference tokens shuffled",
}

Measured = dict[str, dict[str, list[float]]]
"""One value for each drawing, by method and by what was measured."""
Measure = Callable[[np.ndarray], dict[str, float]]
"""What is measured of a picture (H, W, 3) uint8, by name."""
Pictures = dict[str, list[np.ndarray]]
"""One small picture for each drawing, by method."""


def evaluate(
    data: Path,
    weights: Path | None,
    count: int,
    folder: Path,
    *,
    quick: bool = False,
    baseline_weights: Path | None = None,
) -> str:
    """The tables as Markdown; also writes the contact sheets `self.png` and `random.png`.

    `baseline_weights`: of the paper's network, as `export` writes them, to compare with. `quick`:
    without LPIPS and FID.
    """
    methods = [*pipelines(weights), unlearned]
    if baseline_weights is not None:
        methods.append(paper_network(baseline_weights))
    drawings = held_out(data, count)
    itself = [with_itself(drawing, seed) for seed, drawing in enumerate(drawings)]
    report = [self_report(itself, methods, folder, quick=quick)]
    report.append(random_report(with_others(drawings), methods, folder, quick=quick))
    network = load("reference_colorization", weights=weights)
    report.append(attention_report(network.network, data, count))  # type: ignore[attr-defined]
    return "\n\n".join(report) + "\n"


def self_report(
    pairs: Sequence[Pair], methods: Sequence[Method], folder: Path, *, quick: bool
) -> str:
    """How near each method comes to the original whose bent picture it was given."""
    measured, pictures = color_all(pairs, methods, "like themselves", nearness)
    columns = ["PSNR", "SSIM", "SC-PSNR", "CIEDE2000"]
    if not quick:
        originals = [small(pair.drawing.color) for pair in pairs]
        columns.insert(2, "LPIPS")
        for name in measured:
            measured[name]["LPIPS"] = [lpips(pictures[name], originals)]
    _write_sheet(folder / "self.png", pairs, pictures)
    title = f"{len(pairs)} drawings, each after its own picture, bent:"
    return f"{title}\n\n{_table(measured, columns)}"


def random_report(
    pairs: Sequence[Pair], methods: Sequence[Method], folder: Path, *, quick: bool
) -> str:
    """How near each method comes to the colors of another drawing's picture."""
    measured, pictures = color_all(pairs, methods, "like others", palette_nearness)
    columns = ["palette distance"]
    if not quick:
        originals = [small(pair.drawing.color) for pair in pairs]
        columns.append("FID")
        features = inception_features(originals)
        for name in measured:
            if name != ORIGINAL:
                distance = frechet_distance(inception_features(pictures[name]), features)
                measured[name]["FID"] = [distance]
    _write_sheet(folder / "random.png", pairs, pictures)
    lines = [f"{len(pairs)} drawings, each after another drawing's picture:", ""]
    lines.append(_table(measured, columns))
    distances = {name: np.nanmean(values["palette distance"]) for name, values in measured.items()}
    if OURS["color"] in distances and AUTO_PAINTER["color"] in distances:
        ratio = distances[OURS["color"]] / distances[AUTO_PAINTER["color"]]
        lines += ["", f"Palette distance, ours ÷ Auto-painter without reference: {ratio:.2f}"]
    return "\n".join(lines)


def color_all(
    pairs: Sequence[Pair],
    methods: Sequence[Method],
    title: str,
    measure: Callable[[Pair], Measure],
) -> tuple[Measured, Pictures]:
    """Color each pair by each method, and the original; measure at once and keep small pictures."""
    measured: Measured = {}
    pictures: Pictures = {}
    for pair in track(pairs, f"coloring {title}"):
        made, measured_of = {ORIGINAL: pair.drawing.color}, measure(pair)
        for method in methods:
            made |= method(pair)
        for name, picture in made.items():
            pictures.setdefault(name, []).append(small(picture))
            for what, value in measured_of(picture).items():
                measured.setdefault(name, {}).setdefault(what, []).append(value)
    return measured, pictures


def nearness(pair: Pair) -> Measure:
    """What is measured of pictures whose truth is known. Decibels are at most `MOST_DECIBELS`;
    CIEDE2000 is the mean over painted pixels off the ink, NaN without any."""
    drawing, points = pair.drawing, pair.points
    assert points is not None
    original = srgb_to_lab(drawing.color[drawing.measured] / 255.0)
    ssim = ssim_to(drawing.color)

    def measure(picture: np.ndarray) -> dict[str, float]:
        corresponding = sc_psnr(
            picture, pair.reference[..., :3], points, drawing.measured, pair.usable
        )
        lab = srgb_to_lab(picture[drawing.measured] / 255.0)
        return {
            "PSNR": min(psnr(picture, drawing.color), MOST_DECIBELS),
            "SSIM": ssim(picture),
            "SC-PSNR": float(np.minimum(corresponding, MOST_DECIBELS)),
            "CIEDE2000": float(ciede2000(lab, original).mean()) if len(lab) else float("nan"),
        }

    return measure


def palette_nearness(pair: Pair) -> Measure:
    """The distance of the palettes of result and reference, NaN where one paints nothing."""
    measured = pair.drawing.measured
    if not measured.any() or not pair.usable.any():
        return lambda _picture: {"palette distance": float("nan")}
    theirs = palette_of(pair.reference[..., :3], pair.usable)
    return lambda picture: {
        "palette distance": palette_distance(palette_of(picture, measured), theirs)
    }


def attention_report(network: CompactGenerator, data: Path, count: int) -> str:
    """Where attention looks on the same drawings, each at the size the network was trained with."""
    triples = AugmentedSelfDataset(
        LineArtDataset(data, "test", network.work_size),
        network.cell,
        change=False,
        harder=False,
        hinted=0.0,
    )
    indices = held_out_indices(data, count)
    found = {
        layout: attention_accuracy(attention_of(network, layout), triples, indices=indices)
        for layout in get_args(Layout)
    }
    return attention_table(found, count)


def attention_table(found: dict[Layout, AttentionAccuracy], count: int) -> str:
    known = found["positions"]
    lines = [
        f"Largest attention within two tokens of the counterpart, of {known.tokens} tokens inside "
        f"{count} drawings, each with its own picture, bent:",
        "",
        "| attention | share |",
        "|---|---|",
    ]
    lines += [f"| {title} | {found[layout].near:.1%} |" for layout, title in LAYOUTS.items()]
    lines.append(f"| a random token of the reference (chance) | {known.chance:.1%} |")
    lines.append(f"| the token at the same place | {known.in_place:.1%} |")
    return "\n".join(lines)


def small(picture: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) uint8 at SMALL²."""
    return cv2.resize(picture, (SMALL, SMALL), interpolation=cv2.INTER_AREA)


def _table(measured: Measured, columns: Sequence[str]) -> str:
    lines = [f"| method | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    for name, values in measured.items():
        cells = [_cell(what, values.get(what)) for what in columns]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(what: str, values: Sequence[float] | None) -> str:
    if values is None or np.isnan(values).all():
        return "–"
    digits = 3 if what in ("SSIM", "LPIPS") else 1 if what == "FID" else 2
    return f"{np.nanmean(values):.{digits}f}"


def _write_sheet(path: Path, pairs: Sequence[Pair], pictures: Pictures) -> None:
    """Lines, reference, each method of `ON_SHEET` that was run, original."""
    columns = [[np.repeat(pair.drawing.sketch[..., None], 3, axis=2) for pair in pairs]]
    columns.append([on_white(pair.reference) for pair in pairs])
    columns += [pictures[name] for name in ON_SHEET if name in pictures]
    write_sheet(path, [*columns, pictures[ORIGINAL]])
