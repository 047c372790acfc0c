"""How the layers of a result are stacked: drawn from their declared kinds, not from their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from s2i_client.declaration import SHOWN_BEST, STACK, Declaration, LayerKind

# Those that are a whole picture each, and no part of one.
WHOLE: tuple[LayerKind, ...] = ("color", "image")


class HasKind(Protocol):
    @property
    def kind(self) -> LayerKind: ...

    @property
    def name(self) -> str: ...


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
    return min(layers, key=lambda layer: SHOWN_BEST.index(layer.kind))


def variants(layers: Sequence[Layer]) -> list[Layer]:
    """Whole pictures that came several times, of which one is looked at, such as the steps from
    some colors to others; none where there is a single one, or only parts."""
    if not layers or (first := composite(layers)).kind not in WHOLE:
        return []
    alike = [layer for layer in layers if layer.name == first.name]
    return alike if len(alike) > 1 else []


def live_output(declaration: Declaration) -> str:
    """The output that live asks for: the default one that shows the result best."""
    outputs = [o for o in declaration.outputs if o.default and not o.off_canvas]
    return composite(outputs).name
