"""Runs what a test sends, on Krita's GUI thread. The test's half is `krita_session.py`.

The test listens on a Unix socket and names it in `S2I_TEST_DRIVER`. Both sides send JSON, a line
each. From the test: `{"task", "function", "arguments", "seconds", "sources", "constants",
"modules"}`. From here: `{"hello"}` once the window stands, `{"task", "value"}` or
`{"task", "error"}`, and `{"slot_error"}` for what nobody caught.

Standard library only, and no code of the product: a test must not depend on what it tests.
"""

import __future__

import functools
import importlib
import inspect
import json
import linecache
import os
import platform
import socket
import sys
import threading
import time
import traceback

# By name, because a type checker outside of Krita finds neither, or something else.
krita = importlib.import_module("krita")
Krita = krita.Krita
_binding = "PyQt6" if int(Krita.instance().version().split(".")[0]) >= 6 else "PyQt5"
QtCore, QtGui, QtWidgets, QtTest = (
    importlib.import_module(f"{_binding}.{name}")
    for name in ("QtCore", "QtGui", "QtWidgets", "QtTest")
)

_POLL_MS = 5
_AFTER_WINDOW_MS = 200
_lines = {}  # of sent functions, by file


class Connection:
    """The line to the test. Reads when the event loop says that something came."""

    def __init__(self, address):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(address)
        self._received = b""
        self._notifier = QtCore.QSocketNotifier(
            self._socket.fileno(), QtCore.QSocketNotifier.Type.Read
        )
        self._notifier.activated.connect(self._read)

    def send(self, message):
        """Write it whole, from whichever thread."""
        self._socket.sendall(json.dumps(message).encode() + b"\n")

    def _read(self, *_):
        data = self._socket.recv(1 << 16)
        if not data:  # The test is gone, and what it has started goes with it.
            os._exit(3)
        self._received += data
        *lines, self._received = self._received.split(b"\n")
        for line in lines:
            # From the event loop, so that a task which opens a modal dialog does not keep the
            # next one from looking at that dialog.
            task = Task(self, json.loads(line))
            _later(0, task.start)


class Task:
    """A function that was sent, and its generator when it is one."""

    def __init__(self, connection, message):
        self._connection = connection
        self._message = message
        self._end = time.monotonic() + message["seconds"]

    def start(self):
        try:
            names = _names(self._message)
            value = names[self._message["function"]](*self._message["arguments"])
        except BaseException:
            self._fail()
            return
        if inspect.isgenerator(value):
            self._go_on(value, value.send, None)
        else:
            self._finish(value)

    def _go_on(self, generator, resume, value):
        """Run it up to its next `yield`: `resume` is its `send` or `throw`."""
        try:
            wish = resume(value)
        except StopIteration as stop:
            self._finish(stop.value)
        except BaseException:
            self._fail()
        else:
            if callable(wish):
                self._look(generator, wish)
            else:
                _later(
                    int(1000 * (wish or 0)), lambda: self._go_on(generator, generator.send, None)
                )

    def _look(self, generator, awaited):
        """Go on when `awaited` gives something true, or raise where the generator waits."""
        try:
            value = awaited()
        except BaseException as error:
            self._go_on(generator, generator.throw, error)
            return
        if value:
            self._go_on(generator, generator.send, value)
        elif time.monotonic() > self._end:
            error = TimeoutError("what it waits for did not come about")
            self._go_on(generator, generator.throw, error)
        else:
            _later(_POLL_MS, lambda: self._look(generator, awaited))

    def _finish(self, value):
        try:
            self._connection.send({"task": self._message["task"], "value": value})
        except TypeError:
            self._fail()

    def _fail(self):
        text = traceback.format_exc()
        self._connection.send({"task": self._message["task"], "error": text})


def _later(milliseconds, call):
    # PyQt keeps the object of a bound method only weakly, so it would be gone by then.
    QtCore.QTimer.singleShot(milliseconds, functools.partial(call))


def _names(message):
    """The globals of a sent function: the hosts' names, and what it uses of its own module."""
    names = {
        "Krita": Krita,
        "InfoObject": krita.InfoObject,
        "ManagedColor": krita.ManagedColor,
        "Selection": krita.Selection,
        "QtCore": QtCore,
        "QtGui": QtGui,
        "QtWidgets": QtWidgets,
        "QTest": QtTest.QTest,
        **message["constants"],
    }
    for name, module in message["modules"].items():
        names[name] = importlib.import_module(module)
    for source in message["sources"]:
        # Blank lines before it, so that a traceback shows the line's number in the test's file.
        text = "\n" * (source["line"] - 1) + source["text"]
        flags = __future__.annotations.compiler_flag
        exec(compile(text, source["file"], "exec", flags, dont_inherit=True), names)
        _remember_lines(source["file"], text.splitlines(keepends=True))
    return names


def _remember_lines(file, lines):
    """Let tracebacks show these lines of a file that this process may not be able to read."""
    known = _lines.setdefault(file, [])
    known += ["\n"] * (len(lines) - len(known))
    for number, line in enumerate(lines):
        if line != "\n":
            known[number] = line
    linecache.cache[file] = (len("".join(known)), None, known, file)


def _watch_uncaught(connection):
    """Collect what nobody caught; Krita's own hook would open a modal dialog and wait."""

    def hook(kind, error, trace):
        text = "".join(traceback.format_exception(kind, error, trace))
        print(text, file=sys.stderr, flush=True)
        connection.send({"slot_error": text})

    sys.excepthook = hook
    threading.excepthook = lambda found: hook(found.exc_type, found.exc_value, found.exc_traceback)


class TestDriver(krita.Extension):
    """Says hello when the first window stands."""

    def __init__(self, parent, connection):
        super().__init__(parent)
        self._connection = connection
        self._greeted = False

    def setup(self):
        notifier = Krita.instance().notifier()
        notifier.setActive(True)
        notifier.windowCreated.connect(self._window_created)

    def createActions(self, window):  # noqa: N802 - Krita's name
        pass

    def _window_created(self):
        if not self._greeted:
            self._greeted = True
            # The signal comes before the window is shown.
            _later(_AFTER_WINDOW_MS, self._greet)

    def _greet(self):
        Krita.instance().activeWindow().qwindow().showMaximized()
        _watch_uncaught(self._connection)  # Again: another plugin may have put its own there.
        self._connection.send(
            {
                "hello": {
                    "krita": Krita.instance().version(),
                    "python": platform.python_version(),
                    "qt": QtCore.QT_VERSION_STR,
                    "pyqt": QtCore.PYQT_VERSION_STR,
                    "pid": os.getpid(),
                }
            }
        )


def install():
    """Connect to the test that started this Krita; without one, do nothing."""
    address = os.environ.get("S2I_TEST_DRIVER")
    if address:
        connection = Connection(address)
        _watch_uncaught(connection)
        Krita.instance().addExtension(TestDriver(Krita.instance(), connection))
