"""The environment and the manner in which a host starts programs that are not its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

# What an embedded Python, a bundle or a virtual environment sets for itself alone.
_OF_THE_HOST = {
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONEXECUTABLE",
    "PYTHONPLATLIBDIR",
    "PYTHONUSERBASE",
    "__PYVENV_LAUNCHER__",
    "VIRTUAL_ENV",
    "APPDIR",
    "APPIMAGE",
    "ARGV0",
    "OWD",
}
_PREFIXES_OF_THE_HOST = ("QT_", "QML", "APPIMAGE_STARTUP_", "APPRUN_STARTUP_")
# AppImage's and AppRun's exec wrappers and PyInstaller keep the user's values under these names.
_ORIGINAL_PREFIXES = ("APPIMAGE_ORIGINAL_", "APPRUN_ORIGINAL_")
_ORIGINAL_SUFFIX = "_ORIG"


def clean_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The user's environment, without what the host set for itself; by default this process's.

    Of every list of paths, such as `PATH` or `LD_LIBRARY_PATH`, the parts inside the host's own
    AppImage or snap go, because another program would load the wrong libraries from there.
    Folders of ours (`S2I_…_DIR`) become full paths, as the child runs in another folder.
    """
    found = dict(os.environ if environment is None else environment)
    bundles = [found[name] for name in ("APPDIR", "SNAP") if found.get(name)]
    clean: dict[str, str] = {}
    for name, value in found.items():
        if name in _OF_THE_HOST or name.startswith(_PREFIXES_OF_THE_HOST + _ORIGINAL_PREFIXES):
            continue
        if name.startswith("S2I_") and name.endswith("_DIR") and value:
            clean[name] = str(Path(value).resolve())
        elif kept := _outside(value, bundles):
            clean[name] = kept
        elif not value:
            clean[name] = value
    for name, original in _originals(found):
        clean.pop(name, None)
        if kept := _outside(original, bundles):
            clean[name] = kept
    return clean


def _outside(value: str, bundles: list[str]) -> str:
    """`value` without its parts that lie inside one of the bundles."""
    if not any(bundle in value for bundle in bundles):
        return value
    parts = value.split(os.pathsep)
    return os.pathsep.join(
        part
        for part in parts
        if not any(part == bundle or part.startswith(bundle + os.sep) for bundle in bundles)
    )


def _originals(found: Mapping[str, str]) -> list[tuple[str, str]]:
    """The names and values that were the user's before the bundle changed them."""
    originals = []
    for name, value in found.items():
        prefix = next((p for p in _ORIGINAL_PREFIXES if name.startswith(p)), "")
        if prefix:
            originals.append((name[len(prefix) :], value))
        elif name.endswith(_ORIGINAL_SUFFIX) and name[: -len(_ORIGINAL_SUFFIX)] in found:
            originals.append((name[: -len(_ORIGINAL_SUFFIX)], value))
    return [(name, value) for name, value in originals if name not in _OF_THE_HOST]


def start_detached(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    stdout: IO[bytes] | int,
    stderr: int = subprocess.STDOUT,
    folder: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a group of its own and without a window, with nothing to read.

    Neither Ctrl-C in the host's terminal nor the host's end reaches it. Raises `OSError` when the
    program can not be started.
    """
    # On Windows it has a console of its own, without a window, which its children share.
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    return subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        cwd=folder,
        env=dict(environment),
        creationflags=flags,
        start_new_session=sys.platform != "win32",
    )
