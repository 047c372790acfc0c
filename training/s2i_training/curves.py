"""Curves of one or several runs: what `curves.jsonl` of their folders holds, over steps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")  # before pyplot: draws into files, without a window

import matplotlib.pyplot as plt

CURVES = "curves.jsonl"


def read_curves(folder: Path) -> list[dict[str, float]]:
    """The lines of a run's curves, by step; a step that a resumed run repeated counts once.

    Raises FileNotFoundError for a folder without curves.
    """
    path = folder / CURVES
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist: the recipe writes it while it trains, at every validation"
        )
    by_step: dict[float, dict[str, float]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        values = json.loads(line)
        by_step[values["step"]] = values
    return [by_step[step] for step in sorted(by_step)]


def draw_curves(folders: Sequence[Path], names: Sequence[str], path: Path) -> None:
    """One panel for each of `names`, with a line for each run, named as its folder.

    `path`: the picture to write. Raises ValueError for a name that no run has.
    """
    runs = {folder.name: read_curves(folder) for folder in folders}
    known = sorted({name for lines in runs.values() for line in lines for name in line} - {"step"})
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no run has {', '.join(unknown)}; there are {', '.join(known)}")
    figure, panels = plt.subplots(
        1, len(names), figsize=(4.6 * len(names), 3.2), squeeze=False, layout="constrained"
    )
    for panel, name in zip(panels[0], names, strict=True):
        for label, lines in runs.items():
            points = [(line["step"], line[name]) for line in lines if name in line]
            steps, values = zip(*points, strict=True) if points else ((), ())
            panel.plot(steps, values, marker=".", label=label)
        panel.set_title(name)
        panel.set_xlabel("step")
        panel.grid(alpha=0.3)
    if len(runs) > 1:
        panels[0][0].legend(fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)
