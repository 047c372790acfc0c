"""How the layers of a result are stacked: drawn from their declared kinds, not from their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from s2i_client.declaration import Declaration, LayerKind

# From the bottom of the stack to its top.
STACK: tuple[LayerKind, ...] = ("image", "color", "flats", "mask", "shade", "lines")
# What shows a result best in one layer.
COMPOSITE: tuple[LayerKind, ...] = ("color", "image", "flats", "shade", "lines", "mask")


class HasKind(Protocol):
    @property
    def kind(self) -> LayerKind: ...


Layer = TypeVar("Layer", bound=HasKind)


def stacked(layers: Sequence[Layer]) -> list[Layer]:
    """The layers for a group, the bottom one first.

    Flats come without the pictures that already contain them.
    """
    has_flats = any(layer.kind == "flats" for layer in layers)
    parts = [layer for layer in layers if not (has_flats and layer.kind == "color")]
    return sorted(parts, key=lambda layer: STACK.index(layer.kind))


def composite(layers: Sequence[Layer]) -> Layer:
    """The one layer that shows the result; a result has at least one."""
    return min(layers, key=lambda layer: COMPOSITE.index(layer.kind))


def live_output(declaration: Declaration) -> str:
    """The output that live asks for: the default one that shows the result best."""
    outputs = [o for o in declaration.outputs if o.default and not o.off_canvas]
    return composite(outputs).name
