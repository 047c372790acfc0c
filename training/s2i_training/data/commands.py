"""`s2i-train data`: build sets of open drawings and of faces, and look at them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    import numpy as np

    from s2i_training.data.manifest import Item

DEFAULT_SET = Path("data/lineart")
FACES_SET = Path("data/faces")
UNKNOWN_TERMS = "non-commercial (terms not stated)"
SPLITS = ("train", "validation", "test")


@click.group("data")
def data_commands() -> None:
    """Build training data from open packages, and look at it."""


@data_commands.group("build")
def build_commands() -> None:
    """Fetch the packages of a set and write it with its licences."""


@data_commands.group("show")
def show_commands() -> None:
    """Draw a contact sheet of a built set."""


def _chosen(_context: click.Context, _parameter: click.Parameter, value: str) -> list[str]:
    from s2i_training.data.sources import SOURCES

    names = [name.strip() for name in value.split(",")] if value else list(SOURCES)
    unknown = sorted(set(names) - set(SOURCES))
    if unknown:
        known = ", ".join(SOURCES)
        raise click.BadParameter(f"no source named {', '.join(unknown)}; there are {known}")
    return names


@build_commands.command("lineart")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_SET,
    show_default=True,
    help="Folder of the set; a build that was interrupted goes on there.",
)
@click.option(
    "--sources", default="", callback=_chosen, help="Names with commas between.  [default: all]"
)
@click.option("--limit", type=click.IntRange(min=1), help="At most so many drawings of a source.")
@click.option(
    "--packages",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data/packages"),
    show_default=True,
    help="Where downloaded packages are kept.",
)
def build_lineart(out: Path, sources: list[str], limit: int | None, packages: Path) -> None:
    """Drawings in color with lines, from open emoji, clip art and avatar sets."""
    from s2i_training.data.build import build_set
    from s2i_training.data.packages import PackageUnavailableError
    from s2i_training.data.sources import SOURCES

    console = Console()
    with _progress(console) as report:
        try:
            items = build_set([SOURCES[name] for name in sources], out, packages, limit, report)
        except PackageUnavailableError as error:
            raise click.ClickException(str(error)) from error
    console.print(licence_table(items))
    console.print(f"{len(items)} drawings in {out}")


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """Bars, one for each kind of work, that a build reports to."""
    bar = Progress(
        TextColumn("{task.description:<14}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )
    tasks = {}

    def report(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=total)
        bar.update(tasks[what], completed=done, total=total)

    with bar:
        yield report


@build_commands.command("faces")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=FACES_SET,
    show_default=True,
    help="Folder of the set; a build that was interrupted goes on there.",
)
@click.option("--count", type=click.IntRange(min=1), help="So many faces are generated.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Another seed gives other faces.",
)
@click.option(
    "--truncation",
    type=click.FloatRange(0, 1),
    default=0.7,
    show_default=True,
    help="Less gives fewer faults and less variety.",
)
@click.option(
    "--pictures",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of ready pictures of faces, all aligned alike.",
)
@click.option("--source", default="", help="Name of those pictures.  [default: the folder's]")
@click.option("--source-version", default="", help="Version of those pictures, if they have one.")
@click.option(
    "--license",
    "terms",
    default=UNKNOWN_TERMS,
    show_default=True,
    help="Their licence, as the manifest and model cards shall say it.",
)
@click.option("--author", default="", help="Who made them.")
@click.option(
    "--side",
    type=click.IntRange(min=32),
    default=256,
    show_default=True,
    help="Width and height of the set's pictures.",
)
@click.option(
    "--packages",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data/packages"),
    show_default=True,
    help="Where downloaded packages are kept.",
)
def build_faces(
    out: Path,
    count: int | None,
    seed: int,
    truncation: float,
    pictures: Path | None,
    source: str,
    source_version: str,
    terms: str,
    author: str,
    side: int,
    packages: Path,
) -> None:
    """Aligned faces: generated ones (about one a second), ready pictures of a folder, or both.

    Treat generated faces, and weights trained on them, as non-commercial.
    """
    from s2i_training.data.face_generator import generated_faces
    from s2i_training.data.face_pictures import faces_in
    from s2i_training.data.faces import FaceSource, build_faces
    from s2i_training.data.packages import PackageUnavailableError

    if pictures is None and count is None:
        raise click.UsageError("nothing to build from: give --count N, --pictures FOLDER, or both")
    console = Console()
    sources: list[FaceSource] = []
    try:
        if pictures is not None:
            name = source or pictures.resolve().name
            faces = faces_in(pictures, side)
            sources.append(FaceSource(name, source_version, terms, author, faces))
        if count is not None:
            sources.append(generated_faces(count, seed, truncation, side, packages))
        with _progress(console) as report:
            items = build_faces(sources, out, side, report)
    except (ValueError, PackageUnavailableError) as error:
        raise click.ClickException(str(error)) from error
    console.print(licence_table(items))
    console.print(f"{len(items)} faces in {out}")


def licence_table(items: Sequence[Item]) -> Table:
    """What a set holds: source, version, licence, drawings in each split, subjects."""
    table = Table(title="Sources and licences")
    for heading in ("source", "version", "licence", "by"):
        table.add_column(heading, overflow="fold")
    for heading in (*SPLITS, "subjects"):
        table.add_column(heading, justify="right", no_wrap=True)
    kinds = Counter((i.source, i.version, i.license) for i in items)
    for kind in sorted(kinds):
        mine = [item for item in items if (item.source, item.version, item.license) == kind]
        authors = sorted({item.author for item in mine if item.author})
        by = ", ".join(authors) if len(authors) <= 3 else f"{len(authors)} authors, see manifest"
        splits = Counter(item.split for item in mine)
        counts = [str(splits[split]) for split in SPLITS]
        table.add_row(*kind, by, *counts, str(len({item.subject for item in mine})))
    return table


_to_sheet = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("sheet.png"),
    show_default=True,
)
_of_split = click.option("--split", type=click.Choice(SPLITS), default="train", show_default=True)


@show_commands.command("lineart")
@_to_sheet
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_SET,
    show_default=True,
)
@_of_split
@click.option("--sources", default="", help="Names with commas between.  [default: all]")
@click.option("--rows", type=click.IntRange(min=1), default=12, show_default=True)
@click.option("--size", type=click.IntRange(min=32), default=192, show_default=True)
def show_lineart(output: Path, data: Path, split: str, sources: str, rows: int, size: int) -> None:
    """Rows of drawings; columns: color, a training sample, and every style of lines."""
    from s2i_training.data.sheet import contact_sheet

    names = tuple(name.strip() for name in sources.split(",")) if sources else None
    try:
        sheet = contact_sheet(data, split, rows, size, names)  # type: ignore[arg-type]
    except (FileNotFoundError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    _write_sheet(output, sheet)


@show_commands.command("faces")
@_to_sheet
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=FACES_SET,
    show_default=True,
)
@_of_split
@click.option("--rows", type=click.IntRange(min=1), default=6, show_default=True)
@click.option("--columns", type=click.IntRange(min=1), default=8, show_default=True)
@click.option("--size", type=click.IntRange(min=32), default=160, show_default=True)
def show_faces(output: Path, data: Path, split: str, rows: int, columns: int, size: int) -> None:
    """A grid of faces; the first cell is their mean, which shows how they are aligned."""
    from s2i_training.data.face_sheet import face_sheet

    try:
        sheet = face_sheet(data, split, rows, columns, size)  # type: ignore[arg-type]
    except (FileNotFoundError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    _write_sheet(output, sheet)


def _write_sheet(output: Path, sheet: np.ndarray) -> None:
    """Write (H, W, 3) RGB to a file that the user named."""
    import cv2

    if not cv2.imwrite(str(output), sheet[:, :, ::-1]):
        raise click.ClickException(f"could not write {output}: name it .png in a folder that is")
    click.echo(f"wrote {output}")
