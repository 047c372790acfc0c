"""Results put into a document as layers, as one undo step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from s2i_client.geometry import Bounds
from s2i_client.pixels import ResultLayer

from ..qt import QtCore
from . import rearranging
from .active import activate, activate_soon
from .document import Document
from .layer import Layer
from .scratch import Scratch
from .selection import Selection
from .steps import Steps, deliver_pending, until_idle
from .writing import write_picture


class Placement(Enum):
    """Where new layers go; without a sketch layer the first two mean `top`.

    Below a sketch at the bottom of its group means below that group. Below the lowest layer of
    all, where Krita adds nothing in one undo step, means above it with the blending mode "behind",
    which looks the same.
    """

    above_sketch = "above_sketch"
    below_sketch = "below_sketch"
    top = "top"
    inside_active_group = "inside_active_group"


@dataclass(frozen=True)
class NewLayer:
    """A layer to be made. `blend` is Krita's name of a blending mode, such as `multiply`."""

    title: str
    picture: ResultLayer
    blend: str = "normal"
    visible: bool = True


def apply(
    document: Document,
    layers: Sequence[NewLayer],
    *,
    group: str | None,
    placement: Placement,
    sketch: Layer | None,
    within: Selection | None,
) -> Steps[list[str]]:
    """Add `layers`, bottom first, in a new group named `group` or, if there is one layer, alone.

    The pixels are converted to the document's color space, and cut out by `within`. Krita's undo
    takes all of it back in one step. The active layer stays active. Gives the ids of the layers,
    in their order. Raises `DocumentClosed`; then and when the generator is closed early, nothing
    was added.
    """
    if not layers or (group is None and len(layers) > 1):
        raise ValueError("Several layers need the name of a group, and there has to be a layer.")
    yield from until_idle(document.raw)
    space = document.space
    with Scratch(space) as scratch:
        nodes = []
        for layer in layers:
            node = scratch.paint_layer(layer.title)
            yield from write_picture(_onto(node), space, layer.picture, scratch, within)
            node.setBlendingMode(layer.blend)
            node.setVisible(layer.visible)
            nodes.append(node)
        made = nodes[0] if group is None else scratch.group(group, nodes)
        yield from until_idle(document.raw)
        parent, below, behind = _place_for(document, placement, sketch)
        if behind:
            made.setBlendingMode("behind")
        added = made.duplicate()
        _add(document, added, parent, below)
    parts = [added] if group is None else added.childNodes()
    return [part.uniqueId().toString() for part in parts]


def _onto(node: Any) -> Callable[[QtCore.QByteArray, Bounds], object]:
    return lambda pixels, strip: node.setPixelData(pixels, *strip)


def _add(document: Document, node: Any, parent: Any, below: Any | None) -> None:
    active = document.raw.activeNode()
    parent.addChildNode(node, below)
    deliver_pending()
    if node.childNodes():
        # They were put into the group without Krita's notice: it shows nothing until asked. That
        # takes Krita 94 ms for 4096 × 4096 pixels.
        document.raw.refreshProjection()
    activate(document.raw, active)
    activate_soon(document.raw, active)


def _place_for(
    document: Document, placement: Placement, sketch: Layer | None
) -> tuple[Any, Any | None, bool]:
    """The parent, the child to go above, None for its top; and whether to blend "behind" that."""
    root = document.raw.rootNode()
    if placement is Placement.inside_active_group:
        active = document.active_layer
        if active is None:
            return root, rearranging.topmost(root), False
        if active.type == "grouplayer":
            return active.node, rearranging.topmost(active.node), False
        return active.node.parentNode(), active.node, False
    node = None if sketch is None or placement is Placement.top else sketch.node
    parent = None if node is None else node.parentNode()
    if node is None or parent is None:
        return root, rearranging.topmost(root), False
    if placement is Placement.above_sketch:
        return parent, node, False
    while (beneath := rearranging.beneath(parent, node)) is None:
        outer = parent.parentNode()
        if outer is None:
            return parent, node, True
        node, parent = parent, outer
    return parent, beneath, False
