"""What other edges and other color domains than Canny's and the usual cost, network by network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from s2i_models.pi_rec.generators import Generator
from s2i_training.data.edges_and_colors import SIDE
from s2i_training.evaluations import pi_rec_hand as hand
from s2i_training.evaluations.drawings import write_sheet
from s2i_training.evaluations.pi_rec_nearness import nearness
from s2i_training.evaluations.pi_rec_painting import edges_tensor, paint, pictures_of, tensor_of
from s2i_training.evaluations.pi_rec_pictures import PAPER, HeldOut
from s2i_training.fills import with_edges
from s2i_training.metrics.lpips import Lpips

Given = tuple[np.ndarray, np.ndarray]
"""A color domain (S, S, 3) uint8 and edges (S, S) bool."""
Condition = Callable[[HeldOut, np.random.Generator], Given]

EXTRACTED, BY_HAND, OWN_LINES = "as extracted", "as by hand, all of it", "the drawing's own lines"


def _with(draw: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Condition:
    return lambda picture, rng: (picture.domain, draw(picture.edges, rng))


def _prepared(**other: int) -> Condition:
    return lambda picture, _: (replace(PAPER, **other).domain(picture.small), picture.edges)


def _own_lines(picture: HeldOut, _: np.random.Generator) -> Given:
    return picture.domain, picture.edges if picture.lines is None else picture.lines


CONDITIONS: dict[str, Condition] = {
    EXTRACTED: lambda picture, _: (picture.domain, picture.edges),
    "edges displaced by 1.5 px": _with(hand.jittered),
    "edges broken": _with(hand.broken),
    "8 % of the edges' pixels dropped": _with(hand.dropped),
    "strokes missing": _with(hand.strokes_missing),
    BY_HAND: _with(hand.by_hand),
    "no edges": lambda picture, _: (picture.domain, np.zeros_like(picture.edges)),
    OWN_LINES: _own_lines,
    "2 colors": _prepared(colors=2),
    "5 colors": _prepared(colors=5),
    "first median of 15 px": _prepared(blur=15),
    "first median of 35 px": _prepared(blur=35),
}


def robustness_report(
    held: Sequence[HeldOut],
    networks: Mapping[str, Generator],
    metric: Lpips | None,
    folder: Path,
) -> str:
    """A table of all conditions, LPIPS or, without its `metric`, SSIM, generators alone at 128².

    The first of `networks` is the one that the others are compared with, picture by picture.
    Also writes the sheet `by_hand.png`, and `ablations.png` if there are several networks.
    """
    what = "SSIM" if metric is None else "LPIPS"
    first, *others = networks
    sheet: list[list[np.ndarray]] = [[picture.small for picture in held]]
    compared = [*sheet]
    explained = (
        f"; in parentheses the difference to “{first}” ± its standard error" if others else ""
    )
    lines = [
        f"{what} of {len(held)} pictures at {SIDE}², generators alone, from other edges and "
        f"colors{explained}:",
        "",
        f"| | {' | '.join(networks)} |",
        "|---|" + "---|" * len(networks),
    ]
    for title, condition in CONDITIONS.items():
        chosen = [p for p in held if title != OWN_LINES or p.lines is not None]
        if not chosen:
            continue
        given = [condition(p, np.random.default_rng((3, n))) for n, p in enumerate(chosen)]
        colors, edges = tensor_of([c for c, _ in given]), edges_tensor([e for _, e in given])
        made = {name: pictures_of(paint(net, colors, edges)) for name, net in networks.items()}
        found = nearness(made, [picture.small for picture in chosen], metric)
        values = {name: found[name][what] for name in networks}
        cells = [f"{values[first].mean():.3f}"]
        cells += [_compared(values[name], values[first]) for name in others]
        counted = f" ({len(chosen)} drawings)" if title == OWN_LINES else ""
        lines.append(f"| {title}{counted} | {' | '.join(cells)} |")
        drawn = [with_edges(*pair) for pair in given]
        if title in (EXTRACTED, BY_HAND):
            sheet += [drawn, made[first]]
        if title == BY_HAND:
            compared += [drawn, *made.values()]
    write_sheet(folder / "by_hand.png", sheet)
    if others:
        write_sheet(folder / "ablations.png", compared)
    return "\n".join(lines)


def _compared(values: np.ndarray, to: np.ndarray) -> str:
    difference = values - to
    error = difference.std(ddof=1) / np.sqrt(len(difference)) if len(difference) > 1 else 0.0
    return f"{values.mean():.3f} ({difference.mean():+.3f} ± {error:.3f})"
