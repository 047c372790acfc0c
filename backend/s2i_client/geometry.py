"""Sizes, places and rectangles on a canvas, in whole pixels; y grows downwards."""

from __future__ import annotations

from math import ceil, floor
from typing import NamedTuple


class Point(NamedTuple):
    """A place on the canvas, or a shift between two."""

    x: int
    y: int

    def __add__(self, other: tuple[int, int]) -> Point:  # type: ignore[override]
        return Point(self.x + other[0], self.y + other[1])

    def __sub__(self, other: tuple[int, int]) -> Point:
        return Point(self.x - other[0], self.y - other[1])

    def clamp(self, bounds: Bounds) -> Point:
        """The nearest pixel inside `bounds`, which must not be empty."""
        return Point(
            min(max(self.x, bounds.x), bounds.right - 1),
            min(max(self.y, bounds.y), bounds.bottom - 1),
        )


class Extent(NamedTuple):
    """A width and a height."""

    width: int
    height: int

    @property
    def pixel_count(self) -> int:
        return self.width * self.height

    @property
    def is_empty(self) -> bool:
        return self.width <= 0 or self.height <= 0

    @property
    def longest_side(self) -> int:
        return max(self.width, self.height)

    @property
    def shortest_side(self) -> int:
        return min(self.width, self.height)

    def scale(self, factor: float) -> Extent:
        """Both sides times `factor`, rounded, at least one pixel each."""
        return Extent(max(1, round(self.width * factor)), max(1, round(self.height * factor)))

    def fit_inside(self, room: Extent) -> Extent:
        """The largest size of this shape that fits in `room`; grows or shrinks."""
        factor = min(room.width / self.width, room.height / self.height)
        fitted = self.scale(factor)
        return Extent(min(fitted.width, room.width), min(fitted.height, room.height))

    def shrink_to(self, longest_side: int) -> Extent:
        """This size, made smaller if a side is longer than `longest_side`; never larger."""
        if self.longest_side <= longest_side:
            return self
        return self.fit_inside(Extent(longest_side, longest_side))

    def multiple_of(self, step: int) -> Extent:
        """Both sides rounded up to multiples of `step`, as networks with strides need."""
        return Extent(-(-self.width // step) * step, -(-self.height // step) * step)


class Bounds(NamedTuple):
    """A rectangle: its top left pixel and its size. Right and bottom edges are exclusive."""

    x: int
    y: int
    width: int
    height: int

    @staticmethod
    def from_edges(left: int, top: int, right: int, bottom: int) -> Bounds:
        """The rectangle between edges; empty, never negative, when they cross."""
        return Bounds(left, top, max(0, right - left), max(0, bottom - top))

    @staticmethod
    def of(extent: Extent, origin: tuple[int, int] = (0, 0)) -> Bounds:
        return Bounds(origin[0], origin[1], extent.width, extent.height)

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    @property
    def origin(self) -> Point:
        return Point(self.x, self.y)

    @property
    def extent(self) -> Extent:
        return Extent(self.width, self.height)

    @property
    def is_empty(self) -> bool:
        return self.extent.is_empty

    @property
    def center(self) -> Point:
        return Point(self.x + self.width // 2, self.y + self.height // 2)

    def contains(self, point: tuple[int, int]) -> bool:
        return self.x <= point[0] < self.right and self.y <= point[1] < self.bottom

    def encloses(self, other: Bounds) -> bool:
        """True when no pixel of `other` lies outside; an empty rectangle is always enclosed."""
        return other.is_empty or self.union(other) == self

    def union(self, other: Bounds) -> Bounds:
        """The smallest rectangle around both; an empty one adds nothing."""
        if self.is_empty:
            return other
        if other.is_empty:
            return self
        return Bounds.from_edges(
            min(self.x, other.x),
            min(self.y, other.y),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def intersection(self, other: Bounds) -> Bounds:
        """The pixels in both; empty when they do not meet."""
        return Bounds.from_edges(
            max(self.x, other.x),
            max(self.y, other.y),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )

    def pad(self, amount: int) -> Bounds:
        """Grown by `amount` on every side; a negative amount shrinks, at most to nothing."""
        return Bounds.from_edges(
            self.x - amount, self.y - amount, self.right + amount, self.bottom + amount
        )

    def clamp(self, room: Bounds) -> Bounds:
        """Moved, and cut where it is larger, so that it lies inside `room`."""
        width, height = min(self.width, room.width), min(self.height, room.height)
        x = min(max(self.x, room.x), room.right - width)
        y = min(max(self.y, room.y), room.bottom - height)
        return Bounds(x, y, width, height)

    def shift(self, by: tuple[int, int]) -> Bounds:
        return Bounds(self.x + by[0], self.y + by[1], self.width, self.height)

    def relative_to(self, origin: tuple[int, int]) -> Bounds:
        """The same rectangle in the coordinates of a picture whose top left is `origin`."""
        return self.shift((-origin[0], -origin[1]))

    def scale(self, factor: float) -> Bounds:
        """Every edge times `factor`, rounded outwards: no scaled pixel is lost."""
        return Bounds.from_edges(
            floor(self.x * factor),
            floor(self.y * factor),
            ceil(self.right * factor),
            ceil(self.bottom * factor),
        )
