"""`s2i-backend models`: what the pipelines take and give, and the weights they load."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from s2i_backend.model_store import ModelStore, Weights

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class ModelsGroup(click.Group):
    """The commands on weights, and one command for each pipeline, named as it is."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from s2i_models.catalog import NAMES

        command = super().get_command(ctx, cmd_name)
        if command is None and cmd_name in NAMES:
            return _pipeline_command(cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from s2i_models.catalog import NAMES

        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            commands = ", ".join(self.list_commands(ctx))
            raise click.UsageError(
                f"{args[0]!r} is neither a pipeline ({', '.join(NAMES)}) nor a command "
                f"({commands})."
            )
        return super().resolve_command(ctx, args)


@click.group(cls=ModelsGroup, invoke_without_command=True)
@click.option("--all", "show_all", is_flag=True, help="List pipelines for diagnosis too.")
@json_option
@click.pass_context
def models(ctx: click.Context, show_all: bool, as_json: bool) -> None:
    """Show pipelines and manage weights.

    \b
    s2i-backend models                       all pipelines
    s2i-backend models auto_painter          inputs, parameters, outputs of one
    s2i-backend models list                  weights: shipped and your own
    s2i-backend models import FILE           bring in weights
    s2i-backend models use NAME              let their pipeline load them
    """
    if ctx.invoked_subcommand is not None:
        return
    from s2i_models.catalog import declarations

    store = _store()
    if as_json:
        plain = {d.name: {**d.to_dict(), "weights": _state(store, d.name)} for d in declarations()}
        click.echo(json.dumps(plain, indent=2))
        return
    from s2i_backend.tables import show_pipelines

    shown = [d for d in declarations() if show_all or not d.hidden]
    show_pipelines([(d, store.chosen(d.name)) for d in shown])


def _pipeline_command(name: str) -> click.Command:
    @click.command(name, help=f"Show what {name} takes and gives.")
    @json_option
    def show(as_json: bool) -> None:
        from s2i_models.catalog import declaration

        declared, store = declaration(name), _store()
        if as_json:
            plain = {**declared.to_dict(), "weights": _state(store, name)}
            click.echo(json.dumps(plain, indent=2))
            return
        from s2i_backend.tables import show_declaration

        show_declaration(declared, store.chosen(name))

    return show


@models.command("list")
@json_option
def list_weights(as_json: bool) -> None:
    """List weights: those that ship and those you imported."""
    store = _store()
    weights = store.list()
    used = {w.pipeline: chosen.name for w in weights if (chosen := store.chosen(w.pipeline))}
    if as_json:
        plain = {w.name: {**w.to_dict(), "used": used.get(w.pipeline) == w.name} for w in weights}
        click.echo(json.dumps(plain, indent=2))
        return
    from s2i_backend.tables import show_weights

    show_weights(weights, used, store.folder)


@models.command()
@click.argument("name")
@json_option
def info(name: str, as_json: bool) -> None:
    """Show the file and the model card of the weights NAME."""
    with _plain_errors():
        weights = _store().find(name)
    if as_json:
        click.echo(json.dumps({**weights.to_dict(), "card": weights.card}, indent=2))
        return
    from s2i_backend.tables import show_weights_info

    show_weights_info(weights)


@models.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="What to call them.  [default: the file's name]")
@click.option("--use", "use_now", is_flag=True, help="Let their pipeline load them from now on.")
def import_weights(file: Path, name: str | None, use_now: bool) -> None:
    """Bring in weights: a .safetensors file, or a checkpoint of a known implementation.

    These are converted: TensorFlow checkpoints of Auto-painter's authors (give the .index file),
    and PyTorch checkpoints: of reference-based colorization Snailpong's model_dict and
    Jungjaewon's EPOCH-G.ckpt, of PI-REC its author's G_Model_gen_ITERATION.pth, which brings the
    R_Model_gen file beside it along, or the folder of both. PyTorch's files hold Python pickles;
    only tensors and plain containers are taken from them, nothing in them is run, and any other is
    refused.

    \b
    s2i-backend models import mine.safetensors --use
    s2i-backend models import anime/model-20000.index --name anime
    s2i-backend models import model/model_dict --name snailpong
    s2i-backend models import models/celeba
    """
    with _plain_errors():
        store = _store()
        weights = store.import_file(file, name)
        click.echo(f"Imported {weights.name}, weights of {weights.pipeline}, to {weights.path}.")
        if use_now:
            _use(store, weights.name)
        else:
            click.echo(f"To use them: s2i-backend models use {weights.name}")


@models.command()
@click.argument("name")
def use(name: str) -> None:
    """Let a pipeline load the weights NAME, from its next job on.

    The shipped weights have their pipeline's name: `s2i-backend models use auto_painter` goes
    back to them.
    """
    with _plain_errors():
        _use(_store(), name)


@models.command()
@click.argument("name")
def remove(name: str) -> None:
    """Delete the imported weights NAME. What ships stays."""
    with _plain_errors():
        weights = _store().remove(name)
    click.echo(f"Removed {name}.")
    if (now := _store().chosen(weights.pipeline)) is not None:
        click.echo(f"{weights.pipeline} loads {now.name}.")


def _use(store: ModelStore, name: str) -> None:
    weights = store.use(name)
    click.echo(f"{weights.pipeline} loads {weights.name} from its next job on.")


def _store() -> ModelStore:
    from s2i_backend.model_store import ModelStore

    return ModelStore()


def _state(store: ModelStore, pipeline: str) -> dict[str, Any] | None:
    weights: Weights | None = store.chosen(pipeline)
    return None if weights is None else weights.to_dict()


@contextmanager
def _plain_errors() -> Iterator[None]:
    from s2i_backend.model_store import StoreError

    try:
        yield
    except StoreError as error:
        raise click.ClickException(str(error)) from error
