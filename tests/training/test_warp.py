"""Thin-plate splines: what they show, and where they say it went."""

from __future__ import annotations

import numpy as np
import pytest

from s2i_training.warp import random_affine, random_thin_plate, thin_plate

SIZE = 64
CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.5, 0.5]])
RIGHT = np.array([0.25, 0.0])


def positions() -> np.ndarray:
    """(SIZE, SIZE, 2): each pixel's own (x, y)."""
    return np.stack(np.meshgrid(np.arange(SIZE), np.arange(SIZE)), axis=-1).astype(np.float32)


def test_points_that_stay_leave_the_picture_as_it_is():
    warp = thin_plate(SIZE, CORNERS, CORNERS)
    assert np.abs(warp.map - positions()).max() < 1e-3
    assert warp.valid[1:-1, 1:-1].all()


def test_a_moved_point_shows_what_was_at_its_source():
    sources = CORNERS.copy()
    sources[4] = [0.25, 0.625]
    warp = thin_plate(SIZE, sources, CORNERS)
    middle = warp.map[31:33, 31:33].mean(axis=(0, 1))
    assert np.allclose(middle, np.array([0.25, 0.625]) * SIZE - 0.5, atol=0.1)


def test_a_shift_moves_pixels_and_leaves_black_where_nothing_was():
    warp = thin_plate(SIZE, CORNERS + RIGHT, CORNERS)  # shows what lies 16 px to the right
    picture = np.zeros((SIZE, SIZE, 3), np.float32)
    picture[10, 40] = 1
    bent = warp.apply(picture)
    assert bent[10, 24].min() > 0.99
    assert not warp.valid[:, 49:].any()
    assert warp.valid[1:-1, :47].all()
    assert bent[:, 49:].max() == 0


def test_reflected_borders_are_not_black():
    warp = thin_plate(SIZE, CORNERS + RIGHT, CORNERS)
    bent = warp.apply(np.ones((SIZE, SIZE), np.float32), reflect=True)
    assert bent.min() > 0.99


@pytest.mark.parametrize("seed", range(5))
def test_the_correspondence_of_a_cell_shows_that_cell(seed):
    rng = np.random.default_rng(seed)
    warp = random_thin_plate(SIZE, rng, affine=random_affine(rng, mirror=0.5))
    found = warp.correspondence(8)
    rows, columns = np.nonzero(~np.isnan(found[..., 0]))
    assert len(rows) > 20
    x, y = np.moveaxis(found[rows, columns], -1, 0)
    shown = warp.map[y.round().astype(int), x.round().astype(int)]
    middles = np.stack([columns, rows], axis=1) * 8 + 3.5
    away = np.linalg.norm(shown - middles, axis=1)
    assert np.median(away) < 2
    assert away.max() < 8


def test_cells_that_left_the_picture_have_no_correspondence():
    found = thin_plate(SIZE, CORNERS + RIGHT, CORNERS).correspondence(8)
    assert np.isnan(found[:, :2]).all()
    assert np.allclose(found[3, 4], [4 * 8 + 3.5 - 16, 3 * 8 + 3.5], atol=0.1)


def test_warps_follow_from_the_generator_alone():
    one, same = (random_thin_plate(SIZE, np.random.default_rng(3)).map for _ in range(2))
    other = random_thin_plate(SIZE, np.random.default_rng(4)).map
    assert np.array_equal(one, same)
    assert not np.allclose(one, other)


def test_mirrors_are_as_frequent_as_asked_for():
    rng = np.random.default_rng(0)
    turns = [np.linalg.det(random_affine(rng, mirror=0.3)[:, :2]) for _ in range(400)]
    assert 0.22 < np.mean(np.array(turns) < 0) < 0.38
