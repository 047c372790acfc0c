"""A result that its own system can be given once more, such as a picture to be refined."""

from __future__ import annotations

from dataclasses import dataclass

from s2i_client.declaration import Declaration, Input

from .stored import Entry, StoredLayer


@dataclass(frozen=True)
class Again:
    """A layer of a result, and the input that it can be. `title`: what that is called, in the
    words of the declaration."""

    system: Declaration
    input: Input
    layer: StoredLayer
    title: str


def again_of(entry: Entry, declaration: Declaration, shown: StoredLayer) -> Again | None:
    """What of a result can be given once more: the layer that is `shown` if that can be, else the
    first one; None when the declaration says of none that it can."""
    outputs = {output.name: output for output in declaration.outputs if output.again}
    for layer in (shown, *entry.laid):
        if (output := outputs.get(layer.info.name)) is not None:
            taken = next(each for each in declaration.inputs if each.name == output.again)
            return Again(declaration, taken, layer, output.again_title or taken.title)
    return None
