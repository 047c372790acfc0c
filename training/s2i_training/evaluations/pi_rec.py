"""How near PI-REC's pictures come to those whose edges and color domain it is given.

Beside it stand the color domain itself and pictures made from the same inputs without learning.
Then: what edges by hand and other color domains cost, for networks trained in other ways too;
whether colors and edges of different pictures go together; and whether tiles show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.progress import track

from s2i_models.catalog import SHIPPED_WEIGHTS
from s2i_models.pi_rec.generators import Generator, Networks, load_networks
from s2i_training.data.edges_and_colors import SIDE
from s2i_training.evaluations.drawings import write_sheet
from s2i_training.evaluations.pi_rec_nearness import (
    Pictures,
    Values,
    add_fid,
    nearness,
    table,
)
from s2i_training.evaluations.pi_rec_painting import (
    edges_tensor,
    enlarged,
    paint,
    pictures_of,
    tensor_of,
)
from s2i_training.evaluations.pi_rec_pictures import (
    LARGE,
    PAPER,
    SCALE,
    HeldOut,
    domain_of_set,
    held_out_pictures,
)
from s2i_training.evaluations.pi_rec_robustness import robustness_report
from s2i_training.evaluations.pi_rec_seams import seam_report
from s2i_training.evaluations.pi_rec_swaps import swap_report
from s2i_training.fills import SCREENING, flat_regions, screened_poisson, with_edges
from s2i_training.metrics.lpips import Lpips

OURS, REFINED = "ours, not refined", "ours, refined"
# Of the sheet's baselines.
DRAWN, POISSON = "color domain, edges drawn", "screened Poisson"
PAPERS = "the paper's network"
SHIPPED = {"drawings": "pi_rec", "faces": "pi_rec_faces"}


def evaluate(
    data: Path,
    weights: Path | None,
    count: int,
    folder: Path,
    *,
    quick: bool = False,
    baseline_weights: Path | None = None,
    ablations: Mapping[str, Path] | None = None,
) -> str:
    """The tables as Markdown; also writes contact sheets into `folder`: `reconstruction.png`,
    `by_hand.png`, `ablations.png`, `swaps.png`, `seams.png`.

    `weights`: when absent those that ship for the domain of `data`. `quick`: without LPIPS and FID.
    `baseline_weights`: of the paper's network, imported; `ablations`: weights files of networks
    trained otherwise, by what they do without. Raises FileNotFoundError when there are no weights.
    """
    networks = load_networks(weights or shipped_weights(data), "cpu")
    others = dict(ablations or {})
    if baseline_weights is not None:
        others[PAPERS] = baseline_weights
    compared = {name: load_networks(path, "cpu").generate for name, path in others.items()}
    held = held_out_pictures(data, count)
    metric = None if quick else Lpips()
    generators = {OURS: networks.generate, **compared}
    return (
        "\n\n".join(
            [
                reconstruction_report(held, networks, compared, metric, folder),
                robustness_report(held, generators, metric, folder),
                swap_report(held, networks, folder),
                seam_report(held, networks.refine or networks.generate, folder),
            ]
        )
        + "\n"
    )


def shipped_weights(data: Path) -> Path:
    """The file that ships for the domain of the set `data`.

    Raises FileNotFoundError when there is none.
    """
    path = SHIPPED_WEIGHTS / f"{SHIPPED[domain_of_set(data)]}.safetensors"
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: pass --weights")
    return path


def reconstruction_report(
    held: Sequence[HeldOut],
    networks: Networks,
    compared: Mapping[str, Generator],
    metric: Lpips | None,
    folder: Path,
) -> str:
    """Tables at both sizes; `metric`: LPIPS, without which FID is left out too."""
    small, large = baselines(held), baselines(held, large=True)
    learned_small, learned_large = paintings(held, networks)
    colors, edges = tensor_of([p.domain for p in held]), edges_tensor([p.edges for p in held])
    others = {name: pictures_of(paint(net, colors, edges)) for name, net in compared.items()}
    prepared = (
        f"edges at σ {PAPER.sigma:g}, {PAPER.colors} colors, medians of {PAPER.blur} and "
        f"{PAPER.soften} px at {SIDE}²"
    )
    report = [f"{len(held)} held-out pictures from their edges and color domain ({prepared})."]
    originals = {SIDE: [p.small for p in held], LARGE: [p.large for p in held]}
    explained = {
        SIDE: "refined at the same size",
        LARGE: f"painted at {SIDE}² and refined at {SCALE} times that, edges of this size",
    }
    made = {SIDE: {**small, **learned_small, **others}, LARGE: {**large, **learned_large}}
    for side, pictures in made.items():
        values = nearness(pictures, originals[side], metric)
        if metric is not None:
            add_fid(values, pictures, originals[side])
        report += [f"At {side}²; {explained[side]}:", table(values)]
        report.append(_compared(values, small))
    _write_sheet(folder / "reconstruction.png", held, {**small, **learned_small}, learned_large)
    return "\n\n".join(report)


def baselines(held: Sequence[HeldOut], *, large: bool = False) -> dict[str, list[np.ndarray]]:
    """What methods without learning make of the pictures' edges and color domains, at SIDE² or
    LARGE²; fills also with the edges drawn on them."""
    made: dict[str, list[np.ndarray]] = {}
    # A pixel of the larger grid holds on less, so that colors melt as far as on the smaller one.
    screening = SCREENING / SCALE**2 if large else SCREENING
    for picture in track(held, "filling"):
        colors = picture.large_domain if large else picture.domain
        edges = picture.large_edges if large else picture.edges
        smooth, flat = screened_poisson(colors, edges, screening), flat_regions(colors, edges)
        filled = {
            "color domain": colors,
            DRAWN: with_edges(colors, edges),
            POISSON: smooth,
            f"{POISSON}, edges drawn": with_edges(smooth, edges),
            "flat regions": flat,
            "flat regions, edges drawn": with_edges(flat, edges),
        }
        for name, fill in filled.items():
            made.setdefault(name, []).append(fill)
    return made


def paintings(held: Sequence[HeldOut], networks: Networks) -> tuple[Pictures, Pictures]:
    """What the networks paint at SIDE² and at LARGE², by name."""
    edges = edges_tensor([picture.edges for picture in held])
    painted = paint(networks.generate, tensor_of([picture.domain for picture in held]), edges)
    doubled = enlarged(painted)
    small, large = {OURS: pictures_of(painted)}, {f"{OURS}, enlarged": pictures_of(doubled)}
    if networks.refine is not None:
        small[REFINED] = pictures_of(paint(networks.refine, painted, edges))
        large_edges = edges_tensor([picture.large_edges for picture in held])
        large[REFINED] = pictures_of(paint(networks.refine, doubled, large_edges))
    return small, large


def _compared(values: Mapping[str, Values], unlearned: Pictures) -> str:
    """Ours by the best method without learning; SSIM when LPIPS was not measured."""
    what, best_of = ("LPIPS", min) if "LPIPS" in next(iter(values.values())) else ("SSIM", max)
    means = {name: float(found[what].mean()) for name, found in values.items()}
    best = best_of(unlearned, key=lambda name: means[name])
    ours = [name for name in means if name.startswith("ours")]
    ratios = ", ".join(f"{name}: {means[name] / means[best]:.2f}" for name in ours)
    return f"{what} ÷ that of the best without learning, “{best}”: {ratios}."


def _write_sheet(path: Path, held: Sequence[HeldOut], small: Pictures, large: Pictures) -> None:
    """Edges on the color domain, a fill, ours at SIDE², ours at LARGE², the original."""
    names = [name for name in (DRAWN, POISSON, OURS, REFINED) if name in small]
    columns = [list(small[name]) for name in names]
    columns += [list(large[name]) for name in large if name == REFINED]
    write_sheet(path, [*columns, [picture.large for picture in held]])
