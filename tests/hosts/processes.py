"""Ending what a test has started."""

from __future__ import annotations

import subprocess

_PATIENCE = 10.0


def end(process: subprocess.Popen) -> int:
    """Ask it to end, and see to it when it does not; its exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()
