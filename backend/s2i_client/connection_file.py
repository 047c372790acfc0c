"""The file through which hosts find and trust the daemon: `connection.json`, owner-only.

The daemon writes it once its socket is bound and removes it on exit. It holds `daemon.lock` beside
it for as long as it lives, so a file without a held lock was left behind and counts as none; so
does a file that anybody but the user could have written or read.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import stat
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from .errors import S2IError

FILE_NAME = "connection.json"
LOCK_NAME = "daemon.lock"
_OWNER_ONLY = 0o700
_OTHERS = 0o077


@dataclass(frozen=True)
class Connection:
    """Where the daemon listens, and the keys to reach it (Z85 texts of CURVE keys).

    `pid` is 0 for a daemon on another machine, whose process can not be looked at.
    """

    endpoint: str
    pid: int
    protocol: int
    server_key: str
    client_public: str
    client_secret: str

    @property
    def is_alive(self) -> bool:
        return self.pid == 0 or process_exists(self.pid)


def runtime_folder() -> Path:
    """The user's folder for what lives as long as a login; `S2I_RUNTIME_DIR` overrides it.

    Linux: `$XDG_RUNTIME_DIR/s2i`, else `/run/user/UID/s2i`, else `/tmp/s2i-UID`. macOS:
    `~/Library/Caches/s2i/run`. Windows: `%LOCALAPPDATA%\\s2i\\run`.
    """
    if chosen := os.environ.get("S2I_RUNTIME_DIR"):
        return Path(chosen)
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
        return Path(local) / "s2i" / "run"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "s2i" / "run"
    user = os.getuid()
    for base in (os.environ.get("XDG_RUNTIME_DIR"), f"/run/user/{user}"):
        if base and os.access(base, os.W_OK):
            return Path(base) / "s2i"
    return Path(tempfile.gettempdir()) / f"s2i-{user}"


def make_private_folder(folder: Path) -> Path:
    """Make `folder` for the owner only; refuse one that belongs to somebody else.

    Raises `S2IError` with code `not_allowed` when another user owns it or could write into it.
    """
    folder.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
    if sys.platform != "win32":
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise S2IError(
                "not_allowed",
                f"{folder} belongs to another user.",
                "Remove it, or set S2I_RUNTIME_DIR to a folder of your own.",
            )
        if stat.S_IMODE(found.st_mode) & _OTHERS:
            folder.chmod(_OWNER_ONLY)
    return folder


def write_connection(connection: Connection, folder: Path) -> Path:
    """Write the file whole or not at all, readable by its owner only; returns its path."""
    path = make_private_folder(folder) / FILE_NAME
    # mkstemp makes the file with mode 0600, so that the keys are never readable by others.
    handle, name = tempfile.mkstemp(prefix=".connection-", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(connection), file, indent=2)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


def read_connection(folder: Path) -> Connection | None:
    """The connection of a running daemon; None when there is no file, or only a stale one.

    A folder or file that belongs to somebody else, or is open to others, counts as none too: a
    host would send its pictures to whoever wrote it.
    """
    try:
        plain = json.loads(_read_private(folder))
        connection = Connection(
            endpoint=str(plain["endpoint"]),
            pid=int(plain["pid"]),
            protocol=int(plain["protocol"]),
            server_key=str(plain["server_key"]),
            client_public=str(plain["client_public"]),
            client_secret=str(plain["client_secret"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    # The process id alone proves nothing: another program may have got it since.
    served = connection.pid == 0 or is_locked(folder / LOCK_NAME)
    return connection if served and connection.is_alive else None


def _read_private(folder: Path) -> str:
    """The file's text. Raises `PermissionError` when it is not the user's alone."""
    with (folder / FILE_NAME).open(encoding="utf-8") as file:
        if sys.platform != "win32":
            # What was opened is looked at, so that nothing can be put in its place meanwhile.
            for found in (folder.lstat(), os.fstat(file.fileno())):
                if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & _OTHERS:
                    raise PermissionError(f"{folder} is not this user's alone")
        return file.read()


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock; it is tried without waiting, and let go of at once."""
    try:
        with path.open("r+b") as file:
            return not _can_lock(file.fileno())
    except OSError:
        return False


def _can_lock(descriptor: int) -> bool:
    """Lock as the daemon does, which uses filelock: `flock`, or the first byte on Windows."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
        return True
    import fcntl

    try:
        # Shared, so that two hosts that look at once do not take each other for the daemon.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def remove_connection(folder: Path, pid: int) -> None:
    """Remove the file if it is the one that the process `pid` wrote."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        path = folder / FILE_NAME
        if json.loads(path.read_text(encoding="utf-8"))["pid"] == pid:
            path.unlink()


def process_exists(pid: int) -> bool:
    """Whether a process with this id runs on this machine."""
    if pid <= 0:
        return False
    if sys.platform == "win32":
        return _windows_process_exists(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _windows_process_exists(pid: int) -> bool:
    # os.kill would end the process there. 0x1000 is PROCESS_QUERY_LIMITED_INFORMATION and 259
    # STILL_ACTIVE, as the Windows headers name them.
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
    handle = kernel.OpenProcess(0x1000, False, pid)
    if not handle:
        return False
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return code.value == 259
