"""How the layers of a result are stacked: drawn from their declared kinds, not from their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from s2i_client.declaration import Declaration, LayerKind
from s2i_client.pixels import LayerInfo

# From the bottom of the stack to its top.
STACK: tuple[LayerKind, ...] = ("image", "color", "flats", "mask", "shade", "lines")
# What shows a result best in one layer.
COMPOSITE: tuple[LayerKind, ...] = ("color", "image", "flats", "shade", "lines", "mask")
Info = TypeVar("Info", bound=LayerInfo)


def stacked(layers: Sequence[Info]) -> list[Info]:
    """The layers for a group, the bottom one first.

    Flats come without the pictures that already contain them.
    """
    has_flats = any(layer.kind == "flats" for layer in layers)
    parts = [layer for layer in layers if not (has_flats and layer.kind == "color")]
    return sorted(parts, key=lambda layer: STACK.index(layer.kind))


def composite(layers: Sequence[Info]) -> Info:
    """The one layer that shows the result; a result has at least one."""
    return min(layers, key=lambda layer: COMPOSITE.index(layer.kind))


def live_output(declaration: Declaration) -> str:
    """The output that live asks for: the default one that shows the result best."""
    outputs = [output for output in declaration.outputs if output.default]
    return min(outputs, key=lambda output: COMPOSITE.index(output.kind)).name
