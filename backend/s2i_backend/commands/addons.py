"""`s2i-backend addons`: which add-ons for Krita and Blender come with this version."""

from __future__ import annotations

import click


@click.group()
def addons() -> None:
    """Add-ons for Krita and Blender."""


@addons.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_addons(as_json: bool) -> None:
    """List the add-ons that are bundled with this version."""
    from importlib.metadata import version

    if as_json:
        click.echo("[]")
        return
    click.echo(
        f"s2i {version('s2i')} bundles no add-ons: neither the one for Krita nor the one for "
        "Blender is part of it yet.\nA version that has them lists them here and says so in its "
        "CHANGELOG.md. Until then use `s2i-backend run`."
    )
