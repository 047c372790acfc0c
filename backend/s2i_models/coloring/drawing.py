"""What a sketch tells by itself, hints or not: kept while an artist places hints on it.

Finding lines and regions is most of the work outside of the network. A live job of an unchanged
sketch finds all of it in its document's memory.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from s2i_models.flats.refine import find_canvas_pieces
from s2i_models.flats.regions import Pieces
from s2i_models.lineart import Paper, binary_ink, clean_lines, estimate_paper, ink_strength

_MEMORY = "coloring.drawing"
# Larger sketches are not remembered: this one takes 90 MB with all that is known of it, and a
# worker remembers several documents.
MOST_PIXELS = 2048 * 2048


class Drawing:
    """One sketch; everything about it is made when it is first asked for, whole or not at all."""

    def __init__(self, sketch: np.ndarray):
        self.sketch = sketch
        self._pieces: tuple[float | None, Pieces] | None = None

    @classmethod
    def of(cls, sketch: np.ndarray, memory: dict[str, Any]) -> Drawing:
        """The drawing that `memory` has of exactly these pixels, or a new one, remembered."""
        known = memory.get(_MEMORY)
        if isinstance(known, Drawing) and known.shows(sketch):
            return known
        memory.pop(_MEMORY, None)
        if sketch.shape[0] * sketch.shape[1] > MOST_PIXELS:
            return cls(sketch)
        drawing = cls(sketch.copy())  # whoever gave the array may change it
        memory[_MEMORY] = drawing
        return drawing

    def shows(self, sketch: np.ndarray) -> bool:
        """Whether this is a drawing of exactly these pixels."""
        return self.sketch.dtype == sketch.dtype and np.array_equal(self.sketch, sketch)

    @cached_property
    def paper(self) -> Paper:
        return estimate_paper(self.sketch)

    @cached_property
    def strength(self) -> np.ndarray:
        """float32 (height, width), see `lineart.ink_strength`."""
        return ink_strength(self.sketch, self.paper)

    @cached_property
    def ink(self) -> np.ndarray:
        """uint8 (height, width), 255 where ink."""
        return binary_ink(self.strength)

    @cached_property
    def lines(self) -> np.ndarray:
        """The lines on transparent paper, see `lineart.clean_lines`."""
        return clean_lines(self.sketch, self.paper, self.strength)

    def pieces(self, gap: float | None, step: Callable[[float, str], None]) -> Pieces:
        """What the lines enclose, with gaps up to `gap` px closed; see `find_canvas_pieces`."""
        if self._pieces is None or self._pieces[0] != gap:
            self._pieces = gap, find_canvas_pieces(self.ink, gap, None, step)
        return self._pieces[1]
