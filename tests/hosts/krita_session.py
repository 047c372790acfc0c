"""The real Krita, driven by a test.

A test module looks like this:

    from inside_krita import Krita, QtWidgets            # names of Krita's side
    from krita_steps import create_document, paint_stroke

    def rename_first_layer(name):                        # runs inside Krita, on its GUI thread
        yield from create_document(64, 64)               # `yield` gives Krita's event loop back
        yield lambda: Krita.instance().activeDocument()  # ... until this is true
        Krita.instance().activeDocument().topLevelNodes()[0].setName(name)
        return name                                      # arguments and values are JSON

    def test_it(krita, tmp_path):                        # the fixture of conftest.py
        assert krita.run(rename_first_layer, "Lines") == "Lines"
        krita.run(paint_stroke, [[10, 10], [50, 50]])    # steps can be sent as they are
        krita.screenshot("renamed")                      # to S2I_SCREENSHOTS, or pytest's tmp
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import psutil
from display import Display
from driver_line import DriverLine
from krita_profile import DRIVER, KritaProfile
from krita_steps import close_all, open_windows, quit_krita, save_picture_of
from processes import launch
from sent_function import pack

START_SECONDS = 180.0  # a first start builds the resource database, on however busy a machine
QUIT_SECONDS = 60.0
_GRACE_SECONDS = 5.0  # for an answer that says itself that it took too long
_TAIL = 10_000  # characters of stderr that an error shows: a crash tells two stacks


def krita_version(folder: Path) -> str:
    """What Krita says of itself, as `krita 5.1.5`. It needs a screen even for that."""
    display = Display(folder)
    try:
        environment = KritaProfile(folder).environment(display.name)
        command = [*krita_command(), "--version"]
        return subprocess.run(
            command, env=environment, capture_output=True, check=True, text=True, timeout=60
        ).stdout.strip()
    finally:
        display.close()


class KritaFailed(Exception):
    """Krita is gone, or did not answer and was ended."""


class RaisedInKrita(Exception):
    """A sent function raised; the text is its traceback."""


def krita_command() -> list[str]:
    """How Krita is started: `S2I_KRITA`, a command with arguments, or `krita`."""
    return shlex.split(os.environ.get("S2I_KRITA", "krita"))


class KritaSession:
    """One Krita with its own screen, profile and plugins. A context manager that starts it.

    `plugins`: folders or zips as Krita's importer takes them. `environment`: more variables for
    Krita. `arguments`: for its command line, such as a file to open. `warm`: see `KritaProfile`.
    `screenshots`: where pictures go. What belongs to the profile may be changed until `start`.
    """

    def __init__(
        self,
        screenshots: Path,
        plugins: Sequence[Path] = (),
        environment: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        warm: Path | None = None,
    ):
        self.screenshots = screenshots
        self.arguments = list(arguments)
        # Not in pytest's folder: a Unix socket's path has room for 107 bytes only.
        self.folder = Path(tempfile.mkdtemp(prefix="s2i-krita-"))
        self.profile = KritaProfile(self.folder, warm)
        self.profile.install([DRIVER, *plugins])
        self.display = Display(self.folder)
        self.environment = self.profile.environment(self.display.name)
        self.environment["S2I_TEST_DRIVER"] = str(self.folder / "driver")
        self.environment.update(environment or {})
        self._process: subprocess.Popen | None = None
        self._line: DriverLine | None = None
        self._last_task = 0

    def __enter__(self) -> KritaSession:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def process(self) -> subprocess.Popen:
        assert self._process is not None, "start it first"
        return self._process

    @property
    def line(self) -> DriverLine:
        assert self._line is not None, "start it first"
        return self._line

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def versions(self) -> dict[str, str]:
        """Of "krita", its "python", "qt" and "pyqt"."""
        return self.line.hello

    @property
    def stderr(self) -> str:
        """What Krita has written to standard output and error since its last start."""
        return (self.folder / "krita.log").read_text(errors="replace")

    @property
    def memory(self) -> int:
        """Bytes of memory that Krita has in use (resident)."""
        return psutil.Process(self.process.pid).memory_info().rss

    def start(self, timeout: float = START_SECONDS) -> None:
        """Start Krita and wait for its window. After `quit` or `kill`: again, same profile."""
        assert not self.alive, "it runs already"
        if self._line is not None:
            self._line.close()
        self._line = DriverLine(self.folder / "driver")
        with (self.folder / "krita.log").open("wb") as log:
            self._process = launch(
                [*krita_command(), "--nosplash", *self.arguments],
                env=self.environment,
                cwd=self.profile.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        finish = time.monotonic() + timeout
        with self._explained("load the driver plugin"):
            self._line.accept(finish, lambda: self.alive)
        with self._explained("open its window"):
            while not self._line.hello:
                self._line.receive(finish)

    def run(self, function: Callable[..., Any], *arguments: Any, timeout: float = 60) -> Any:
        """Call `function(*arguments)` inside Krita, on its GUI thread; its value.

        A generator may `yield` seconds to wait, or a callable to be called until it gives
        something true, which `yield` then returns. See `sent_function.pack` for what may be sent.
        Raises `RaisedInKrita` with the traceback. When no answer came within `timeout` seconds,
        as from behind a modal dialog, Krita is ended and `KritaFailed` says what was on screen.
        """
        task = self.begin(function, *arguments, timeout=timeout)
        return self.result(task, timeout + _GRACE_SECONDS)

    def begin(self, function: Callable[..., Any], *arguments: Any, timeout: float = 60) -> int:
        """Send a function and do not wait: what it begins may want an answer, as dialogs do."""
        self._last_task += 1
        message = {"task": self._last_task, "arguments": arguments, "seconds": timeout}
        message.update(pack(function))
        with self._explained(f"hear of {function.__name__}"):
            self.line.send(message)
        return self._last_task

    def result(self, task: int, timeout: float = 60) -> Any:
        """The value of a function that was sent by `begin`; errors as of `run`."""
        finish = time.monotonic() + timeout
        with self._explained("answer"):
            while task not in self.line.results:
                self.line.receive(finish)
        answer = self.line.results.pop(task)
        if "error" in answer:
            raise RaisedInKrita(answer["error"])
        return answer["value"]

    def slot_errors(self) -> list[str]:
        """Tracebacks that nobody inside caught since the last call, as of slots and threads."""
        if self._line is None:
            return []
        if self.alive:
            self.run(open_windows)  # Answers come in order: all that was raised before is here.
        found = self._line.slot_errors[:]
        self._line.slot_errors.clear()
        return found

    def screenshot(self, name: str, of: str | None = None) -> Path:
        """A PNG of the whole screen, or of the widget with the object name `of`.

        `of="window"` is Krita's main window, without the dialogs that lie over it.
        """
        target = self.screenshots / f"{name}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        if of is None:
            return self.display.photograph(target)
        passing = self.folder / "screenshot.png"  # A Krita in a chroot may see no other folder.
        self.run(save_picture_of, of, str(passing))
        shutil.copy(passing, target)
        return target

    def quit(self, timeout: float = QUIT_SECONDS) -> int:
        """Close all documents without saving and Krita as a user does; its exit code."""
        self.run(close_all)
        self.begin(quit_krita)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._fail(f"did not quit within {timeout:g} s")
        self.line.receive_rest(_GRACE_SECONDS)
        return self.process.returncode

    def restart(self) -> None:
        """Quit and start again with the same profile."""
        code = self.quit()
        assert code == 0, f"Krita quit with {code}:\n{self.stderr[-_TAIL:]}"
        self.start()

    def kill(self) -> None:
        """End Krita at once, as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        """End everything and remove the profile. Does not wait for Krita; `quit` does."""
        self.kill()
        if self._line is not None:
            self._line.close()
        self.display.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextlib.contextmanager
    def _explained(self, wish: str) -> Iterator[None]:
        """Say what is known when the line to Krita fails."""
        try:
            yield
        except TimeoutError:
            self._fail(f"did not {wish} in time")
        except (EOFError, OSError):
            code = self._exit_code()
            self._fail(f"ended with code {code} and did not {wish}")

    def _exit_code(self) -> int | None:
        try:
            return self.process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            return None

    def _fail(self, what: str) -> NoReturn:
        picture = self.screenshots / f"krita-{self.process.pid}-{self._last_task}.png"
        try:
            seen = f"Screenshot: {self.display.photograph(picture)}"
        except (OSError, subprocess.SubprocessError) as error:
            seen = f"No screenshot: {error}"
        windows = self._windows()
        self.kill()  # What comes after a hang would only hang too.
        log = self.stderr[-_TAIL:] or "nothing"
        raise KritaFailed(f"Krita {what}.\n{seen}\nWindows: {windows}\nIt wrote:\n{log}") from None

    def _windows(self) -> str:
        """Titles of what is open, when Krita's event loop still runs."""
        self._last_task += 1
        message = {"task": self._last_task, "arguments": [], "seconds": _GRACE_SECONDS}
        finish = time.monotonic() + _GRACE_SECONDS
        try:
            self.line.send({**message, **pack(open_windows)})
            while self._last_task not in self.line.results:
                self.line.receive(finish)
        except (EOFError, OSError):
            return "unknown, it does not answer"
        return ", ".join(self.line.results.pop(self._last_task)["value"])
