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

import json
import os
import select
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from display import Display
from krita_profile import DRIVER, KritaProfile
from krita_steps import close_all, open_windows, quit_krita, save_picture_of
from processes import end
from sent_function import pack

START_SECONDS = 180.0  # a first start builds the resource database, on however busy a machine
QUIT_SECONDS = 60.0
_TAIL = 3000  # characters of stderr that an error shows


class KritaEnded(Exception):
    """Krita is gone, or does not answer."""


class RaisedInKrita(Exception):
    """A sent function raised; the text is its traceback."""


def krita_command() -> list[str]:
    """How Krita is started: `S2I_KRITA`, a command with arguments, or `krita`."""
    return shlex.split(os.environ.get("S2I_KRITA", "krita"))


class KritaSession:
    """One Krita with its own screen, profile and plugins. A context manager that starts it.

    `plugins`: folders or zips as Krita's importer takes them. `environment`: more variables for
    Krita. `warm`: see `KritaProfile`. `screenshots`: where pictures go. `arguments`: for Krita's
    command line, such as a file to open. All of it can be changed until `start`.
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
        self.process: subprocess.Popen | None = None
        self.versions: dict[str, Any] = {}
        self._connection: socket.socket | None = None
        self._received = b""
        self._last_task = 0
        self._results: dict[int, dict[str, Any]] = {}
        self._slot_errors: list[str] = []

    def __enter__(self) -> KritaSession:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self.kill()  # It may hang, which would hide what went wrong.
        self.close()

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None, "it was not started"
        return self.process.pid

    @property
    def stderr(self) -> str:
        """What Krita has written to standard output and error since its last start."""
        return (self.folder / "krita.log").read_text(errors="replace")

    @property
    def memory(self) -> int:
        """Bytes of memory that Krita has in use (resident)."""
        return psutil.Process(self.pid).memory_info().rss

    def start(self, timeout: float = START_SECONDS) -> None:
        """Start Krita and wait for its window. After `quit` or `kill`: again, same profile."""
        assert not self.alive, "it runs already"
        self._received = b""
        self._results.clear()
        address = self.folder / "driver"
        address.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(address))
            listener.listen(1)
            with (self.folder / "krita.log").open("wb") as log:
                self.process = subprocess.Popen(
                    [*krita_command(), "--nosplash", *self.arguments],
                    env=self.environment,
                    cwd=self.profile.home,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            finish = time.monotonic() + timeout
            self._wait_readable(listener, finish, "load the test's driver plugin")
            self._connection = listener.accept()[0]
        self.versions = {}
        while not self.versions:
            self._read(finish, "open its window")

    def run(self, function: Callable[..., Any], *arguments: Any, timeout: float = 60) -> Any:
        """Call `function(*arguments)` inside Krita, on its GUI thread; its value.

        A generator may `yield` seconds to wait, or a callable to be called until it gives
        something true, which `yield` then returns. See `sent_function.pack` for what may be sent.
        Raises `RaisedInKrita` with the traceback, and `KritaEnded` with a screenshot's path when
        no answer came within `timeout` seconds, as from behind a modal dialog.
        """
        return self.result(self.begin(function, *arguments, timeout=timeout), timeout + 10)

    def begin(self, function: Callable[..., Any], *arguments: Any, timeout: float = 60) -> int:
        """Send a function and do not wait: what it begins may want an answer, as dialogs do."""
        self._last_task += 1
        message = {"task": self._last_task, "arguments": arguments, "seconds": timeout}
        line = json.dumps({**message, **pack(function)}).encode() + b"\n"
        try:
            assert self._connection is not None, "it was not started"
            self._connection.sendall(line)
        except OSError:
            self._complain(f"could not be asked for {function.__name__}")
        return self._last_task

    def result(self, task: int, timeout: float = 60) -> Any:
        """The value of a function that was sent by `begin`; errors as of `run`."""
        finish = time.monotonic() + timeout
        while task not in self._results:
            self._read(finish, "answer")
        answer = self._results.pop(task)
        if "error" in answer:
            raise RaisedInKrita(answer["error"])
        return answer["value"]

    def slot_errors(self) -> list[str]:
        """Tracebacks that nobody inside caught since the last call, as of slots and threads."""
        if self.alive:
            self.run(open_windows)  # Answers come in order: all that was raised before is here.
        found, self._slot_errors = self._slot_errors, []
        return found

    def screenshot(self, name: str, of: str | None = None) -> Path:
        """A PNG of the whole screen, or of the widget with the object name `of`.

        `of="window"` is Krita's main window, without the dialogs that lie over it.
        """
        target = self.screenshots / f"{name}.png"
        if of is None:
            return self.display.photograph(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        passing = self.folder / "screenshot.png"  # A Krita in a chroot sees no other folder.
        self.run(save_picture_of, of, str(passing))
        shutil.copy(passing, target)
        return target

    def quit(self, timeout: float = QUIT_SECONDS) -> int:
        """Close all documents without saving and Krita as a user does; its exit code."""
        self.run(close_all)
        task = self.begin(quit_krita)
        assert self.process is not None
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._results.pop(task, None)
            self._complain(f"did not quit within {timeout:g} s")
        self._drain()
        return self.process.returncode

    def restart(self) -> None:
        """Quit and start again with the same profile."""
        code = self.quit()
        assert code == 0, f"Krita quit with {code}:\n{self.stderr[-_TAIL:]}"
        self.start()

    def kill(self) -> None:
        """End Krita at once, as a crash does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def close(self) -> None:
        """End everything and remove the profile. A Krita that runs is asked to quit first."""
        try:
            if self.alive and self.versions:
                self.quit()
        finally:
            self.kill()
            if self._connection is not None:
                self._connection.close()
            self.display.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _read(self, finish: float, wish: str) -> None:
        """Take in what Krita says next."""
        assert self._connection is not None, "it was not started"
        self._wait_readable(self._connection, finish, wish)
        try:
            data = self._connection.recv(1 << 16)
        except ConnectionError:
            data = b""
        if not data:
            assert self.process is not None
            end(self.process)
            self._complain(f"ended with code {self.process.returncode} and did not {wish}")
        self._take(data)

    def _take(self, data: bytes) -> None:
        *lines, self._received = (self._received + data).split(b"\n")
        for message in map(json.loads, lines):
            if "slot_error" in message:
                self._slot_errors.append(message["slot_error"])
            elif "hello" in message:
                self.versions = message["hello"]
            else:
                self._results[message["task"]] = message

    def _drain(self) -> None:
        """Take in what a Krita that has ended still had to say."""
        assert self._connection is not None
        try:
            while data := self._connection.recv(1 << 16):
                self._take(data)
        except ConnectionError:
            pass

    def _wait_readable(self, source: socket.socket, finish: float, wish: str) -> None:
        while not select.select([source], [], [], 0.1)[0]:
            if not self.alive:
                assert self.process is not None
                self._complain(f"ended with code {self.process.returncode} and did not {wish}")
            if time.monotonic() > finish:
                self._complain(f"did not {wish} in time")

    def _complain(self, what: str) -> None:
        picture = self.screenshots / f"krita-{self.pid}-{self._last_task}.png"
        self.display.photograph(picture)
        log = self.stderr[-_TAIL:] or "nothing"
        raise KritaEnded(f"Krita {what}.\nScreenshot: {picture}\nIt wrote: {log}")
