"""What PI-REC is measured against: fills of color domains between edges."""

import cv2
import numpy as np
import pytest

from s2i_training.fills import flat_regions, screened_poisson, with_edges

RED, BLUE = (200, 30, 40), (30, 60, 200)


def circle() -> tuple[np.ndarray, np.ndarray]:
    """A red blob that is too small for the circle in some places and too large in others."""
    edges = np.zeros((64, 64), np.uint8)
    cv2.circle(edges, (32, 32), 18, 1, 1)
    colors = np.full((64, 64, 3), 255, np.uint8)
    cv2.ellipse(colors, (32, 32), (22, 15), 0, 0, 360, RED, -1)
    return colors, edges > 0


def test_edges_are_black_lines_on_the_colors() -> None:
    colors, edges = circle()
    drawn = with_edges(colors, edges)
    assert (drawn[edges] == 0).all()
    assert (drawn[~edges] == colors[~edges]).all()
    assert drawn.dtype == np.uint8


@pytest.mark.parametrize("fill", [screened_poisson, flat_regions])
def test_a_blob_takes_the_shape_of_the_edges(fill) -> None:
    colors, edges = circle()
    filled = fill(colors, edges).astype(int)
    # Too far right for the circle, and too far up for the blob.
    beside, within = filled[32, 52], filled[16, 32]
    assert colors[32, 52].tolist() == list(RED) and (colors[16, 32] == 255).all()
    assert np.abs(within - RED).max() < 50
    assert beside.min() > 205


def test_colors_do_not_pass_through_a_line_of_corners() -> None:
    edges = np.eye(48, dtype=bool)
    colors = np.full((48, 48, 3), BLUE, np.uint8)
    colors[np.tril_indices(48)] = RED
    filled = screened_poisson(colors, edges)
    above, below = np.triu_indices(48, 1), np.tril_indices(48, -1)
    assert np.abs(filled[above].astype(int) - BLUE).max() <= 1
    assert np.abs(filled[below].astype(int) - RED).max() <= 1
    assert np.abs(filled[20, 20].astype(int) - np.mean([RED, BLUE], axis=0)).max() <= 2


def test_blobs_melt_where_no_edge_is_and_the_more_the_less_they_hold_on() -> None:
    colors = np.full((32, 64, 3), BLUE, np.uint8)
    colors[:, 32:] = RED
    edges = np.zeros((32, 64), bool)

    def step(screening: float) -> int:
        filled = screened_poisson(colors, edges, screening).astype(int)
        return int(np.abs(np.diff(filled[16], axis=0)).max())

    assert step(0.01) < step(0.1) < step(1.0) < np.abs(np.subtract(RED, BLUE)).max()


def test_one_color_stays_and_a_picture_of_edges_keeps_its_colors() -> None:
    colors, edges = np.full((32, 32, 3), RED, np.uint8), np.zeros((32, 32), bool)
    edges[10, 4:20] = True
    for fill in (screened_poisson, flat_regions):
        assert np.abs(fill(colors, edges).astype(int) - RED).max() <= 1
        assert np.abs(fill(colors, np.ones_like(edges)).astype(int) - RED).max() <= 1


def test_a_region_has_the_mean_of_its_colors() -> None:
    colors, edges = np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40), bool)
    edges[:, 20] = True
    colors[:10, :20], colors[:, 21:] = (200, 100, 0), 80
    filled = flat_regions(colors, edges)
    assert len(np.unique(filled[:, :20].reshape(-1, 3), axis=0)) == 1
    assert np.abs(filled[5, 5].astype(int) - (50, 25, 0)).max() <= 3
    assert np.abs(filled[5, 30].astype(int) - 80).max() <= 4
