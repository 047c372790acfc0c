"""What an input is for, as far as its declaration tells."""

from __future__ import annotations

from collections.abc import Sequence

from s2i_client.declaration import Input

SKETCH, HINTS, REFERENCE, PALETTE = "sketch", "hints", "reference", "palette"


def is_painted(declared: Input) -> bool:
    """Whether it is painted over the sketch, on a layer of its own."""
    return not declared.off_canvas and declared.name != SKETCH


def is_mask(declared: Input) -> bool:
    return declared.name == "mask" or declared.name.endswith("_mask")


def takes_pictures(declared: Input) -> bool:
    """Whether a file can stand for it: what lies on the canvas is on a layer, and the palette has
    a place of its own."""
    return declared.off_canvas and declared.name != PALETTE


def is_seldom(declared: Input, inputs: Sequence[Input]) -> bool:
    """Whether a system with these inputs is mostly used without it: pictures beside a first one,
    and what is painted but hints, and what the declaration has right after its first input."""
    if declared.required or declared.name == PALETTE:
        return False
    if is_painted(declared):
        return declared.name != HINTS and declared not in inputs[:2]
    pictures = [each for each in inputs if takes_pictures(each)]
    first = next((each for each in pictures if each.required), pictures[0] if pictures else None)
    return declared in pictures and declared != first
