"""`s2i-backend run PIPELINE`: files and folders through the daemon, one PNG per layer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from s2i_backend.commands.daemon import device_option
from s2i_backend.declared_options import (
    declared_options,
    folder_option,
    given_inputs,
    given_parameters,
    option_name,
)
from s2i_client.declaration import Declaration, InvalidRequest

if TYPE_CHECKING:
    from s2i_backend.run_plan import Piece
    from s2i_backend.run_work import Outcome, Wish

INTERRUPTED = 130  # the shells' code for a program that Ctrl-C ended


class RunGroup(click.Group):
    """One command per pipeline, made of its declaration."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from s2i_models.catalog import NAMES

        return list(NAMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from s2i_models.catalog import NAMES, declaration

        return pipeline_command(declaration(cmd_name)) if cmd_name in NAMES else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            names = ", ".join(self.list_commands(ctx))
            raise click.UsageError(f"No pipeline is called {args[0]!r}; there are {names}.")
        return super().resolve_command(ctx, args)


@click.group(cls=RunGroup, subcommand_metavar="PIPELINE [OPTIONS]")
def run() -> None:
    """Run a pipeline on picture files, or on whole folders.

    A daemon is started when none runs; it ends by itself a minute later.

    \b
    s2i-backend run auto_painter --sketch page.png --hints dabs.png -o out
    s2i-backend run auto_painter --sketch pages/ --hints hints/ -o out
    s2i-backend run reference_colorization --folder pages/ --reference sheet.png -o out
    s2i-backend run auto_painter --sketch pages/ --hints hints/ --combine --sheet all.png -o out
    s2i-backend run auto_painter --help
    """


def pipeline_command(declared: Declaration) -> click.Command:
    """The command that runs one pipeline: an option for each input and parameter, and ours."""

    @click.command(
        declared.name,
        short_help=declared.summary,
        hidden=declared.hidden,
        help=_help(declared),
        context_settings={"allow_extra_args": True},
    )
    @click.option(
        "-o", "--out", type=click.Path(path_type=Path, file_okay=False), required=True,
        help="Folder for the layers; made if needed.",
    )  # fmt: skip
    @click.option("--layers", metavar="NAMES", help=_layers_help(declared))
    @device_option("Device for a daemon that has to be started: auto, cpu, mps, cuda:N.")
    @click.option(
        "--combine",
        is_flag=True,
        help="Of several folders, take each picture with each one of the others, not with that of "
        "the same name; layers are then in a folder in a folder.",
    )
    @click.option(
        "--sheet",
        type=click.Path(path_type=Path, dir_okay=False),
        help="A PNG file for a sheet of all inputs and results, small and labeled.",
    )
    @click.option(
        "--force",
        is_flag=True,
        help="Make finished layers anew, and replace files that are in the way.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
    @click.pass_context
    def command(ctx: click.Context, **options: Any) -> None:
        _run(ctx, declared, options)

    command.params[:0] = [*declared_options(declared), *folder_option(declared)]
    return command


def _help(declared: Declaration) -> str:
    first = declared.leading.name
    return (
        f"{declared.summary}\n\nWrites one PNG per layer, named for it, into the folder given "
        f"with -o. Given a folder as {option_name(first)}, each of its pictures gets a folder of "
        "its own there; other inputs then are a folder with the same file names (or any, with "
        "--combine), or one file for all. Run it again to go on with what is not finished."
    )


def _layers_help(declared: Declaration) -> str:
    defaults = ",".join(o.name for o in declared.outputs if o.default)
    names = ", ".join(o.name for o in declared.outputs)
    return f"Layers to make, with commas between: {names}.  [default: {defaults}]"


def _run(ctx: click.Context, declared: Declaration, options: dict[str, Any]) -> None:
    if ctx.args:
        raise click.UsageError(
            f"Got arguments that belong to no option: {' '.join(ctx.args)}. To work on several "
            "files, give their folder."
        )
    pieces, wish = _prepare(declared, options)
    _keep_inputs(pieces, wish)
    if options["sheet"] is not None:
        _check_sheet(options["sheet"], declared, pieces, options)
    finished = set()
    if not options["force"] and any(p.out != options["out"] for p in pieces):
        from s2i_backend.run_work import is_finished

        finished = {p.name for p in pieces if is_finished(p, wish)}
    report = Report(options["out"], as_json=options["as_json"], count=len(pieces))
    for piece in pieces:
        if piece.name in finished:
            report.finished_before(piece, wish)
    left = [p for p in pieces if p.name not in finished]
    try:
        interrupted = bool(left) and _work(left, wish, options["devices"], report)
        if options["sheet"] is not None and not interrupted:
            _write_sheet(options["sheet"], declared, pieces, report)
    finally:
        report.end(declared)
    if interrupted:
        raise SystemExit(INTERRUPTED)
    if report.failed:
        raise SystemExit(1)


def _prepare(declared: Declaration, options: dict[str, Any]) -> tuple[list[Piece], Wish]:
    """Everything that can be wrong with the command line is found here, before any work."""
    from s2i_backend.model_store import ModelStore
    from s2i_backend.run_plan import PlanError, plan
    from s2i_backend.run_work import Wish, contents_of

    paths = given_inputs(options)
    layers = options["layers"]
    names = None if layers is None else [n.strip() for n in layers.split(",") if n.strip()]
    try:
        parameters, outputs = declared.check(paths, given_parameters(options), names)
        pieces = plan(declared, paths, options["out"], options["combine"])
    except InvalidRequest as error:
        name = "layers" if error.field == "outputs" else error.field
        raise click.BadParameter(
            f"got {error.given!r}, allowed is {error.allowed}.", param_hint=repr(option_name(name))
        ) from error
    except PlanError as error:
        raise click.BadParameter(str(error), param_hint=repr(option_name(error.field))) from error
    searched = {
        p.name: Path(str(parameters[p.name]))
        for p in declared.parameters
        if p.type == "folder" and parameters[p.name]
    }
    _keep_apart(options["out"], "'-o' / '--out'", searched.values())
    if options["sheet"] is not None:
        _keep_apart(options["sheet"], "'--sheet'", searched.values())
    chosen = ModelStore().chosen(declared.name)
    weights = (chosen.name, chosen.sha256()) if chosen else None
    below = bool(parameters.get("subfolders", True))
    folders = {name: contents_of(folder, below) for name, folder in searched.items()}
    return pieces, Wish(declared.name, parameters, outputs, weights, options["force"], folders)


def _keep_apart(written: Path, option: str, searched: Iterable[Path]) -> None:
    """What is written must not be found by the next search, nor count as a change of the folder."""
    for folder in searched:
        if written.resolve().is_relative_to(folder.resolve()):
            raise click.BadParameter(
                f"{written} lies in {folder}, which is searched, so what is written would be found "
                "too. Choose a place outside of it.",
                param_hint=option,
            )


def _keep_inputs(pieces: Sequence[Piece], wish: Wish) -> None:
    from s2i_backend.run_work import overwritten_input

    if (found := overwritten_input(pieces, wish)) is not None:
        taken, layer = found
        raise click.BadParameter(
            f"the layer {layer} would replace {taken}, which is an input of this run. Choose "
            "another folder.",
            param_hint="'-o' / '--out'",
        )


def _check_sheet(
    sheet: Path, declared: Declaration, pieces: Sequence[Piece], options: dict[str, Any]
) -> None:
    from s2i_backend.picture_files import PictureFileError
    from s2i_backend.run_sheet import check_sheet

    folders = [path for path in given_inputs(options).values() if path.is_dir()]
    try:
        check_sheet(sheet, declared, pieces, folders, options["force"])
    except PictureFileError as error:
        raise click.BadParameter(str(error), param_hint="'--sheet'") from error


def _write_sheet(
    sheet: Path, declared: Declaration, pieces: Sequence[Piece], report: Report
) -> None:
    from s2i_backend.picture_files import PictureFileError
    from s2i_backend.run_sheet import write_sheet

    try:
        if write_sheet(sheet, declared, pieces, report.outcomes):
            report.sheet = sheet
    except PictureFileError as error:
        report.sheet_failed(error)


def _work(pieces: Sequence[Piece], wish: Wish, devices: tuple[str, ...], report: Report) -> bool:
    """Run the pieces through the daemon; returns whether Ctrl-C ended it."""
    from s2i_backend.commands.daemon import plain_errors
    from s2i_backend.daemon_process import connect_or_start
    from s2i_backend.run_work import Work

    with plain_errors(), report, connect_or_start(devices) as client:
        try:
            Work(client, wish, pieces, report.add, report.progress).run()
        except KeyboardInterrupt:
            return True
    return False


class Report:
    """Tells of a run: a progress bar and failures on standard error, the end on standard output."""

    def __init__(self, out: Path, *, as_json: bool, count: int):
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._out = out
        self._as_json = as_json
        self._count = count
        self.outcomes: list[Outcome] = []
        self.sheet: Path | None = None
        self.failed = False
        self._console = Console(stderr=True, highlight=False)
        # What is being done stands last, so that the bar does not move with its length.
        self._bar = Progress(
            BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False), console=self._console, transient=True,
            disable=not self._console.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task("starting", total=count)

    def __enter__(self) -> Report:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def finished_before(self, piece: Piece, wish: Wish) -> None:
        """A piece whose layers are there already."""
        from s2i_backend.run_work import Outcome, layer_files, titles_of

        files = layer_files(piece, wish)
        titles = titles_of(files)
        self.outcomes.append(Outcome(piece.name, "finished before", piece.out, files, titles))

    def progress(self, pieces_done: float, what: str) -> None:
        before = sum(o.status == "finished before" for o in self.outcomes)
        self._bar.update(self._task, completed=before + pieces_done, description=what)

    def add(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        for note in outcome.notes:
            self._console.print(f"{outcome.name}: {note}", markup=False, soft_wrap=True)
        if outcome.status == "failed":
            self._tell_failure(outcome.error)
        elif outcome.status == "done" and not self._console.is_terminal and self._count > 1:
            self._console.print(f"{outcome.name}: done in {outcome.seconds:.1f} s", markup=False)

    def sheet_failed(self, error: Exception) -> None:
        self._tell_failure(str(error))

    def _tell_failure(self, text: str) -> None:
        from rich.text import Text

        self.failed = True
        self._console.print(Text(text, style="red"), soft_wrap=True)

    def end(self, pipeline: Declaration) -> None:
        """The last words."""
        if self._as_json:
            told: dict[str, Any] = {"pipeline": pipeline.name}
            told["files"] = [o.to_dict() for o in self.outcomes]
            if self.sheet is not None:
                told["sheet"] = str(self.sheet)
            click.echo(json.dumps(told, indent=2))
            return
        self._tell_pieces(pipeline)
        if self.sheet is not None:
            click.echo(f"Sheet: {self.sheet}")

    def _tell_pieces(self, pipeline: Declaration) -> None:
        only = self.outcomes[0] if self._count == 1 and self.outcomes else None
        if only is not None and only.status == "done":
            names = ", ".join(path.name for path in only.layers.values())
            if pipeline.off_canvas:  # what was found is told by its titles
                for key, title in only.titles.items():
                    click.echo(f"{only.layers[key].name}  {title}")
            click.echo(f"Wrote {names} to {only.out} ({only.seconds:.1f} s).")
            return
        if not self.outcomes or (only is not None and only.status == "failed"):
            return  # the error has said all there is to say
        counts = Counter(o.status for o in self.outcomes)
        click.echo(", ".join(f"{n} {status}" for status, n in counts.items()) + f": {self._out}")
        if counts["failed"] and self._count > 1:
            click.echo("Correct what is named above and run the same again for the rest.")
        elif counts["cancelled"] and self._count > 1:
            click.echo("Run the same again to go on.")
        elif counts["finished before"] == self._count:
            click.echo("Nothing was left to do; --force makes them anew.")
