"""Whether colors stay with the color layer and lines with the edges when both are exchanged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import track

from s2i_models.pi_rec.generators import Networks
from s2i_training.evaluations.pi_rec_painting import (
    edges_tensor,
    paint,
    paint_finished,
    pictures_of,
    tensor_of,
)
from s2i_training.evaluations.pi_rec_pictures import PAPER, HeldOut
from s2i_training.fills import screened_poisson, with_edges
from s2i_training.metrics.edge_f1 import edge_match
from s2i_training.metrics.palette_distance import palette_distance, palette_of

# Pictures in a group: each one's colors are put together with each one's edges.
GROUP = 10
MOST_GROUPS = 3
TOLERANCE = 2.0
# Pixels of edges that a picture must have to be asked for them.
LEAST_EDGES = 60
OURS = "ours, not refined"
REFINED = "ours, refined"

Grid = list[list[np.ndarray]]
"""Pictures by the number of their color layer and of their edge layer."""


def swap_report(held: Sequence[HeldOut], networks: Networks, folder: Path) -> str:
    """A table for groups of `GROUP` pictures; also writes the sheet `swaps.png` of the first.

    Raises ValueError when there are fewer than two pictures with edges.
    """
    usable = [picture for picture in held if picture.edges.sum() >= LEAST_EDGES]
    if len(usable) < 2:
        raise ValueError("no two pictures have edges: pass a larger --drawings")
    groups = [usable[n : n + GROUP] for n in range(0, len(usable), GROUP)]
    groups = [group for group in groups if len(group) == len(groups[0])][:MOST_GROUPS]
    found: dict[str, list[tuple[float, ...]]] = {}
    for number, group in enumerate(track(groups, "exchanging colors and edges")):
        painted = _painted(group, networks)
        for name, grid in painted.items():
            found.setdefault(name, []).extend(_measured(group, grid))
        if number == 0:
            _write_sheet(folder / "swaps.png", group, painted[list(painted)[-1]])
    side = len(groups[0])
    lines = [
        f"{len(groups)} groups of {side} pictures at 128², the color domain of each with the edges "
        f"of each, {len(groups) * side**2} results. Palette distance: of a result to its color "
        f"layer. Edges: Canny's of a result at σ {PAPER.sigma:g} beside those it was given, "
        f"{TOLERANCE:g} px apart at most.",
        "",
        "| | palette distance | worst | edge F1 | worst | precision | recall |",
        "|---|" + "---|" * 6,
    ]
    own = [_of(p.small, p) for group in groups for p in group]
    lines.append(_row("the pictures themselves, beside their own", own))
    lines += [_row(name, values) for name, values in found.items()]
    return "\n".join(lines)


def _painted(group: Sequence[HeldOut], networks: Networks) -> dict[str, Grid]:
    """What each method makes of all pairs."""
    pairs = [(c.domain, e.edges) for c in group for e in group]
    colors, edges = tensor_of([c for c, _ in pairs]), edges_tensor([e for _, e in pairs])
    made = {
        "color domain, edges drawn": [with_edges(*pair) for pair in pairs],
        "screened Poisson": [screened_poisson(*pair) for pair in pairs],
        OURS: pictures_of(paint(networks.generate, colors, edges)),
    }
    if networks.refine is not None:
        made[REFINED] = pictures_of(paint_finished(networks, colors, edges))
    side = len(group)
    return {
        name: [pictures[n : n + side] for n in range(0, len(pictures), side)]
        for name, pictures in made.items()
    }


def _measured(group: Sequence[HeldOut], grid: Grid) -> list[tuple[float, ...]]:
    return [
        _of(picture, colors, edges)
        for colors, row in zip(group, grid, strict=True)
        for edges, picture in zip(group, row, strict=True)
    ]


def _of(picture: np.ndarray, colors: HeldOut, edges: HeldOut | None = None) -> tuple[float, ...]:
    """Palette distance, edge F1, precision and recall of a picture made from the color domain of
    one and the edges of another, or of the same."""
    everywhere = np.ones(picture.shape[:2], bool)
    distance = palette_distance(
        palette_of(picture, everywhere), palette_of(colors.domain, everywhere)
    )
    match = edge_match(PAPER.edges(picture), (edges or colors).edges, TOLERANCE)
    return distance, match.f1, match.precision, match.recall


def _row(name: str, values: Sequence[tuple[float, ...]]) -> str:
    distance, f1, precision, recall = np.array(values).T
    return (
        f"| {name} | {distance.mean():.1f} | {distance.max():.1f} | {f1.mean():.2f} | "
        f"{f1.min():.2f} | {precision.mean():.2f} | {recall.mean():.2f} |"
    )


def _write_sheet(path: Path, group: Sequence[HeldOut], grid: Grid) -> None:
    """Edges on top, color layers on the left, and what became of each pair."""
    blank = np.full_like(group[0].small, 255)
    rows = [np.hstack([blank, *(with_edges(blank, picture.edges) for picture in group)])]
    rows += [np.hstack([picture.domain, *made]) for picture, made in zip(group, grid, strict=True)]
    Image.fromarray(np.vstack(rows)).save(path)
