"""Bytes kept in a document's annotations, moved piece by piece, so that Krita goes on meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from s2i_client.pixels import Buffer

from ..qt import QtCore
from .document import Document
from .steps import DocumentClosed, Steps

# 72 MB at once take 40 ms (measured), so this takes well below one.
PIECE_BYTES = 1 << 20


def read(document: Document, key: str) -> Steps[list[bytes]]:
    """The pieces of what is kept under `key`, none when nothing is.

    Raises `DocumentClosed`.
    """
    _expect_open(document)
    kept = document.raw.annotation(key)
    pieces = []
    for start in range(0, kept.size(), PIECE_BYTES):
        pieces.append(kept.mid(start, PIECE_BYTES).data())
        yield
    return pieces


def write(document: Document, key: str, description: str, parts: Sequence[Buffer]) -> Steps[None]:
    """Keep `parts`, joined, in place of what was kept under `key`. Not part of the undo history.

    Given up before its end, it changes nothing. Raises `DocumentClosed`.
    """
    views = [memoryview(part).cast("B") for part in parts]
    joined = QtCore.QByteArray()
    joined.reserve(sum(view.nbytes for view in views))
    for view in views:
        for start in range(0, view.nbytes, PIECE_BYTES):
            joined.append(bytes(view[start : start + PIECE_BYTES]))
            yield
    _expect_open(document)
    document.raw.setAnnotation(key, description, joined)


def _expect_open(document: Document) -> None:
    if not document.is_open:
        raise DocumentClosed
