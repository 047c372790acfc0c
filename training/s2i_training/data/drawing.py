"""What a source of drawings hands to the builder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Picture:
    """Pixels of a drawing: `color` (S, S, 4) uint8 RGBA, straight alpha; `lines` (S, S) uint8,
    255 paper, 0 ink, in the same geometry, or None where the source has no ink layer."""

    color: np.ndarray
    lines: np.ndarray | None = None


@dataclass(frozen=True)
class Drawing:
    """One drawing before it is rendered.

    `id` is a file name, unique within the source. `variant_of` is the same for drawings that differ
    in nothing but skin tone; `toned` says which of them have one. `text`: the bytes of the source
    that the pixels follow from; their hash identifies the drawing. `render` may raise
    UnusableDrawingError. Without `author` and `license` those of the source hold.
    """

    id: str
    subject: str
    text: bytes
    render: Callable[[], Picture]
    variant_of: str
    toned: bool = False
    author: str = ""
    license: str = ""
