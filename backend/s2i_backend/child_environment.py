"""The environment of the processes that this one starts in a folder of their own."""

from __future__ import annotations

import os
from pathlib import Path


def child_environment() -> dict[str, str]:
    """This program's environment, with the folders of ours (`S2I_…_DIR`) as full paths.

    `python -m` looks for modules in the current folder first, and the user's pictures may lie
    beside a file called random.py. What we start therefore runs in the run folder, into which
    nobody else can write, and where a relative path would mean another place.
    """
    ours = {
        name: str(Path(value).resolve())
        for name, value in os.environ.items()
        if name.startswith("S2I_") and name.endswith("_DIR") and value
    }
    return {**os.environ, **ours}
