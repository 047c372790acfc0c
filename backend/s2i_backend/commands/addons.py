"""`s2i-backend addons`: the add-ons for Krita and Blender, built, installed and removed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from s2i_backend.addons.krita_places import KritaPlace

Command = TypeVar("Command", bound=Callable[..., Any])

ADDONS = ("krita",)
# Written out, as the command line has to start at once; a test compares it.
PLATFORMS = ("this", "all", "linux-x86_64", "linux-aarch64", "macos", "windows-amd64")

addon_argument = click.argument("addon", type=click.Choice(ADDONS))
resources_option = click.option(
    "--resources",
    type=click.Path(file_okay=False, path_type=Path),
    help="Krita's folder of resources.  [default: that of each Krita of yours]",
)


def contents_options(default_platform: str) -> Callable[[Command], Command]:
    """The options that say what a built add-on carries."""
    options = [
        click.option(
            "--platform",
            "platforms",
            type=click.Choice(PLATFORMS),
            multiple=True,
            default=(default_platform,),
            show_default=True,
            help="Which systems it shall run on; several times for several.",
        ),
        click.option(
            "--wheels",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="Take wheels of pyzmq from this folder instead of by pip.",
        ),
        click.option(
            "--no-backend",
            is_flag=True,
            help="Leave out s2i itself, which the add-on's Install button installs.",
        ),
    ]

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@click.group()
def addons() -> None:
    """Build and install the add-on for Krita.

    \b
    s2i-backend addons install krita       put it into the Krita on this machine
    s2i-backend addons build krita -o .    make a zip for Krita's own plugin importer
    """


@addons.command()
@addon_argument
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write the zip into.",
)
@contents_options("all")
def build(
    addon: str, out: Path, platforms: tuple[str, ...], wheels: Path | None, no_backend: bool
) -> None:
    """Make a zip that Krita's `Import Python Plugin from File` accepts."""
    from s2i_backend.addons.krita import write_plugin_zip

    with _plain_errors():
        path = write_plugin_zip(_files(platforms, wheels, no_backend), out)
    click.echo(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")


@addons.command()
@addon_argument
@resources_option
@contents_options("this")
def install(
    addon: str,
    resources: Path | None,
    platforms: tuple[str, ...],
    wheels: Path | None,
    no_backend: bool,
) -> None:
    """Put an add-on where its host finds it, in place of an older one, and switch it on."""
    from s2i_backend.addons import krita_installation

    with _plain_errors():
        files = _files(platforms, wheels, no_backend)
        for place in _places(resources):
            krita_installation.install(files, place)
            click.echo(f"Installed in {place.resources}, switched on in {place.kritarc}.")
    click.echo("If Krita is running, start it again. Then: Settings > Dockers > s2i.")


@addons.command()
@addon_argument
@resources_option
def uninstall(addon: str, resources: Path | None) -> None:
    """Remove what `install` put there, and nothing else."""
    from s2i_backend.addons import krita_installation

    with _plain_errors():
        places = _places(resources)
        removed = [place for place in places if krita_installation.uninstall(place)]
    for place in removed:
        click.echo(f"Removed from {place.resources}. If Krita is running, start it again.")
    if not removed:
        click.echo(f"There is none in {' or '.join(str(p.resources) for p in places)}.")


@addons.command("list")
@resources_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_addons(resources: Path | None, as_json: bool) -> None:
    """List the add-ons that come with this version, and where they are installed."""
    import s2i_client
    from s2i_backend.addons.krita_installation import installed_version

    with _plain_errors():
        found = [(place.resources, installed_version(place)) for place in _places(resources)]
    installed = [
        {"resources": str(folder), "version": version} for folder, version in found if version
    ]
    if as_json:
        carried = {"name": "krita", "version": s2i_client.__version__, "installed": installed}
        click.echo(json.dumps([carried], indent=2))
        return
    click.echo(f"krita {s2i_client.__version__}")
    for place in installed:
        click.echo(f"  installed in {place['resources']}: {place['version']}")
    if not installed:
        click.echo("  not installed; to install it: s2i-backend addons install krita")


def _files(platforms: tuple[str, ...], wheels: Path | None, no_backend: bool) -> dict[str, bytes]:
    from s2i_backend.addons.krita import plugin_files
    from s2i_backend.addons.zmq_wheels import platform_names

    def say(what: str) -> None:
        click.echo(f"Getting {what} …", err=True)

    return plugin_files(platform_names(platforms), wheels, not no_backend, say)


def _places(resources: Path | None) -> list[KritaPlace]:
    from s2i_backend.addons.krita_places import krita_places

    return krita_places(resources)


@contextmanager
def _plain_errors() -> Iterator[None]:
    from s2i_backend.addons.sources import AddonError

    try:
        yield
    except AddonError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(str(error)) from error
