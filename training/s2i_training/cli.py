"""`s2i-train`: build data, fit a system, evaluate it, export its weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from inspect import signature
from pathlib import Path

import click

from s2i_training.data.commands import data_commands

SYSTEMS = ("auto_painter", "reference_colorization", "sketch_retrieval", "pi_rec")


@click.group()
@click.version_option(package_name="s2i")
def main() -> None:
    """Train, evaluate and export the sketch systems."""


main.add_command(data_commands)


@contextmanager
def plain_errors() -> Iterator[None]:
    """What the user can put right ends a command with its text, without a traceback."""
    from s2i_training.data.packages import PackageUnavailableError

    try:
        yield
    except (ValueError, FileNotFoundError, PackageUnavailableError) as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.argument("system", type=click.Choice(SYSTEMS))
@click.option("--preset", type=click.Choice(["cpu", "gpu"]), default="cpu", show_default=True)
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("data/lineart"),
    show_default=True,
    help="A set made by `s2i-train data build`.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the run.  [default: runs/SYSTEM]",
)
@click.option("--resume", is_flag=True, help="Continue the run in that folder.")
@click.option(
    "--from-weights",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Begin with the weights in this file, such as the shipped ones.",
)
@click.option("--share", type=float, default=1.0, help="Shorten every phase to this share.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--workers", type=int, default=1, show_default=True, help="Data processes.")
@click.option("--precision", type=click.Choice(["no", "bf16", "fp16"]), help="Default: preset's.")
@click.option("--cpu", "force_cpu", is_flag=True, help="Stay on the CPU.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Change a number of the preset, such as a loss's weight; any number of times.",
)
def fit(
    system: str,
    preset: str,
    data: Path,
    out: Path | None,
    resume: bool,
    from_weights: Path | None,
    share: float,
    seed: int,
    workers: int,
    precision: str | None,
    force_cpu: bool,
    settings: tuple[str, ...],
) -> None:
    """Train SYSTEM; checkpoints and TensorBoard logs go to the run's folder.

    On several GPUs: `accelerate launch -m s2i_training fit SYSTEM …`.
    """
    from s2i_training.run import Run, RunOptions
    from s2i_training.settings import scaled, with_settings

    recipe = import_module(f"s2i_training.recipes.{system}")
    config = scaled(recipe.PRESETS[preset], share)
    with plain_errors():
        config = with_settings(config, settings)
    if precision is not None:
        config = replace(config, mixed_precision=precision)
    options = RunOptions(
        folder=out or Path("runs") / system,
        seed=seed,
        mixed_precision=config.mixed_precision,
        workers=workers,
        resume=resume,
        force_cpu=force_cpu,
    )
    with plain_errors():
        recipe.train(config, data, Run(options), start_from=from_weights)


def _named_files(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, Path]:
    files = {}
    for value in values:
        name, _, path = value.rpartition("=")
        if not name or not Path(path).is_file():
            raise click.BadParameter(f"{value!r}: write NAME=FILE with a file that is there")
        files[name] = Path(path)
    return files


@main.command()
@click.argument("system", type=click.Choice(SYSTEMS))
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("data/lineart"),
    show_default=True,
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A weights file.  [default: the shipped one]",
)
@click.option("--drawings", type=int, default=200, show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for tables and pictures.  [default: runs/SYSTEM-evaluation]",
)
@click.option("--quick", is_flag=True, help="Without FID and LPIPS.")
@click.option(
    "--baseline-weights",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Of the paper's network, to compare with, for systems that can.",
)
@click.option(
    "--ablation",
    "ablations",
    multiple=True,
    metavar="NAME=FILE",
    callback=_named_files,
    help="Weights that were trained without something, for systems that can; any number of times.",
)
def evaluate(
    system: str,
    data: Path,
    weights: Path | None,
    drawings: int,
    out: Path | None,
    quick: bool,
    baseline_weights: Path | None,
    ablations: dict[str, Path],
) -> None:
    """Measure SYSTEM on held-out data and print the tables of its model card."""
    evaluation = import_module(f"s2i_training.evaluations.{system}")
    folder = out or Path("runs") / f"{system}-evaluation"
    folder.mkdir(parents=True, exist_ok=True)
    asked = {"baseline_weights": baseline_weights, "ablations": ablations}
    more = {name: value for name, value in asked.items() if value}
    for name in more.keys() - signature(evaluation.evaluate).parameters.keys():
        raise click.UsageError(f"{system} has no {name.replace('_', ' ')} to compare with.")
    with plain_errors():
        report = evaluation.evaluate(data, weights, drawings, folder, quick=quick, **more)
    (folder / "report.md").write_text(report, encoding="utf-8")
    click.echo(report)
    click.echo(f"Written to {folder}/report.md")


@main.command()
@click.argument("system", type=click.Choice(SYSTEMS))
@click.option(
    "--run",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of the run.  [default: runs/SYSTEM]",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The .safetensors file to write.",
)
def export(system: str, folder: Path | None, out: Path) -> None:
    """Write a run's averaged weights as half-precision safetensors with their description."""
    recipe = import_module(f"s2i_training.recipes.{system}")
    with plain_errors():
        size = recipe.export(folder or Path("runs") / system, out)
    click.echo(f"{out}: {size / 1e6:.1f} MB")


@main.command()
@click.argument(
    "runs",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
)
@click.option("--of", "names", required=True, help="Names with commas, such as attention,color.")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="A PNG."
)
def curves(runs: tuple[Path, ...], names: str, out: Path) -> None:
    """Draw what was measured while the runs in the folders RUNS trained."""
    from s2i_training.curves import draw_curves

    with plain_errors():
        draw_curves(runs, [name.strip() for name in names.split(",")], out)
    click.echo(f"wrote {out}")
