"""The colors at hand: taken from a reference or a result, and locked to stay over pages."""

from __future__ import annotations

import json
from collections import Counter

from s2i_client.pixels import Picture

from ..qt import QtCore, pyqtSignal
from .eight_bit import eight_bit, sample
from .settings import Read, Write
from .task import Work, on_thread

Color = tuple[int, int, int]  # sRGB, 0 to 255

MOST_KEPT = 256
MOST_COLORS = 24  # taken from one picture
SAMPLES = 160
# Colors nearer than this, summed over the channels, are one swatch.
NEAR = 36
OPAQUE = 200


class Palette(QtCore.QObject):
    """The user's palette, the same in every document.

    While it is `locked`, nothing is added by itself, and systems that take a palette use no other
    colors.
    """

    changed = pyqtSignal()

    def __init__(self, read: Read, write: Write, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self._write = write
        self.colors: list[Color] = []
        self.locked = read("palette_locked", "") == "true"
        try:
            kept = json.loads(read("palette", "[]"))
            # `bytes` takes no numbers but whole ones from 0 to 255.
            colors = [(r, g, b) for r, g, b in kept if bytes((r, g, b))]
            self.colors = list(dict.fromkeys(colors))[:MOST_KEPT]
        except (ValueError, TypeError, RecursionError):
            pass  # somebody wrote nonsense into the file: an empty palette

    def take_from(self, picture: Picture) -> Work:
        """Add a picture's main colors, found on another thread; a locked palette stays as it is."""
        colors = yield from on_thread(main_colors, picture)
        if not self.locked:
            self.set([*self.colors, *colors])

    def add(self, color: Color) -> None:
        self.set([*self.colors, color])

    def remove(self, color: Color) -> None:
        self.set([c for c in self.colors if c != color])

    def clear(self) -> None:
        self.set([])

    def set(self, colors: list[Color]) -> None:
        """Replace all; doubles and what is beyond 256 fall away."""
        self.colors = list(dict.fromkeys(colors))[:MOST_KEPT]
        self._write("palette", json.dumps(self.colors))
        self.changed.emit()

    def lock(self, locked: bool) -> None:
        self.locked = locked
        self._write("palette_locked", str(locked).lower())
        self.changed.emit()

    def picture(self, name: str) -> Picture | None:
        """The colors as a strip one pixel high, as systems take it; None when there are none."""
        if not self.colors:
            return None
        data = b"".join(bytes((*color, 255)) for color in self.colors)
        return Picture(name=name, width=len(self.colors), height=1, data=data)


def main_colors(picture: Picture, most: int = MOST_COLORS) -> list[Color]:
    """The colors that cover most of a picture, the largest first; what is clear does not count.

    Exact for flats. In a painting, near colors count for the most frequent of them.
    """
    pixels = eight_bit(sample(picture, SAMPLES))
    counts: Counter[Color] = Counter()
    for red, green, blue, alpha in zip(
        pixels[0::4], pixels[1::4], pixels[2::4], pixels[3::4], strict=True
    ):
        if alpha >= OPAQUE:
            counts[red, green, blue] += 1
    # Thousands of colors of a photograph are counted on a coarser grid first.
    if len(counts) > 8 * most:
        coarse: dict[Color, Counter[Color]] = {}
        for color, count in counts.items():
            cell = (color[0] >> 4, color[1] >> 4, color[2] >> 4)
            coarse.setdefault(cell, Counter())[color] += count
        counts = Counter({c.most_common(1)[0][0]: c.total() for c in coarse.values()})
    chosen: list[Color] = []
    for color, _count in counts.most_common():
        if all(_distance(color, other) > NEAR for other in chosen):
            chosen.append(color)
            if len(chosen) == most:
                break
    return chosen


def _distance(one: Color, other: Color) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))
