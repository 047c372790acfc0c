"""Putting the plugin in its place in Krita's folder of resources, and taking it out again."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from s2i_backend.addons import kritarc
from s2i_backend.addons.archive import write_whole
from s2i_backend.addons.krita import PLUGIN, VERSION_FILE
from s2i_backend.addons.krita_places import KritaPlace

_DESKTOP, _ACTIONS = f"{PLUGIN}.desktop", f"{PLUGIN}.action"
_TEMPORARY = f".{PLUGIN}-"


def install(files: dict[str, bytes], place: KritaPlace) -> None:
    """Put `files` (of `plugin_files`) in place of whatever version is there, and switch it on.

    The plugin's folder is written beside the old one and takes its place when it is whole, so an
    interrupted installation leaves the old one working.
    """
    pykrita = place.resources / "pykrita"
    pykrita.mkdir(parents=True, exist_ok=True)
    for leftover in pykrita.glob(_TEMPORARY + "*"):
        _rescue_or_remove(leftover, pykrita / PLUGIN)
    temporary = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=pykrita))
    try:
        for name, content in files.items():
            if name.startswith(f"{PLUGIN}/"):
                path = temporary / "new" / name.removeprefix(f"{PLUGIN}/")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        _take_place(temporary, pykrita / PLUGIN)
    finally:
        _rescue_or_remove(temporary, pykrita / PLUGIN)
    write_whole(place.resources / "actions" / _ACTIONS, files[_ACTIONS])
    write_whole(pykrita / _DESKTOP, files[_DESKTOP])
    _edit_settings(place, kritarc.enabled)


def uninstall(place: KritaPlace) -> bool:
    """Remove what `install` put there; False when there was nothing to remove."""
    pykrita = place.resources / "pykrita"
    paths = [pykrita / PLUGIN, pykrita / _DESKTOP, place.resources / "actions" / _ACTIONS]
    paths += pykrita.glob(_TEMPORARY + "*")
    found = [path for path in paths if path.exists() or path.is_symlink()]
    for path in found:
        _remove(path)
    return _edit_settings(place, kritarc.without) or bool(found)


def installed_version(place: KritaPlace) -> str | None:
    """The version of the plugin that is there, `?` when it does not say, None when none is."""
    if not (place.resources / "pykrita" / PLUGIN / "__init__.py").is_file():
        return None
    version = place.resources / "pykrita" / VERSION_FILE
    return version.read_text(encoding="utf-8").strip() if version.is_file() else "?"


def _take_place(temporary: Path, folder: Path) -> None:
    if folder.exists() or folder.is_symlink():
        folder.rename(temporary / "old")
    (temporary / "new").rename(folder)


def _rescue_or_remove(temporary: Path, folder: Path) -> None:
    """Remove a folder of an installation; one that ended between two renames gives back `old`."""
    old = temporary / "old"
    if not folder.exists() and (old.exists() or old.is_symlink()):
        old.rename(folder)
    shutil.rmtree(temporary)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _edit_settings(place: KritaPlace, change: kritarc.Change) -> bool:
    path = place.kritarc.resolve()  # a link stays one
    before = path.read_bytes() if path.is_file() else b""
    after = change(before, PLUGIN)
    if after != before:
        write_whole(path, after)
    return after != before
