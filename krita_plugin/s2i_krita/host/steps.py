"""Long work in short steps, and waiting for a document that is busy."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, TypeVar

from krita import Krita
from s2i_client.geometry import Bounds

from ..qt import QtCore
from ..texts import _

Value = TypeVar("Value")

# Work that yields whenever the event loop should run, None or the seconds to wait at least, and
# returns its value.
Steps = Generator[float | None, None, Value]
_BUSY_SECONDS = 0.005
_META_CALL = 43  # QEvent.Type.MetaCall; PyQt5 and PyQt6 both take a number here

# Krita 5.1.5 reads or writes so much in some 8 ms (measured: 4096 × 512 RGBA take 15 ms).
BYTES_PER_STEP = 4 << 20
# ... and converts so many pixels between color spaces (measured: 49 ms for a million).
PIXELS_PER_CONVERSION = 1 << 17


class DocumentClosed(Exception):
    """The document was closed while something was under way in it."""

    def __init__(self) -> None:
        super().__init__(_("The document was closed. Open it again and repeat what you did."))


def is_open(document: Any) -> bool:
    return any(found == document for found in Krita.instance().documents())


def is_idle(document: Any) -> bool:
    """Whether nothing is being painted or computed in it right now."""
    if not document.tryBarrierLock():
        return False
    document.unlock()
    return True


def until_idle(document: Any) -> Steps[None]:
    """Wait until Krita has finished what it does in the document; always yields once.

    Raises `DocumentClosed` when it was closed.
    """
    yield
    while True:
        if not is_open(document):
            raise DocumentClosed
        if is_idle(document):
            return
        yield _BUSY_SECONDS


def deliver_pending() -> None:
    """Let Krita's window learn of all layers that were added until now.

    It is told by queued signals, and asserts or (before 5.3) crashes when a layer is activated or
    goes that it does not know yet.
    """
    QtCore.QCoreApplication.sendPostedEvents(None, _META_CALL)


def strips(bounds: Bounds, rows: int) -> Iterator[Bounds]:
    """`bounds` from top to bottom in pieces of at most `rows` rows, at least one."""
    rows = max(1, rows)
    for top in range(bounds.y, bounds.bottom, rows):
        yield Bounds(bounds.x, top, bounds.width, min(rows, bounds.bottom - top))


def rows_per_step(width: int, pixel_size: int, converted: bool) -> int:
    """How many rows of `width` pixels of `pixel_size` bytes are one step's work."""
    rows = BYTES_PER_STEP // (width * pixel_size)
    if converted:
        rows = min(rows, PIXELS_PER_CONVERSION // width)
    return max(1, rows)
