"""What lies on the disk of the managed installation, and what state that is.

backend/
    current               names the version in use; replaced at once, when that one works
    s2i-0.1.0-3f9a01bc/   a virtual environment; installed.json in it is written last
    install.log           what the last installation said
    install.lock          held by whoever is installing
    cache/                downloads, until an installation has succeeded
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

from .connection_file import is_locked

MARKER = "installed.json"
CURRENT = "current"
LOG = "install.log"
LOCK = "install.lock"
CACHE = "cache"
_PREFIX = "s2i-"


class InstallState(Enum):
    absent = "absent"
    installing = "installing"  # by some program on this machine, perhaps by another
    interrupted = "interrupted"  # begun and not ended, or damaged since; installing repairs it
    outdated = "outdated"  # it works, and another version is offered
    ready = "ready"


@dataclass(frozen=True)
class Installed:
    """A version that was installed and worked: what its marker says.

    `torch` is its version, such as `2.13.0+cpu`; `variant` is `cpu` or `cuda`.
    """

    version: str
    python: str
    torch: str
    variant: str


def data_folder() -> Path:
    """Where the managed installation lies; `S2I_DATA_DIR` overrides the user's data folder.

    Linux: `$XDG_DATA_HOME/s2i/backend`, by default in `~/.local/share`. macOS:
    `~/Library/Application Support/s2i/backend`. Windows: `%LOCALAPPDATA%\\s2i\\backend`.
    """
    if chosen := os.environ.get("S2I_DATA_DIR"):
        return Path(chosen).absolute() / "backend"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
        return Path(local) / "s2i" / "backend"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "s2i" / "backend"
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "s2i" / "backend"


def program(version_folder: Path, name: str) -> Path:
    """A program of a virtual environment, such as `python` or `s2i-backend`."""
    if sys.platform == "win32":
        return version_folder / "Scripts" / f"{name}.exe"
    return version_folder / "bin" / name


def new_version_folder(root: Path, version: str) -> Path:
    """A name that was not there before, so that nothing of an older attempt can be in it."""
    return root / f"{_PREFIX}{version}-{uuid.uuid4().hex[:8]}"


def current_folder(root: Path) -> Path | None:
    """The version in use; None when there is none, or it is not whole any more."""
    try:
        name = (root / CURRENT).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None
    folder = root / name
    if not name.startswith(_PREFIX) or folder.parent != root or read_marker(folder) is None:
        return None
    # The Python that it was made with may have been removed or replaced by a newer one.
    whole = program(folder, "python").exists() and program(folder, "s2i-backend").exists()
    return folder if whole else None


def switch(root: Path, folder: Path) -> None:
    """Make `folder` the version in use, at once or not at all."""
    draft = root / f".{CURRENT}-{uuid.uuid4().hex[:8]}"
    draft.write_text(folder.name, encoding="utf-8")
    draft.replace(root / CURRENT)


def read_marker(folder: Path) -> Installed | None:
    """What was installed in a version's folder; None when it never was to the end."""
    try:
        plain = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        return Installed(
            version=str(plain["version"]),
            python=str(plain["python"]),
            torch=str(plain["torch"]),
            variant=str(plain["variant"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_marker(folder: Path, installed: Installed) -> None:
    """Say that the folder is whole; this comes last."""
    draft = folder / f".{MARKER}"
    draft.write_text(json.dumps(asdict(installed), indent=2), encoding="utf-8")
    draft.replace(folder / MARKER)


def read_state(root: Path, offered: str = "") -> InstallState:
    """The state of the disk, where `offered` is the version that could be installed, if any."""
    if is_locked(root / LOCK):
        return InstallState.installing
    folder = current_folder(root)
    if folder is None:
        begun = (root / CURRENT).exists() or any(version_folders(root))
        return InstallState.interrupted if begun else InstallState.absent
    marker = read_marker(folder)
    if offered and marker is not None and marker.version != offered:
        return InstallState.outdated
    return InstallState.ready


def version_folders(root: Path) -> list[Path]:
    """All versions, whole or not."""
    if not root.is_dir():
        return []
    return [path for path in root.iterdir() if path.name.startswith(_PREFIX) and path.is_dir()]


def free_bytes(root: Path) -> int:
    """What is free on the disk where `root` is, or will be."""
    existing = next(path for path in (root, *root.parents) if path.exists())
    return shutil.disk_usage(existing).free


def remove_tree(folder: Path) -> Iterator[None]:
    """Remove a folder; yields until that is done.

    What can not be removed, such as a program that runs on Windows, stays there.
    """
    # To free a file of a gigabyte takes the system a tenth of a second, during which this thread
    # lets the host's go on.
    removal = threading.Thread(target=shutil.rmtree, args=(folder, True), daemon=True)
    removal.start()
    while removal.is_alive():
        yield
