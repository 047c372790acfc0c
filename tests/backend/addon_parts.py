"""What tests of add-ons build them from: wheels of pyzmq that hold hardly anything."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from s2i_backend.addons.sources import pinned_version

PYTHONS = ("cp310-cp310", "cp311-cp311", "cp312-abi3")
SYSTEMS = {
    "linux-x86_64": "manylinux_2_26_x86_64.manylinux_2_28_x86_64",
    "linux-aarch64": "manylinux_2_26_aarch64.manylinux_2_28_aarch64",
    "macos": "macosx_10_15_universal2",
    "windows-amd64": "win_amd64",
}


def wheel_name(python: str, system: str) -> str:
    return f"pyzmq-{pinned_version('pyzmq')}-{python}-{SYSTEMS[system]}.whl"


def make_wheels(folder: Path) -> Path:
    """All wheels that an add-on for all systems carries, and some that it does not."""
    folder.mkdir()
    others = ("pyzmq-1.0-cp311-cp311-win_amd64.whl", "numpy-2.0-cp311-cp311-win_amd64.whl")
    for name in [*others, *(wheel_name(p, s) for p in PYTHONS for s in SYSTEMS)]:
        with zipfile.ZipFile(folder / name, "w") as archive:
            archive.writestr("zmq/__init__.py", f"__version__ = '{pinned_version('pyzmq')}'")
            archive.writestr("name.txt", name)
    return folder


def names_in(content: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(content)).namelist()
