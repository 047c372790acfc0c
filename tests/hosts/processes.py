"""Programs that a test starts, and their end."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

_PATIENCE = 10.0


def launch(command: Sequence[str], **options: Any) -> subprocess.Popen:
    """`subprocess.Popen`; on Linux what it starts ends with this process, however this ends."""
    if shutil.which("setpriv"):
        command = ["setpriv", "--pdeathsig", "KILL", *command]
    return subprocess.Popen(command, **options)


def end(process: subprocess.Popen) -> int:
    """Ask it to end, and see to it when it does not; its exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()
