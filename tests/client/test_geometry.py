"""Rectangles and sizes: what hosts compute layers' places with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2i_client.geometry import Bounds, Extent, Point

coordinates = st.integers(-10_000, 10_000)
sides = st.integers(0, 10_000)
rectangles = st.builds(Bounds, coordinates, coordinates, sides, sides)
full_rectangles = st.builds(
    Bounds, coordinates, coordinates, st.integers(1, 10_000), st.integers(1, 10_000)
)
extents = st.builds(Extent, st.integers(1, 10_000), st.integers(1, 10_000))


@given(rectangles, rectangles)
def test_a_union_encloses_both_and_an_intersection_is_in_both(a, b):
    assert a.union(b).encloses(a)
    assert a.union(b).encloses(b)
    assert a.encloses(a.intersection(b))
    assert b.encloses(a.intersection(b))


@given(full_rectangles, full_rectangles, st.data())
def test_a_pixel_is_in_the_intersection_exactly_when_it_is_in_both(a, b, data):
    point = data.draw(st.tuples(st.integers(a.x, a.right), st.integers(a.y, a.bottom)))
    assert a.intersection(b).contains(point) == (a.contains(point) and b.contains(point))


def test_rectangles_that_do_not_meet_have_an_empty_intersection():
    assert Bounds(0, 0, 4, 4).intersection(Bounds(4, 0, 4, 4)).is_empty


def test_an_empty_rectangle_adds_nothing_to_a_union():
    assert Bounds(5, 5, 2, 3).union(Bounds(-100, -100, 0, 7)) == Bounds(5, 5, 2, 3)


@given(full_rectangles, st.integers(0, 100))
def test_padding_is_undone_by_its_negative(bounds, amount):
    assert bounds.pad(amount).pad(-amount) == bounds


def test_padding_shrinks_to_nothing_and_not_further():
    assert Bounds(0, 0, 4, 10).pad(-3).extent == Extent(0, 4)


@given(full_rectangles, full_rectangles)
def test_a_clamped_rectangle_lies_in_its_room_and_keeps_its_size_where_it_fits(bounds, room):
    clamped = bounds.clamp(room)
    assert room.encloses(clamped)
    assert clamped.width == min(bounds.width, room.width)
    assert clamped.height == min(bounds.height, room.height)


@given(full_rectangles)
def test_a_rectangle_inside_its_room_is_not_moved(bounds):
    assert bounds.clamp(bounds.pad(7)) == bounds


@given(full_rectangles, st.tuples(coordinates, coordinates))
def test_a_clamped_point_is_inside(bounds, place):
    point = Point(*place).clamp(bounds)
    assert bounds.contains(point)
    assert point == place or not bounds.contains(place)


@given(full_rectangles, st.floats(0.01, 4))
def test_scaling_loses_no_pixel(bounds, factor):
    scaled = bounds.scale(factor)
    assert scaled.x <= bounds.x * factor
    assert scaled.right >= bounds.right * factor


@given(extents, extents)
def test_a_size_fitted_into_room_touches_it_and_keeps_its_shape(size, room):
    fitted = size.fit_inside(room)
    assert fitted.width <= room.width
    assert fitted.height <= room.height
    assert fitted.width == room.width or fitted.height == room.height
    exact = min(room.width / size.width, room.height / size.height)
    assert fitted.width == pytest.approx(max(1, size.width * exact), abs=0.51)
    assert fitted.height == pytest.approx(max(1, size.height * exact), abs=0.51)


@given(extents)
def test_shrinking_never_enlarges(size):
    assert size.shrink_to(20_000) == size
    assert size.shrink_to(64).longest_side <= 64


@given(extents, st.integers(1, 256))
def test_multiples_are_the_next_ones(size, step):
    rounded = size.multiple_of(step)
    assert rounded.width % step == rounded.height % step == 0
    assert 0 <= rounded.width - size.width < step
    assert 0 <= rounded.height - size.height < step


@given(rectangles, st.tuples(coordinates, coordinates))
def test_relative_coordinates_are_undone_by_a_shift(bounds, origin):
    assert bounds.relative_to(origin).shift(origin) == bounds


def test_points_add_and_subtract():
    assert Point(1, 2) + Point(3, 4) == Point(4, 6)
    assert Point(1, 2) - Point(3, 4) == Point(-2, -2)


def test_crossed_edges_make_an_empty_rectangle():
    assert Bounds.from_edges(5, 5, 2, 9) == Bounds(5, 5, 0, 4)
    assert Bounds(0, 0, 4, 2).center == (2, 1)
    assert Bounds.of(Extent(3, 2), (7, 8)).origin == Point(7, 8)
    assert Extent(0, 3).is_empty
    assert Extent(4, 3).pixel_count == 12
    assert Extent(4, 3).shortest_side == 3
