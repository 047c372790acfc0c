"""The wheels of pyzmq that an add-on carries, one for each kind of Python and system."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from s2i_backend.addons.sources import AddonError, pinned_version


@dataclass(frozen=True)
class Platform:
    """A system that hosts run on: the tags to ask pip for, and those of a wheel that fits."""

    name: str
    asked: tuple[str, ...]
    fitting: re.Pattern[str]


def _linux(machine: str) -> Platform:
    asked = ("manylinux_2_28", "manylinux_2_26", "manylinux_2_17", "manylinux2014")
    return Platform(
        f"linux-{machine}",
        tuple(f"{tag}_{machine}" for tag in asked),
        re.compile(rf"manylinux(2014|_2_\d+)_{machine}"),
    )


PLATFORMS = {
    p.name: p
    for p in (
        _linux("x86_64"),
        _linux("aarch64"),
        Platform("macos", ("macosx_11_0_universal2",), re.compile(r"macosx_\d+_\d+_universal2")),
        Platform("windows-amd64", ("win_amd64",), re.compile("win_amd64")),
    )
}


@dataclass(frozen=True)
class PythonKind:
    """Pythons that take the same wheel: what its name says of implementation and ABI."""

    version: str
    implementation: str
    abi: str


# Of 3.10 and 3.11 each has its own; the limited API of 3.12 serves all later ones.
PYTHONS = (
    PythonKind("3.10", "cp310", "cp310"),
    PythonKind("3.11", "cp311", "cp311"),
    PythonKind("3.12", "cp312", "abi3"),
)


def platform_names(names: Iterable[str]) -> list[str]:
    """The platforms meant by `names`, each once; `all` and `this` are understood.

    Raises `AddonError` when no wheels are known for this machine.
    """
    meant = dict.fromkeys(n for name in names for n in (PLATFORMS if name == "all" else (name,)))
    return list(dict.fromkeys(_this() if name == "this" else name for name in meant))


def _this() -> str:
    system, machine = platform.system(), platform.machine()
    by_system = {
        "Linux": f"linux-{machine}",
        "Darwin": "macos",
        "Windows": f"windows-{machine.lower()}",
    }
    name = by_system.get(system, "")
    if name not in PLATFORMS:
        raise AddonError(
            f"No wheels of pyzmq are known for {system} {machine}, "
            f"only for {', '.join(PLATFORMS)}: name one of them with --platform."
        )
    return name


def wheels_for(
    names: Iterable[str], folder: Path | None, say: Callable[[str], None]
) -> dict[str, bytes]:
    """The wheels for these platforms and all Pythons, by file name.

    From `folder` when one is given, else by pip as the user has set it up. `say` hears of each
    download. Raises `AddonError` that names what is missing and how to get it.
    """
    targets = [(PLATFORMS[name], python) for name in names for python in PYTHONS]
    if folder is not None:
        return dict(_read(_wheel_in(folder, *target)) for target in targets)
    with tempfile.TemporaryDirectory(prefix="s2i-wheels-") as temporary:
        found = {}
        for system, python in targets:
            say(f"pyzmq for Python {python.version} on {system.name}")
            _download(Path(temporary), system, python)
            name, content = _read(_wheel_in(Path(temporary), system, python))
            found[name] = content
        return found


def pip_arguments(system: Platform, python: PythonKind, folder: Path) -> list[str]:
    """What `pip` has to be told to fetch this wheel into `folder`."""
    platforms = [argument for tag in system.asked for argument in ("--platform", tag)]
    return [
        "download",
        "--no-deps",
        "--only-binary=:all:",
        *platforms,
        *("--python-version", python.version, "--implementation", "cp", "--abi", python.abi),
        *("--dest", str(folder)),
        f"pyzmq=={pinned_version('pyzmq')}",
    ]


def _download(folder: Path, system: Platform, python: PythonKind) -> None:
    arguments = pip_arguments(system, python, folder)
    pip = [sys.executable, "-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check"]
    done = subprocess.run([*pip, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        here = pip_arguments(system, python, Path("wheels"))
        raise AddonError(
            f"pip could not fetch {_missing(system, python)}:\n{done.stderr.strip()}\n\n"
            "Connect to the network and try again. Or fetch it elsewhere, with all others, and "
            f"name their folder with --wheels:\n  pip {' '.join(here)}"
        )


def _wheel_in(folder: Path, system: Platform, python: PythonKind) -> Path:
    named = f"pyzmq-{pinned_version('pyzmq')}-{python.implementation}-{python.abi}-"
    for path in sorted(folder.glob(f"{named}*.whl")):
        tags = path.name[len(named) : -len(".whl")].split(".")
        if any(system.fitting.fullmatch(tag) for tag in tags):
            return path
    raise AddonError(
        f"{folder} has no {_missing(system, python)}. Fetch it:\n"
        f"  pip {' '.join(pip_arguments(system, python, folder))}"
    )


def _missing(system: Platform, python: PythonKind) -> str:
    return (
        f"pyzmq-{pinned_version('pyzmq')}-{python.implementation}-{python.abi}-"
        f"{system.asked[0]}.whl (Python {python.version} on {system.name})"
    )


def _read(path: Path) -> tuple[str, bytes]:
    if not zipfile.is_zipfile(path):
        raise AddonError(f"{path} is damaged. Delete it and fetch it again.")
    return path.name, path.read_bytes()
