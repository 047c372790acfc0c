"""Long work on the window's thread, done in slices between its events.

The work is a generator. `yield` gives Krita its event loop back; `yield seconds` pauses at least so
long. So a job from reading its pixels to showing its result is one function, read top to bottom.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from typing import Any

from ..qt import QtCore, pyqtSignal

SLICE_SECONDS = 0.008  # half of a frame at 60 Hz
WAIT_SECONDS = 0.02  # between looks at what another thread does
Work = Generator[float | None, None, Any]


class Task(QtCore.QObject):
    """Runs one generator to its end.

    `finished` is emitted once, with the task: `error` then has what the work raised, or is None and
    `value` has what it returned. A cancelled task emits nothing.
    """

    finished = pyqtSignal(object)

    def __init__(self, work: Work, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self.value: Any = None
        self.error: Exception | None = None
        self.running = True
        self._in_slice = False
        self._work = work
        self._timer = QtCore.QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._run_slice)
        self._timer.start(0)

    def cancel(self) -> None:
        """Stop at the next `yield`, at once; the work's `finally` blocks run.

        Called by the work itself, or by what it called, it stops there at its next `yield`.
        """
        if self.running:
            self._end()
            if not self._in_slice:
                self._work.close()

    def _run_slice(self) -> None:
        end = time.monotonic() + SLICE_SECONDS
        self._in_slice = True
        try:
            while True:
                pause = next(self._work)
                if pause or not self.running or time.monotonic() >= end:
                    break
        except StopIteration as stop:
            self.value = stop.value
        except Exception as error:
            self.error = error
        else:
            if self.running:
                self._timer.start(round((pause or 0) * 1000))
            else:
                self._work.close()
            return
        finally:
            self._in_slice = False
        if self.running:
            self._end()
            self.finished.emit(self)

    def _end(self) -> None:
        self.running = False
        self._timer.stop()
        self.deleteLater()


def on_thread(function: Callable[..., Any], *arguments: Any) -> Work:
    """Run something that touches neither Krita nor widgets on another thread, without waiting.

    Returns what it returns, and raises what it raises.
    """
    outcome: list[Any] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(function(*arguments))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, name="s2i-work", daemon=True)
    thread.start()
    while thread.is_alive():
        yield WAIT_SECONDS
    if failure:
        raise failure[0]
    return outcome[0]
