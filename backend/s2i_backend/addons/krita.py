"""The Krita plugin with all that it needs, as files and as the zip that Krita imports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import s2i_client
from s2i_backend.addons.archive import write_whole, zip_bytes
from s2i_backend.addons.backend_wheel import backend_wheel
from s2i_backend.addons.sources import folder_files, pure_msgpack, source
from s2i_backend.addons.zmq_wheels import wheels_for

PLUGIN = "s2i_krita"
VERSION_FILE = f"{PLUGIN}/vendor/VERSION"


def plugin_files(
    platforms: Sequence[str], wheels: Path | None, backend: bool, say: Callable[[str], None]
) -> dict[str, bytes]:
    """The plugin's files by path: its own, and below `s2i_krita/vendor` what it brings along.

    Wheels of pyzmq for `platforms` come from the folder `wheels`, or by pip when it is None; the
    wheel of s2i itself is there with `backend`. Raises `AddonError`.
    """
    vendored = {f"wheels/{n}": c for n, c in wheels_for(platforms, wheels, say).items()}
    vendored |= pure_msgpack()
    client = folder_files(Path(s2i_client.__file__).parent)
    vendored |= {f"s2i_client/{name}": content for name, content in client.items()}
    vendored["VERSION"] = s2i_client.__version__.encode()
    if backend:
        say("the wheel of s2i itself")
        name, content = backend_wheel()
        vendored[f"backend/{name}"] = content
        vendored["backend/constraints.txt"] = source("constraints.txt").read_bytes()
    files = folder_files(source("krita_plugin"))
    files[f"{PLUGIN}/LICENSE"] = source("LICENSE").read_bytes()
    return files | {f"{PLUGIN}/vendor/{name}": content for name, content in vendored.items()}


def write_plugin_zip(files: dict[str, bytes], folder: Path) -> Path:
    """Write `s2i_krita-VERSION.zip` into `folder`; Krita's importer needs folders as entries."""
    version = files[VERSION_FILE].decode()
    path = folder / f"{PLUGIN}-{version}.zip"
    write_whole(path, zip_bytes(files, folders=True))
    return path
