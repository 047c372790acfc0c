"""`s2i-backend`: serve sketch systems to Krita and Blender, or use them from the command line."""

from __future__ import annotations

import click

from s2i_backend.commands.addons import addons
from s2i_backend.commands.daemon import serve, status, stop
from s2i_backend.commands.models import models
from s2i_backend.commands.run import run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="s2i", prog_name="s2i-backend")
def main() -> None:
    """Sketches become pictures: the daemon for Krita and Blender, and its tools.

    \b
    Color a drawing:     s2i-backend run auto_painter --sketch page.png -o out
    See what there is:   s2i-backend models
    Start the daemon:    s2i-backend serve
    """


for command in (serve, status, stop, models, run, addons):
    main.add_command(command)
