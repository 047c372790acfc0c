"""Hints: exact colors, nearest regions, and regions split between several hints."""

import cv2
import numpy as np
import pytest

from s2i_models.flats.flood import flood
from s2i_models.flats.hints import apply_hints, read_hints
from s2i_models.flats.regions import segment


def two_rooms() -> np.ndarray:
    ink = np.zeros((200, 300), np.uint8)
    cv2.rectangle(ink, (40, 40), (260, 160), 255, 5)
    cv2.line(ink, (150, 40), (150, 160), 255, 9)
    return ink


def layer(dabs: dict[tuple[int, int], tuple[int, ...]], radius: int = 3) -> np.ndarray:
    pixels = np.zeros((200, 300, 4), np.uint8)
    for at, color in dabs.items():
        cv2.circle(pixels, at, radius, (*color, 255), -1)
    return pixels


RED, GREEN, BLUE = (201, 3, 7), (11, 203, 5), (2, 9, 199)


def colors_at(ink: np.ndarray, pixels: np.ndarray, offset=(0, 0), **settings) -> np.ndarray:
    hints = read_hints(pixels, ink.shape, offset)
    found = apply_hints(segment(ink, hinted=hints.mask(ink.shape), **settings), hints)
    result = np.full((*ink.shape, 3), -1.0)
    inside = found.hinted[found.regions.labels]
    result[inside] = found.colors[found.regions.labels][inside]
    return result


def test_a_hint_colors_its_whole_region_exactly_and_no_other():
    painted = colors_at(two_rooms(), layer({(80, 100): RED}))
    assert (painted[48:150, 48:140] == RED).all()
    assert (painted[48:150, 160:250] == -1).all()
    assert (painted[:30] == -1).all()


def test_a_hint_on_ink_goes_to_the_nearest_region():
    painted = colors_at(two_rooms(), layer({(148, 100): RED}, radius=1))
    assert (painted[100, 80] == RED).all()
    assert (painted[100, 220] == -1).all()


def test_a_hint_beside_the_canvas_goes_to_the_nearest_region():
    ink = np.zeros((200, 300), np.uint8)
    ink[:, 150:154] = 255
    painted = colors_at(ink, layer({(20, 100): RED}), offset=(290, 0))
    assert (painted[100, 250] == RED).all()
    assert (painted[100, 20] == -1).all()


def test_a_stroke_that_slips_over_a_line_does_not_color_the_other_side():
    pixels = np.zeros((200, 300, 4), np.uint8)
    pixels[95:105, 60:158] = (*RED, 255)
    painted = colors_at(two_rooms(), pixels)
    assert (painted[100, 80] == RED).all()
    assert (painted[140, 220] == -1).all()


def test_two_colors_split_a_region_and_both_stay_exact():
    painted = colors_at(two_rooms(), layer({(60, 100): RED, (130, 100): BLUE}))
    assert (painted[100, 60] == RED).all()
    assert (painted[100, 130] == BLUE).all()
    room = painted[48:150, 48:140].reshape(-1, 3)
    assert {tuple(c) for c in np.unique(room, axis=0)} == {RED, BLUE}
    # Where the room is empty, the border runs half way.
    assert (painted[60:140, 50:90] == RED).all()
    assert (painted[60:140, 101:138] == BLUE).all()


def test_the_split_goes_around_lines_inside_the_region():
    """A wall with one open end: what is behind it is far away, although it is near in a line."""
    ink = np.zeros((200, 300), np.uint8)
    cv2.rectangle(ink, (10, 10), (290, 190), 255, 5)
    cv2.line(ink, (100, 10), (100, 150), 255, 5)
    painted = colors_at(ink, layer({(80, 30): RED, (250, 150): BLUE}), gap=5)
    assert (painted[30, 120] == BLUE).all()
    assert (painted[150, 60] == RED).all()


def test_parts_of_a_split_region_are_one_piece_each():
    pixels = layer({(60, 60): RED, (130, 60): BLUE, (60, 140): BLUE, (130, 140): RED})
    ink = two_rooms()
    hints = read_hints(pixels, ink.shape)
    found = apply_hints(segment(ink), hints)
    labels = found.regions.labels
    assert found.regions.count == 1 + 2 + 3
    for label in np.unique(labels):
        assert cv2.connectedComponents((labels == label).view(np.uint8), connectivity=4)[0] == 2
    assert (np.bincount(labels.ravel()) == found.regions.areas).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32])
def test_colors_are_exact_in_every_depth(dtype):
    top = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    color = (np.array([0.123, 0.456, 0.789]) * top).astype(dtype)
    pixels = np.zeros((200, 300, 4), dtype)
    pixels[90:100, 70:80] = [*color, dtype(top)]
    hints = read_hints(pixels, (200, 300))
    found = apply_hints(segment(two_rooms()), hints)
    assert found.colors.dtype == dtype
    assert (found.colors[found.regions.labels[100, 80]] == color).all()


def test_a_soft_stroke_is_one_color():
    pixels = layer({(80, 100): RED}, radius=12)
    pixels[..., :3] = np.where(pixels[..., 3:] > 0, RED, 0)
    pixels[..., 3] = cv2.GaussianBlur(pixels[..., 3], (0, 0), 3)
    pixels[95:97, 80] = (*(c + 2 for c in RED), 255)
    painted = colors_at(two_rooms(), pixels)
    room = painted[48:150, 48:140].reshape(-1, 3)
    assert {tuple(c) for c in np.unique(room, axis=0)} == {RED}


def test_a_hint_in_a_region_under_the_sliver_size_colors_it():
    ink = two_rooms()
    cv2.rectangle(ink, (70, 70), (77, 77), 255, 1)
    painted = colors_at(ink, layer({(74, 74): GREEN, (120, 120): RED}, radius=1), sliver=100)
    assert (painted[74, 74] == GREEN).all()
    assert (painted[120, 60] == RED).all()


def test_an_empty_hint_layer_changes_nothing():
    hints = read_hints(np.zeros((200, 300, 4), np.uint8), (200, 300))
    found = apply_hints(segment(two_rooms()), hints)
    assert not found.hinted.any()
    assert found.regions.count == 3


def test_flood_does_not_slip_through_a_diagonal_wall():
    seeds = np.zeros((20, 20), np.int32)
    seeds[0, 19] = 1
    wall = np.eye(20, dtype=bool)
    reached = flood(seeds, ~wall)
    assert (reached[np.triu_indices(20, 1)] == 1).all()
    assert (reached[np.tril_indices(20)] == 0).all()
