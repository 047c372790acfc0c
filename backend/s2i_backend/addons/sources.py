"""Where the files lie that add-ons are made from: in a checkout, or in the installed s2i."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path, PurePosixPath

BUNDLED = Path(__file__).parent / "bundled"
CHECKOUT = Path(__file__).parents[3]
_LEFT_OUT = {"__pycache__", "vendor", "tests"}


class AddonError(Exception):
    """An add-on can not be built or installed; the text says what to do."""


def is_checkout() -> bool:
    """Whether this s2i runs from its sources; an installed one has bundled copies of them."""
    return not BUNDLED.is_dir()


def source(name: str) -> Path:
    """The file or folder of that name in the project's root.

    Raises `AddonError` when it is missing.
    """
    path = (CHECKOUT if is_checkout() else BUNDLED) / name
    if not path.exists():
        raise AddonError(f"{path} is missing. Install s2i again.")
    return path


def pinned_version(package: str) -> str:
    """The version of `package` in constraints.txt. Raises `AddonError` when there is none."""
    constraints = source("constraints.txt").read_text(encoding="utf-8")
    found = re.search(rf"^{re.escape(package)}==([^\s;]+)", constraints, re.MULTILINE)
    if found is None:
        raise AddonError(f"constraints.txt names no version of {package}.")
    return found.group(1)


def folder_files(folder: Path) -> dict[str, bytes]:
    """All files below `folder` that users need, by their path in it with forward slashes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not _is_left_out(path.relative_to(folder))
    }


def _is_left_out(path: Path) -> bool:
    return path.name.startswith(".") or not _LEFT_OUT.isdisjoint(path.parts)


def pure_msgpack() -> dict[str, bytes]:
    """The installed msgpack without its compiled part, which it does not need, and its licence.

    By path, below `msgpack/`. Raises `AddonError` when it can not be found whole.
    """
    try:
        found = metadata.files("msgpack") or []
    except metadata.PackageNotFoundError:
        found = []
    files = {
        f"msgpack/{path.name}": Path(path.locate()).read_bytes()
        for path in found
        if _is_wanted(path) and Path(path.locate()).is_file()
    }
    licence = any(name.endswith(("COPYING", "LICENSE")) for name in files)
    if "msgpack/fallback.py" not in files or not licence:
        raise AddonError(
            "The installed msgpack lacks its Python files or its licence. "
            "Install it by pip: pip install --force-reinstall msgpack"
        )
    return files


def _is_wanted(path: PurePosixPath) -> bool:
    code = path.parts[0] == "msgpack" and path.suffix == ".py"
    return code or (".dist-info" in path.parts[0] and path.name in ("COPYING", "LICENSE"))
