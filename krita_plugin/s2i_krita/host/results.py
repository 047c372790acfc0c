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
from .document import Document
from .layer import Layer
from .scratch import Scratch
from .selection import Selection
from .steps import Steps, until_idle
from .writing import write_picture


class Placement(Enum):
    """Where new layers go; without a sketch layer the first two mean `top`."""

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
    with Scratch(document.space) as scratch:
        nodes = []
        for layer in layers:
            node = scratch.paint_layer(layer.title)
            yield from write_picture(_onto(node), document.space, layer.picture, scratch, within)
            node.setBlendingMode(layer.blend)
            node.setVisible(layer.visible)
            nodes.append(node)
        made = nodes[0] if group is None else scratch.group(group, nodes)
        yield from until_idle(document.raw)
        added = made.duplicate()
        _place(document, added, placement, sketch)
    parts = [added] if group is None else added.childNodes()
    return [part.uniqueId().toString() for part in parts]


def _onto(node: Any) -> Callable[[QtCore.QByteArray, Bounds], object]:
    return lambda pixels, strip: node.setPixelData(pixels, *strip)


def _place(document: Document, node: Any, placement: Placement, sketch: Layer | None) -> None:
    parent, below = _place_for(document, placement, sketch)
    active = document.raw.activeNode()
    if below is None and parent.childNodes():
        _add_at_bottom(parent, node)
    else:
        parent.addChildNode(node, below)
    # Its children were put into the group without Krita's notice: it shows nothing until asked.
    document.raw.refreshProjection()

    def activate() -> None:
        if active is not None and document.is_open and active.parentNode() is not None:
            document.raw.setActiveNode(active)

    # Krita selects what was added, partly later, from its event loop.
    activate()
    QtCore.QTimer.singleShot(0, activate)


def _place_for(
    document: Document, placement: Placement, sketch: Layer | None
) -> tuple[Any, Any | None]:
    """The parent, and the child to go above; None is its bottom."""
    root = document.raw.rootNode()
    if placement is Placement.inside_active_group:
        active = document.active_layer
        if active is None:
            return root, rearranging.topmost(root)
        if active.type == "grouplayer":
            return active.node, rearranging.topmost(active.node)
        return active.node.parentNode(), active.node
    parent = None if sketch is None or placement is Placement.top else sketch.node.parentNode()
    if parent is None or sketch is None:
        return root, rearranging.topmost(root)
    if placement is Placement.above_sketch:
        return parent, sketch.node
    return parent, rearranging.beneath(parent, sketch.node)


def _add_at_bottom(parent: Any, node: Any) -> None:
    """Add below all others, which Krita has no call for: it is the first while they are out."""
    if not rearranging.can_rearrange(parent):
        parent.addChildNode(node, parent.childNodes()[0])
        return
    others = rearranging.empty(parent)
    try:
        parent.addChildNode(node, None)
    finally:
        rearranging.put_back(parent, others)
