"""The s2i plugin for Krita. Krita imports this package at its start.

This file, `vendored.py`, `qt.py` and `unavailable.py` are written for Python 3.8, so that an old
Krita shows a message too.
"""

import sys


def _start() -> None:
    from . import vendored

    try:
        vendored.load()
    except vendored.LibraryMissing as missing:
        from . import unavailable

        unavailable.register(missing)
        return
    from .extension import register

    register()


# Krita's own module, which no other Python has: elsewhere the package is a library to test.
if "pykrita" in sys.modules:
    _start()
