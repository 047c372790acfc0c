"""Starting the daemon from a host's timer, so that it outlives the host."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from .connection_file import make_private_folder, read_connection, runtime_folder
from .environment import clean_environment, start_detached
from .errors import S2IError
from .tail import Tail

IDLE_SECONDS = 60.0  # so long a daemon stays when its last host has gone
END_SECONDS = 10.0  # so long one that was asked to end is waited for before it is made to
START_SECONDS = 60.0  # a cold disk and a virus scanner can make torch's neighbours slow to load
LOG_NAME = "launched.log"
_LOG_BYTES = 1 << 20
_AGAIN_SECONDS = 1.0
_ALREADY_RUNS = 3  # the exit code by which `serve` says that another daemon does
_PROGRAM = "s2i-backend"


class LaunchState(Enum):
    idle = "idle"  # no daemon runs, and none is being started
    starting = "starting"
    running = "running"
    failed = "failed"


@dataclass(frozen=True)
class LaunchReport:
    """How the start stands. `lines` are the end of the log, `fix` is what the user can do."""

    state: LaunchState
    message: str = ""
    fix: str = ""
    lines: tuple[str, ...] = ()


class Launcher:
    """Starts `s2i-backend serve`; everything happens in `start` and `poll`, which never wait.

    `installed` is the executable of the managed installation, if there is one
    (`Installation.executable`), `chosen` a path or a command from the host's settings. `folder`
    is where the daemon's connection file appears (by default the user's runtime folder).
    """

    def __init__(
        self,
        installed: Path | None = None,
        chosen: str = "",
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        start_seconds: float = START_SECONDS,
        end_seconds: float = END_SECONDS,
    ):
        self.installed = installed
        self.chosen = chosen
        self._folder = folder
        self._environment = environment
        self._start_seconds = start_seconds
        self._end_seconds = end_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._log: Tail | None = None
        self._command: list[str] = []
        self._ending = 0  # the process that has to end before another is started
        self._end_at = 0.0
        self._give_up_at = self._again_at = 0.0
        self._report = LaunchReport(LaunchState.idle)

    def command(self) -> list[str] | None:
        """What would be started, without arguments; None when the backend is not installed.

        The managed installation comes first, then `S2I_BACKEND`, then `PATH`, then `chosen`.
        """
        if self.installed is not None and self.installed.exists():
            return [str(self.installed)]
        environment = clean_environment(self._environment)
        if given := environment.get("S2I_BACKEND", "").strip():
            return _split(given)
        if found := shutil.which(_PROGRAM, path=environment.get("PATH", os.defpath)):
            return [found]
        return _split(self.chosen) if self.chosen.strip() else None

    def start(
        self,
        *,
        idle_seconds: float = IDLE_SECONDS,
        devices: Sequence[str] = (),
        memory_limit: str = "",
    ) -> None:
        """Start a daemon, unless one runs or is being started; `poll` says how that goes.

        `devices` and `memory_limit` (such as `2G`) are those of `s2i-backend serve`, whose
        defaults hold when they are empty. The daemon ends `idle_seconds` after its last host.
        """
        if self.poll().state not in (LaunchState.starting, LaunchState.running):
            self._begin(_arguments(idle_seconds, devices, memory_limit))

    def restart(
        self,
        *,
        idle_seconds: float = IDLE_SECONDS,
        devices: Sequence[str] = (),
        memory_limit: str = "",
    ) -> None:
        """Start a daemon as soon as the one that runs has ended, as `start` does it.

        The caller has asked that one to end (`Client.stop_daemon`). If it does not, by whatever
        fault or because it speaks another version of the protocol, its process is ended.
        """
        running = read_connection(self.folder)
        self._ending = running.pid if running is not None else 0
        self._end_at = time.monotonic() + self._end_seconds
        self._begin(_arguments(idle_seconds, devices, memory_limit))

    def poll(self) -> LaunchReport:
        """How it stands now. Also notes the end of a daemon that was started here."""
        code = self._process.poll() if self._process is not None else None
        running = read_connection(self.folder)
        if self._ending:
            self._watch_end(running.pid if running is not None else 0)
        elif running is not None:
            self._report = LaunchReport(LaunchState.running)
        elif self._report.state is LaunchState.starting:
            self._watch_start(code)
        elif self._report.state is LaunchState.running:
            self._process = None if code is not None else self._process
            message = f"The daemon ended with exit code {code}." if code else ""
            fix = "Start it again; its log says why it ended." if code else ""
            self._report = LaunchReport(LaunchState.idle, message, fix)
        return self._report

    @property
    def folder(self) -> Path:
        """Where the daemon's connection file is."""
        return self._folder or runtime_folder()

    @property
    def log(self) -> Path:
        """What daemons that were started here wrote until they served."""
        return self.folder / LOG_NAME

    def _begin(self, arguments: Sequence[str]) -> None:
        """Start what `command` says, now or when the one before it has ended."""
        command = self.command()
        if command is None:
            self._fail("The backend is not installed.", "Install it, or choose where it is.")
            return
        try:
            self._log = self._open_log()
        except (S2IError, OSError) as error:
            self._fail(str(error), getattr(error, "fix", ""))
            return
        self._command = [*command, *arguments]
        self._report = LaunchReport(LaunchState.starting)
        if not self._ending:
            self._start_now()

    def _start_now(self) -> None:
        self._give_up_at = time.monotonic() + self._start_seconds
        self._spawn()

    def _watch_end(self, running: int) -> None:
        """`running` is the process that serves now, 0 when none does."""
        now = time.monotonic()
        if running != self._ending:
            self._ending = 0
            if not running:  # else another host was faster
                self._start_now()
        elif now > self._end_at + self._end_seconds:
            self._fail("The daemon does not end.", f"End the process {running}, then start again.")
        elif now > self._end_at:
            with contextlib.suppress(OSError):
                os.kill(running, signal.SIGTERM)

    def _open_log(self) -> Tail:
        log = make_private_folder(self.folder).resolve() / LOG_NAME
        size = log.stat().st_size if log.exists() else 0
        if size > _LOG_BYTES:
            log.unlink()
            size = 0
        return Tail(log, size)

    def _spawn(self) -> None:
        environment = clean_environment(self._environment)
        if self._folder is not None:
            environment["S2I_RUNTIME_DIR"] = str(self._folder.resolve())
        environment["PYTHONUTF8"] = "1"
        self._again_at = time.monotonic() + _AGAIN_SECONDS
        try:
            # Appended to, as another host may start its own at this moment.
            with self.log.open("ab") as output:
                self._process = start_detached(
                    self._command, environment, stdout=output, folder=self.folder
                )
        except OSError as error:
            self._fail(
                f"{self._command[0]} can not be started: {error.strerror or error}.",
                "Install the backend again, or choose another one.",
            )

    def _watch_start(self, code: int | None) -> None:
        if code is not None and code != _ALREADY_RUNS:
            self._fail(
                f"The daemon could not be started (exit code {code}).",
                "Its last lines say why. If they do not help, install the backend again.",
            )
        elif time.monotonic() > self._give_up_at:
            if self._process is not None and code is None:
                self._process.terminate()
            self._fail(
                f"The daemon did not come up within {self._start_seconds:g} s.",
                f"Start it again; if that does not help, see {self.log}.",
            )
        elif code == _ALREADY_RUNS and time.monotonic() > self._again_at:
            # The other one has not come up since: it was about to end, not to begin.
            self._spawn()

    def _fail(self, message: str, fix: str) -> None:
        lines: tuple[str, ...] = ()
        if self._log is not None:
            self._log.read_all()
            lines = tuple(self._log.lines)[-10:]
        self._process, self._ending = None, 0
        self._report = LaunchReport(LaunchState.failed, message, fix, lines)


def _arguments(idle_seconds: float, devices: Sequence[str], memory_limit: str) -> list[str]:
    # With the last one it writes here only until it serves; its own log has the rest.
    arguments = ["serve", f"--idle-timeout={idle_seconds:g}", "--started-by-run"]
    arguments += [f"--device={device}" for device in devices]
    return [*arguments, f"--memory-limit={memory_limit}"] if memory_limit else arguments


def _split(command: str) -> list[str]:
    """A path, which may have blanks, or a command with arguments."""
    command = command.strip()
    try:
        path = Path(command).expanduser()
        if path.exists():
            return [str(path.absolute() if path.parent != Path() else path)]
        if sys.platform == "win32":
            # Backslashes are parts of paths there, not escapes.
            return [part.strip('"') for part in shlex.split(command, posix=False)]
        return shlex.split(command)
    except (ValueError, RuntimeError):
        return [command]  # a quote that does not end, or nobody's home: starting it says so
