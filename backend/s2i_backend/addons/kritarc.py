"""The lines of kritarc that matter here, changed without touching any other byte.

KDE's format is no INI file of Python's: groups nest and repeat, entries stand above all groups,
keys and groups have marks such as `[$i]`, and the last of equal entries counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# From the file's bytes and a plugin's name to the bytes that shall be there.
Change = Callable[[bytes, str], bytes]

_GROUP = re.compile(rb"\s*\[(.*)\]\s*")
_PYTHON = re.compile(rb"\s*\[python\](\[\$\w+\])*\s*")


def enabled(kritarc: bytes, plugin: str) -> bytes:
    """The file's bytes with `plugin` switched on."""
    lines = kritarc.splitlines(keepends=True)
    end = b"\r\n" if lines and lines[0].endswith(b"\r\n") else b"\n"
    entry = f"enable_{plugin}=true".encode() + end
    found = _entries(lines, plugin)
    if found:
        lines[found[-1]] = entry
        kept = [line for i, line in enumerate(lines) if i not in found[:-1]]
        return b"".join(kept)
    group = next((i for i, line in enumerate(lines) if _PYTHON.fullmatch(line)), None)
    if lines and not lines[-1].endswith((b"\n", b"\r")):
        lines[-1] += end
    if group is None:
        gap = [end] if lines else []
        lines += [*gap, b"[python]" + end, entry]
    else:
        lines.insert(group + 1, entry)
    return b"".join(lines)


def without(kritarc: bytes, plugin: str) -> bytes:
    """The file's bytes without any word on whether `plugin` is switched on."""
    lines = kritarc.splitlines(keepends=True)
    found = _entries(lines, plugin)
    return b"".join(line for i, line in enumerate(lines) if i not in found)


def resource_folder(kritarc: bytes) -> str | None:
    """The folder that the user chose for Krita's resources, if there is such an entry."""
    for line in kritarc.splitlines():
        if _GROUP.fullmatch(line):
            break
        key, _, value = line.partition(b"=")
        if key.strip() == b"ResourceDirectory" and value.strip():
            return value.strip().decode("utf-8", "surrogateescape")
    return None


def _entries(lines: list[bytes], plugin: str) -> list[int]:
    """The numbers of the lines that switch `plugin` on or off."""
    entry = re.compile(rb"\s*enable_" + re.escape(plugin.encode()) + rb"(\[\$\w+\])*\s*(=.*)?\s*")
    inside, found = False, []
    for number, line in enumerate(lines):
        if _GROUP.fullmatch(line):
            inside = _PYTHON.fullmatch(line) is not None
        elif inside and entry.fullmatch(line):
            found.append(number)
    return found
