"""The libraries that the plugin brings along: pyzmq, msgpack and s2i_client.

pyzmq is compiled, so the plugin carries a wheel per kind of Python and system. The one that fits
is unpacked once into the user's cache. What another plugin has imported already is used, if it is
new enough, because one process can hold only one.

`sys.path` is changed for these imports alone: packages that are imported find their submodules
themselves, and no import of another plugin ever sees our folders.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import platform
import re
import shutil
import sys
import sysconfig
import tempfile
import time
import zipfile
import zlib
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, Tuple  # noqa: UP035 - evaluated, also in Python 3.8

VENDOR = Path(__file__).with_name("vendor")
OLDEST_PYTHON = (3, 10)
OLDEST: dict[str, Version] = {"zmq": (25,), "msgpack": (1,)}  # as pyproject.toml asks
ABANDONED_SECONDS = 86_400.0  # an unpacking that is older was interrupted
TEMPORARY = ".unpacking-"

Version = Tuple[int, ...]  # noqa: UP006


class LibraryMissing(Exception):
    """A library that the plugin can not do without does not load; `cure` says what to do."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(f"{message} {cure}")
        self.message = message
        self.cure = cure


@dataclass(frozen=True)
class Interpreter:
    """A Python, as far as it decides which wheels fit.

    `system` is `manylinux` (Linux with glibc), `macosx`, `win` or something that no wheel is for;
    `release` the version of glibc or of macOS; `machine` as in a wheel's name, such as `x86_64`.
    """

    version: Version
    system: str
    machine: str
    release: Version = ()
    free_threaded: bool = False

    def __str__(self) -> str:
        return f"Python {'.'.join(map(str, self.version))} on {self.system} {self.machine}"


def this_interpreter() -> Interpreter:
    """The Python that runs this."""
    name, _, machine = sysconfig.get_platform().replace("-", "_").partition("_")
    system, release = name, ()
    if name == "linux":
        libc, number = platform.libc_ver()
        system, release = ("manylinux", _numbers(number)) if libc == "glibc" else (name, ())
    elif name == "macosx":
        # get_platform() names the system that Python was built on, and maybe two machines.
        machine, release = platform.machine(), _numbers(platform.mac_ver()[0])
    return Interpreter(
        tuple(sys.version_info[:2]),
        system,
        machine,
        release,
        bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    )


def fits(wheel: str, python: Interpreter) -> bool:
    """Whether the wheel of that file name runs in `python` (PEP 425, 600)."""
    try:
        implementation, abi, platforms = wheel[: -len(".whl")].split("-")[-3:]
    except ValueError:
        return False
    built_for = re.fullmatch(r"cp3(\d+)", implementation)
    if built_for is None or python.free_threaded:
        return False
    minimum = (3, int(built_for.group(1)))
    runs = python.version >= minimum if abi == "abi3" else python.version == minimum
    return runs and abi in ("abi3", implementation) and _platform_fits(platforms, python)


def _platform_fits(platforms: str, python: Interpreter) -> bool:
    for tag in platforms.replace("manylinux2014_", "manylinux_2_17_").split("."):
        if tag == f"{python.system}_{python.machine}":
            return True
        versioned = re.fullmatch(r"(manylinux|macosx)_(\d+)_(\d+)_(\w+)", tag)
        if versioned is None:
            continue
        system, major, minor, machine = versioned.groups()
        machines = ("x86_64", "arm64") if machine == "universal2" else (machine,)
        released = (int(major), int(minor)) <= python.release
        if system == python.system and released and python.machine in machines:
            return True
    return False


def cache_folder() -> Path:
    """The user's folder for what can be made again: `s2i/krita` in the system's cache folder."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
        return Path(base) / "s2i" / "krita"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "s2i" / "krita"
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "s2i" / "krita"


def load(vendor: Path = VENDOR, cache: Path | None = None) -> None:
    """Import zmq, msgpack and s2i_client, from `vendor` unless they are imported already.

    Without `vendor`, in a developer's checkout, they are imported from where this Python finds
    them. Raises `LibraryMissing` when one does not load or is too old.
    """
    python = this_interpreter()
    if python.version < OLDEST_PYTHON:
        raise LibraryMissing(
            f"This Krita has {python}, and s2i needs Python 3.10 or newer.",
            "Update Krita.",
        )
    oldest: dict[str, Version] = dict(OLDEST)
    if (vendor / "VERSION").is_file():
        oldest["s2i_client"] = _numbers((vendor / "VERSION").read_text(encoding="utf-8"))
    for name in ("zmq", "msgpack", "s2i_client"):
        if name in sys.modules:
            _check_age(name, oldest)
            continue
        folders = [vendor] if vendor.is_dir() else []
        if name == "zmq" and folders:
            wheel = fitting_wheel(vendor, python)
            # Without one that fits this Python may have its own, as distributions do.
            folders = [] if wheel is None else [unpacked(wheel, cache or cache_folder())]
        _import(name, folders, python)
        _check_age(name, oldest)


def fitting_wheel(vendor: Path, python: Interpreter) -> Path | None:
    """The wheel of pyzmq in `vendor/wheels` that fits `python`."""
    wheels = sorted((vendor / "wheels").glob("pyzmq-*.whl"))
    return next((wheel for wheel in wheels if fits(wheel.name, python)), None)


def unpacked(wheel: Path, cache: Path) -> Path:
    """The folder in `cache` that holds the wheel's files; it is made when it is not there.

    Another Krita may do the same at the same time, and each may be killed in the middle: only a
    whole folder ever gets the final name. One that lost files is made anew. Raises
    `LibraryMissing` when the wheel is damaged or the cache can not be written.
    """
    try:
        content = wheel.read_bytes()
        with zipfile.ZipFile(BytesIO(content)) as archive:
            folder = cache / f"{wheel.stem}-{sha256(content).hexdigest()[:12]}"
            if not _is_whole(folder, archive):
                cache.mkdir(mode=0o700, parents=True, exist_ok=True)
                _remove_abandoned(cache)
                _unpack(archive, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise LibraryMissing(
            f"A file of the plugin is damaged: {wheel.name} ({error}).",
            "Install the plugin again.",
        ) from error
    except OSError as error:
        raise LibraryMissing(
            f"The plugin can not unpack {wheel.name}: {error}.",
            f"Make sure that {cache} can be written and that the disk is not full, "
            "then start Krita again.",
        ) from error
    return folder


def _unpack(archive: zipfile.ZipFile, folder: Path) -> None:
    temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=folder.parent))
    try:
        archive.extractall(temporary / "new")
        if folder.exists() and not _is_whole(folder, archive):
            with contextlib.suppress(FileNotFoundError):  # another Krita was faster
                folder.rename(temporary / "old")
        (temporary / "new").rename(folder)
    except OSError:
        if not _is_whole(folder, archive):  # else another Krita was faster
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _is_whole(folder: Path, archive: zipfile.ZipFile) -> bool:
    """Whether every file is there in its length: tools that clean caches remove single files."""
    try:
        return all(
            (folder / entry.filename).stat().st_size == entry.file_size
            for entry in archive.infolist()
            if not entry.is_dir()
        )
    except OSError:
        return False


def _remove_abandoned(cache: Path) -> None:
    for folder in cache.glob(TEMPORARY + "*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - folder.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def _import(name: str, folders: list[Path], python: Interpreter) -> None:
    before = set(sys.modules)
    paths = [str(folder) for folder in folders]
    sys.path[:0] = paths
    importlib.invalidate_caches()
    try:
        importlib.import_module(name)
    except Exception as error:
        for half in set(sys.modules) - before:
            if half.partition(".")[0] == name:
                del sys.modules[half]
        raise _missing(name, folders, python, error) from error
    finally:
        for path in paths:
            sys.path.remove(path)


def _missing(
    name: str, folders: list[Path], python: Interpreter, error: Exception
) -> LibraryMissing:
    again = "run `s2i-backend addons install krita` on this machine, and start Krita again."
    if folders:
        return LibraryMissing(
            f"{name} does not load from {folders[0]} in {python}: {error}.",
            f"Delete that folder and {again}",
        )
    if name == "zmq":
        return LibraryMissing(
            f"The plugin was built without pyzmq for {python}.",
            f"Install a plugin that was built for this system: {again} "
            "Or install pyzmq 25 or newer into the Python that Krita uses.",
        )
    return LibraryMissing(
        f"{name} is not there: {error}.",
        f"This is a developer's checkout, not a built plugin: {again}",
    )


def _check_age(name: str, oldest: dict[str, Version]) -> None:
    module: Any = sys.modules[name]
    found = getattr(module, "__version__", None) or getattr(module, "version", "")
    version = _numbers(found) if isinstance(found, str) else tuple(found)
    if version < oldest.get(name, ()):
        needed = ".".join(map(str, oldest[name]))
        raise LibraryMissing(
            f"{name} {'.'.join(map(str, version))} is loaded from {module.__file__}, "
            f"and s2i needs {needed} or newer.",
            "Another Python plugin of Krita or the system brought it: update that, or switch "
            "the plugin off in Krita's settings, and start Krita again.",
        )


def _numbers(version: str) -> Version:
    """The release numbers of a version: `27.3.0rc1` gives `(27, 3, 0)`."""
    leading = re.match(r"\d+(\.\d+)*", version.strip())
    return tuple(int(n) for n in leading.group().split(".")) if leading else ()
