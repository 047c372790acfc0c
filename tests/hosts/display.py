"""A screen of a test's own: Xvfb with openbox, and pictures of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from processes import end, launch

SIZE = "1600x1000x24"
PROGRAMS = ("Xvfb", "openbox", "import")
_PATIENCE = 60.0


class Display:
    """A virtual screen with a window manager, from construction to `close`.

    `name` is for `DISPLAY`. The log of both programs goes into `folder`.
    """

    def __init__(self, folder: Path):
        self._log = (folder / "display.log").open("ab")
        reading, writing = os.pipe()
        self._server = launch(
            [
                *("Xvfb", "-displayfd", str(writing), "-screen", "0", SIZE),
                *("-nolisten", "tcp", "-noreset", "+extension", "GLX", "+render"),
            ],
            pass_fds=[writing],
            stdout=self._log,
            stderr=self._log,
        )
        os.close(writing)
        with os.fdopen(reading) as number:
            self.name = f":{number.readline().strip()}"
        if self.name == ":":
            self._server.wait(_PATIENCE)
            self._log.close()
            raise RuntimeError(f"Xvfb did not start:\n{(folder / 'display.log').read_text()}")
        self._manager = launch(
            ["openbox", "--sm-disable"],
            env={**os.environ, "DISPLAY": self.name, "XDG_CONFIG_HOME": str(folder)},
            stdout=self._log,
            stderr=self._log,
        )

    def photograph(self, target: Path) -> Path:
        """Write the whole screen to `target`, a PNG."""
        subprocess.run(
            ["import", "-display", self.name, "-window", "root", str(target)],
            check=True,
            timeout=_PATIENCE,
        )
        return target

    def close(self) -> None:
        end(self._manager)
        end(self._server)
        self._log.close()


def missing_programs() -> list[str]:
    """The names of those that a display needs and this system does not have."""
    return [program for program in PROGRAMS if shutil.which(program) is None]
