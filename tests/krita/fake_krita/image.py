"""What a document is made of: its layers, its undo stack, and its lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .colors import Space
from .node import KisNode
from .pixels import Rectangle


class Step(NamedTuple):
    name: str
    redo: Callable[[], object]
    undo: Callable[[], object]


class Image:
    """`busy`: how often `tryBarrierLock` is refused before it is granted again."""

    def __init__(self, width: int, height: int, space: Space, resolution: float):
        self.width, self.height = width, height
        self.space = space
        self.resolution = resolution
        self.root = KisNode(self, "root", "grouplayer", space)
        self.active: KisNode | None = None
        self.selection: tuple[Rectangle, bytes] | None = None
        self.annotations: dict[str, tuple[str, bytes]] = {}
        self.done: list[Step] = []
        self.undone: list[Step] = []
        self.modified = False
        self.locks = 0
        self.busy = 0
        self.refreshed = 0
        self.replaces_all_children = False

    def do(self, name: str, redo: Callable[[], object], undo: Callable[[], object]) -> None:
        redo()
        self.done.append(Step(name, redo, undo))
        self.undone.clear()
        self.modified = True

    def undo(self) -> None:
        step = self.done.pop()
        step.undo()
        self.undone.append(step)

    def redo(self) -> None:
        step = self.undone.pop()
        step.redo()
        self.done.append(step)

    def expect_unlocked(self) -> None:
        """Krita waits for all locks before it does what is recorded."""
        if self.locks:
            raise RuntimeError("Krita would hang: the document is locked by who waits for it")

    def attach(self, parent: KisNode, node: KisNode, index: int) -> None:
        if node.parent is not None:
            return
        parent.children.insert(min(index, len(parent.children)), node)
        node.parent = parent
        node.move_to(self)
        if parent is self.root or parent.parent is not None:
            self.active = node  # Krita activates what was added.

    def detach(self, node: KisNode) -> None:
        if node.parent is None:
            return
        siblings = node.parent.children
        siblings.remove(node)
        node.parent = None
        if self.active is node:
            self.active = siblings[-1] if siblings else None
