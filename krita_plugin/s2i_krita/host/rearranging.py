"""Layers put in and taken out without a trace in Krita's undo history.

`Node.setChildNodes` is what records nothing. Before Krita 5.3 it takes out only the bottom child
and then appends those of its list that have no parent, so that layers are moved by turning the
whole pile. Since 5.3 it replaces all children.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .layer import LAYER_TYPES, MASK_TYPES
from .scratch import Scratch

_replaces_all: bool | None = None


def can_rearrange(parent: Any) -> bool:
    """Whether all children are layers as users make them, and none of Krita's inner ones."""
    return all(child.type() in LAYER_TYPES | MASK_TYPES for child in parent.childNodes())


def insert(parent: Any, node: Any, below: Any | None) -> None:
    """Put a node without a parent directly above `below`, at the bottom when that is None."""
    children = parent.childNodes()
    order = list(children)
    order.insert(_index(children, below) + 1, node)
    _arrange(parent, order)


def take_out(parent: Any, node: Any) -> None:
    """Remove a child, if it is one; the others keep their order."""
    children = parent.childNodes()
    order = [child for child in children if child.uniqueId() != node.uniqueId()]
    if len(order) < len(children):
        _arrange(parent, order)


def topmost(parent: Any) -> Any | None:
    """The highest layer among the children."""
    layers = [node for node in parent.childNodes() if node.type() in LAYER_TYPES]
    return layers[-1] if layers else None


def beneath(parent: Any, node: Any) -> Any | None:
    """The child directly below `node`, None when that is the bottom one."""
    children = parent.childNodes()
    index = _index(children, node)
    return children[index - 1] if index else None


def _index(children: Sequence[Any], node: Any | None) -> int:
    """Where `node` is among the children, -1 for None; the highest when it is not there."""
    if node is None:
        return -1
    ids = [child.uniqueId() for child in children]
    return ids.index(node.uniqueId()) if node.uniqueId() in ids else len(ids) - 1


def _arrange(parent: Any, order: list[Any]) -> None:
    """Make `order` the children of `parent`; the old ones of them keep their order."""
    if _replaces_all_children():
        parent.setChildNodes(order)
        return
    old = parent.childNodes()
    if not old:
        parent.setChildNodes(order)
        return
    there = [child.uniqueId() for child in old]
    waiting = list(order)
    for child in old:  # the bottom one each time
        turned: list[Any] = []
        while waiting and waiting[0].uniqueId() not in there:
            turned.append(waiting.pop(0))
        if waiting and waiting[0].uniqueId() == child.uniqueId():
            turned.append(waiting.pop(0))
        if child is old[-1]:
            turned += waiting
        parent.setChildNodes(turned)


def _replaces_all_children() -> bool:
    """How `setChildNodes` works in this Krita: tried once with a group of no document."""
    global _replaces_all  # noqa: PLW0603 - asking costs a scratch document
    if _replaces_all is None:
        with Scratch() as scratch:
            group = scratch.group("probe", [scratch.paint_layer("a"), scratch.paint_layer("b")])
            group.setChildNodes([])
            _replaces_all = not group.childNodes()
    return _replaces_all
