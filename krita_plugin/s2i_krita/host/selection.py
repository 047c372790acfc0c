"""What is selected, apart from Krita."""

from __future__ import annotations

from dataclasses import dataclass

from s2i_client.geometry import Bounds


@dataclass(frozen=True)
class Selection:
    """The rectangle around what is selected, and how much each of its pixels is.

    `mask` has a byte for each pixel of `bounds`, rows top to bottom: 0 not, 255 fully selected.
    """

    bounds: Bounds
    mask: bytes

    def within(self, area: Bounds) -> bytes:
        """The mask of a rectangle, 0 outside of the selection's own."""
        common = area.intersection(self.bounds)
        if common.is_empty:
            return bytes(area.extent.pixel_count)
        left, right = bytes(common.x - area.x), bytes(area.right - common.right)
        start = common.x - self.bounds.x
        rows = [bytes((common.y - area.y) * area.width)]
        for y in range(common.y - self.bounds.y, common.bottom - self.bounds.y):
            first = y * self.bounds.width + start
            rows += (left, self.mask[first : first + common.width], right)
        rows.append(bytes((area.bottom - common.bottom) * area.width))
        return b"".join(rows)

    def intersection(self, other: Selection) -> Selection:
        """What both select, as much as the one that selects less of it."""
        common = self.bounds.intersection(other.bounds)
        mine, theirs = self.within(common), other.within(common)
        empty, full = bytes(common.width), b"\xff" * common.width
        rows = []
        for start in range(0, len(mine), max(1, common.width)):
            one, two = mine[start : start + common.width], theirs[start : start + common.width]
            # Most rows of most selections need no look at each pixel.
            if empty in (one, two):
                rows.append(empty)
            elif full in (one, two):
                rows.append(two if one == full else one)
            else:
                rows.append(bytes(map(min, one, two)))
        return Selection(common, b"".join(rows))
