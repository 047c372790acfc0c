"""Finding a Python that can hold the backend, from inside a host that may be no Python itself."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .child import InstallFailed, answer

OLDEST, NEWEST = (3, 10), (3, 14)
_PROBE_SECONDS = 20.0
# The order in which they are tried: those for which most packages have wheels come first.
_MINORS = (12, 13, 11, 10, 14)
# Programs started from the Finder do not have these on their PATH.
_MAC_FOLDERS = ("/opt/homebrew/bin", "/usr/local/bin")
_PROBE = """
import importlib.util, json, struct, sys, sysconfig
print(json.dumps({
    "version": list(sys.version_info[:3]),
    "implementation": sys.implementation.name,
    "bits": struct.calcsize("P") * 8,
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "missing": [n for n in ("venv", "ensurepip") if importlib.util.find_spec(n) is None],
}))
"""


@dataclass(frozen=True)
class Python:
    """How it is called, and its version such as `3.11.7`."""

    command: tuple[str, ...]
    version: str


def find_python(environment: Mapping[str, str]) -> Generator[None, None, Python]:
    """The first Python that fits; yields while it looks.

    It is CPython 3.10 to 3.14, 64 bits wide, with the modules venv and ensurepip. `S2I_PYTHON` is
    taken alone when it is set. Raises `InstallFailed`, which names what was found and why it does
    not fit.
    """
    refused: dict[str, str] = {}
    for command in _candidates(environment):
        text = yield from answer([*command, "-I", "-c", _PROBE], environment, _PROBE_SECONDS)
        try:
            found = json.loads(text)
            version = ".".join(str(part) for part in found["version"])
            fault = _fault(found)
        except (ValueError, KeyError, TypeError):
            refused.setdefault(" ".join(command), "it is no Python that can be run")
            continue
        if not fault:
            return Python(command, version)
        refused.setdefault(" ".join(command), f"version {version}, {fault}")
    raise InstallFailed(_what_was_found(refused), _what_to_install(refused))


def _candidates(environment: Mapping[str, str]) -> list[tuple[str, ...]]:
    if given := environment.get("S2I_PYTHON", "").strip():
        return [(given,)]
    path = environment.get("PATH", os.defpath)
    if sys.platform == "darwin":
        path = os.pathsep.join((path, *_MAC_FOLDERS))
    names = [f"python3.{minor}" for minor in _MINORS] + ["python3", "python"]
    found = [shutil.which(name, path=path) for name in names]
    commands = [(program,) for program in found if program and not _is_mac_stub(program)]
    if sys.platform == "win32" and (launcher := shutil.which("py", path=path)):
        commands += [(launcher, f"-3.{minor}") for minor in _MINORS]
    if is_python(sys.executable):
        commands.append((sys.executable,))
    return list(dict.fromkeys(commands))


def is_python(executable: str) -> bool:
    """Whether the path is a Python's, and not that of a host with Python inside."""
    name = Path(executable.replace("\\", "/")).name
    return re.fullmatch(r"python(3(\.\d+)?)?w?(\.exe)?", name, re.IGNORECASE) is not None


def _is_mac_stub(program: str) -> bool:
    # It opens a window that offers Xcode when it has no Python behind it, and is 3.9 otherwise.
    return sys.platform == "darwin" and program.startswith("/usr/bin/")


def _fault(found: dict) -> str:
    """Why the backend can not use it; empty when it can."""
    if not OLDEST <= tuple(found["version"][:2]) <= NEWEST:
        return f"which is not one of {_range()}"
    if found["implementation"] != "cpython":
        return f"but it is {found['implementation']}, not CPython"
    if found["bits"] != 64:
        return "but it is not a 64-bit program"
    if found["free_threaded"]:
        return "but it is the build without the global lock"
    if found["missing"]:
        return f"but without the module {' and '.join(found['missing'])}"
    return ""


def _range() -> str:
    return f"Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"


def _what_was_found(refused: dict[str, str]) -> str:
    if not refused:
        return f"No Python was found; {_range()} is needed."
    listed = "; ".join(f"{command}: {why}" for command, why in refused.items())
    return f"No Python fits, {_range()} with venv is needed. {listed}."


def _what_to_install(refused: dict[str, str]) -> str:
    own = "Or name one in the environment variable S2I_PYTHON."
    if sys.platform == "win32":
        return f"Install Python 3.12 for Windows (64-bit), and try again. {own}"
    if sys.platform == "darwin":
        return f"Install Python 3.12 for macOS, and try again. {own}"
    # Debian and its relatives cut these modules out of Python.
    if any("but without the module" in why for why in refused.values()):
        return f"On Debian and Ubuntu: apt install python3-venv. Then try again. {own}"
    return f"Install Python 3.12 and its venv module from your distribution. {own}"
