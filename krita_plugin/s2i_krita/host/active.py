"""The active layer, which Krita lets follow what is added and taken out."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..qt import QtCore
from .steps import is_open


def activate(document: Any, node: Any | None) -> None:
    """Make `node` the active layer, if the document is still open and has it."""
    if node is not None and is_open(document) and node.parentNode() is not None:
        document.setActiveNode(node)


def activate_soon(document: Any, node: Any | None) -> None:
    """The same from Krita's event loop: it selects some of what was added as late as that, and
    before, its window does not know a new layer and asserts."""
    QtCore.QTimer.singleShot(0, partial(activate, document, node))
