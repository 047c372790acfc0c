"""A pipeline's declaration as options of a command: one per input and one per parameter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from s2i_client.declaration import Declaration, Input, InvalidRequest, Parameter, Value

# A folder of drawings, by the name that needs no knowing of the pipeline's inputs.
FOLDER, PAGES = "--folder", "pages"
PICTURES_ALLOWED = "a picture file (PNG, JPEG, WebP or TIFF) or a folder of them"


def option_name(name: str) -> str:
    """`paper_tone` is `--paper-tone` on the command line."""
    return "--" + name.replace("_", "-")


class PicturesPath(click.ParamType):
    """An existing file or folder."""

    name = "file or folder"

    def convert(self, value: Any, param: Any, ctx: Any) -> Path:
        path = Path(value).expanduser()
        if not path.exists():
            self.fail(f"got {value!r}, which does not exist; allowed is {PICTURES_ALLOWED}.")
        return path

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "PATH"

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return f"Allowed is {PICTURES_ALLOWED}."


class FolderPath(click.ParamType):
    """An existing folder, whose path the daemon understands too; nothing stays nothing."""

    name = "folder"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        if value == "":
            return value
        path = Path(value).expanduser().absolute()
        if not path.is_dir():
            self.fail(f"got {value!r}, which is not a folder; allowed is an existing folder.")
        return str(path)

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "FOLDER"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(incomplete, type="dir")]


class DeclaredValue(click.ParamType):
    """A value that a parameter's declaration checks, with the same words as the daemon."""

    def __init__(self, parameter: Parameter):
        self.parameter = parameter
        self.name = parameter.type

    def convert(self, value: Any, param: Any, ctx: Any) -> Value:
        try:
            return self.parameter.check(self._read(value))
        except InvalidRequest as error:
            self.fail(f"got {value!r}, allowed is {error.allowed}.")

    def _read(self, value: Any) -> Any:
        if not isinstance(value, str) or self.parameter.type not in ("int", "float"):
            return value
        for kind in (int, float):
            try:
                return kind(value)
            except ValueError:
                continue
        return value

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        match self.parameter.type:
            case "choice":
                return f"[{'|'.join(self.parameter.choices)}]"
            case "text":
                return "TEXT"
            case _:
                return f"{self.parameter.minimum:g}…{self.parameter.maximum:g}"


class LeadingOption(click.Option):
    """The input that a run is about, which may be given as `--folder` too."""

    def handle_parse_result(
        self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]
    ) -> tuple[Any, list[str]]:
        if PAGES in opts:
            if self.name in opts:
                raise click.UsageError(
                    f"Give either {FOLDER} or {self.opts[0]}: both name the same input.", ctx
                )
            opts = {**opts, str(self.name): opts[PAGES]}
        return super().handle_parse_result(ctx, opts, args)


def declared_options(declaration: Declaration) -> list[click.Option]:
    """The options in declared order; their destinations are `input_NAME` and `parameter_NAME`."""
    return [
        *[_input_option(declared, declaration) for declared in declaration.inputs],
        *[_parameter_option(declared) for declared in declaration.parameters],
    ]


def folder_option(declaration: Declaration) -> list[click.Option]:
    """`--folder`, for many drawings; none where the pipeline has an option of this name itself."""
    names = [part.name for part in (*declaration.inputs, *declaration.parameters)]
    if FOLDER in map(option_name, names):
        return []
    leading = option_name(declaration.leading.name)
    return [
        click.Option(
            [FOLDER, PAGES],
            type=FolderPath(),
            expose_value=False,
            help=f"A folder of drawings to work on, one after another; the same as {leading} "
            "with a folder.  [optional]",
        )
    ]


def _input_option(declared: Input, declaration: Declaration) -> click.Option:
    return (LeadingOption if declared is declaration.leading else click.Option)(
        [option_name(declared.name), f"input_{declared.name}"],
        type=PicturesPath(),
        required=declared.required,
        help=declared.help + ("" if declared.required else "  [optional]"),
    )


def _parameter_option(declared: Parameter) -> click.Option:
    name, destination = option_name(declared.name), f"parameter_{declared.name}"
    if declared.type == "bool":
        return click.Option(
            [f"{name}/--no-{name[2:]}", destination],
            default=declared.default,
            show_default=True,
            help=declared.help,
        )
    shown = f"{declared.default:g}" if isinstance(declared.default, float) else declared.default
    return click.Option(
        [name, destination],
        type=FolderPath() if declared.type == "folder" else DeclaredValue(declared),
        default=declared.default,
        help=f"{declared.help}  [default: {shown}]" if shown != "" else declared.help,
    )


def given_inputs(options: dict[str, Any]) -> dict[str, Path]:
    """The paths by input, of a command's values; inputs that were left out are left out."""
    return {k[6:]: v for k, v in options.items() if k.startswith("input_") and v is not None}


def given_parameters(options: dict[str, Any]) -> dict[str, Value]:
    """The values by parameter, defaults too."""
    return {k[10:]: v for k, v in options.items() if k.startswith("parameter_")}
