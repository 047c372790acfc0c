"""What only tests ask of the fake: beginning anew, opening, undoing, painting."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

from .application import Krita
from .document import Document, Selection
from .node import Node

Value = TypeVar("Value")


def restart(replaces_all_children: bool | None = None) -> Krita:
    """A Krita with one window and nothing open, whose signals come.

    `replaces_all_children`: how `Node.setChildNodes` works, True as since Krita 5.3.
    """
    Krita._the_one = None
    krita = Krita.instance()
    if replaces_all_children is not None:
        krita.replaces_all_children = replaces_all_children
    krita.openWindow()
    krita.notifier().setActive(True)
    return krita


def show_document(
    width: int, height: int, model: str = "RGBA", depth: str = "U8", profile: str = ""
) -> Document:
    """Make a document and show it, as its user does."""
    krita = Krita.instance()
    document = krita.createDocument(width, height, "test", model, depth, profile, 72.0)
    window = krita.activeWindow()
    assert document is not None and window is not None
    window.addView(document)
    return document


def add_layer(document: Document, name: str, pixels: bytes = b"", parent: Any = None) -> Node:
    """A paint layer on top; `pixels` cover the whole image."""
    node = document.createNode(name, "paintlayer")
    assert node is not None
    if pixels:
        node.setPixelData(pixels, 0, 0, document.width(), document.height())
    parent = parent or document.rootNode()
    parent.addChildNode(node, None)
    return node


def select(document: Document, x: int, y: int, width: int, height: int, mask: bytes = b"") -> None:
    """Select a rectangle, by `mask` or wholly."""
    selection = Selection()
    selection.setPixelData(mask or b"\xff" * (width * height), x, y, width, height)
    document.setSelection(selection)


def undo(document: Document) -> None:
    document.kis.image.undo()


def redo(document: Document) -> None:
    document.kis.image.redo()


def undo_steps(document: Document) -> list[str]:
    """What could be undone, oldest first."""
    return [step.name for step in document.kis.image.done]


def keep_busy(document: Document, times: int) -> None:
    """Refuse the lock so often, as while somebody paints."""
    document.kis.image.busy = times


def layer_names(parent: Any) -> list[str]:
    """From bottom to top."""
    return [child.name() for child in parent.childNodes()]


def finish(steps: Generator[float | None, None, Value]) -> Value:
    """Run a generator to its end; what it returns."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
