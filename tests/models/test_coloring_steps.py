"""Steps before and after a coloring network: the window, hints, region colors, shading."""

import numpy as np
import pytest

from s2i_models.coloring.leaks import split_background
from s2i_models.coloring.snap import keep_to_palette, region_colors, shading
from s2i_models.coloring.view import shrink_hints, view_of
from s2i_models.flats.regions import segment


@pytest.mark.parametrize("shape", [(512, 512), (300, 700), (900, 200), (1, 1), (3, 4000)])
def test_grid_holds_the_window_and_fits_the_network(shape: tuple[int, int]) -> None:
    content = np.zeros(shape, bool)
    content[shape[0] // 2 :, shape[1] // 2 :] = True
    view = view_of(content, 256, 32)
    assert view.grid_width % 32 == view.grid_height % 32 == 0
    assert view.grid_width <= 256 and view.grid_height <= 256
    small = view.shrink(np.ones(shape, np.float32), paper=1.0)
    assert small.shape == (view.grid_height, view.grid_width)
    assert small.min() > 0.999


def test_margins_do_not_shrink_the_drawing() -> None:
    content = np.zeros((2000, 2000), bool)
    content[100:300, 1500:1700] = True
    view = view_of(content, 256, 32)
    assert view.width < 250
    small = view.shrink(content.astype(np.float32))
    assert 0.7 < small.mean() < 0.9


def test_what_is_shrunk_comes_back_to_its_place() -> None:
    rng = np.random.default_rng(0)
    content = np.zeros((400, 600), bool)
    content[120:280, 50:350] = True
    ramp = np.stack(np.meshgrid(np.arange(600), np.arange(400)), axis=2).astype(np.float32)
    view = view_of(content, 128, 32)
    back = view.enlarge(view.shrink(ramp), 600, 400)
    for _ in range(50):
        row, column = int(rng.integers(130, 270)), int(rng.integers(60, 340))
        assert back[row, column] == pytest.approx(ramp[row, column], abs=2)


def test_a_small_hint_on_a_large_canvas_is_seen_with_its_color() -> None:
    y, x = (a.ravel() for a in np.mgrid[1000:1010, 2000:2010])
    color = np.tile(np.array([0.8, 0.2, 0.1], np.float32), (len(y), 1))
    small = shrink_hints(y, x, color, view_of(np.ones((4096, 4096), bool), 256, 32))
    seen = small[..., 3] > 0
    assert 1 <= seen.sum() <= 4
    assert np.allclose(small[seen][:, :3], (0.8, 0.2, 0.1), atol=1e-3)
    assert not small[~seen].any()


def test_a_hint_on_a_canvas_smaller_than_the_grid_has_no_holes() -> None:
    y, x = (a.ravel() for a in np.mgrid[10:20, 30:40])
    view = view_of(np.ones((60, 60), bool), 256, 32)
    small = shrink_hints(y, x, np.full((len(y), 3), 0.5, np.float32), view)
    rows, columns = np.nonzero(small[..., 3])
    inside = small[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1, 3]
    assert inside.all()
    scale = view.inner_width / view.width
    assert inside.shape[0] == pytest.approx(10 * scale, abs=2)


def test_a_region_takes_the_median_color_off_the_ink() -> None:
    labels = np.zeros((10, 10), np.int32)
    labels[:, 5:] = 2
    colors = np.zeros((10, 10, 3), np.float32)
    colors[:, :5] = (1.0, 0.5, 0.25)
    colors[:3, :5] = 0  # a minority
    colors[:, 5:] = (0.1, 0.9, 0.4)
    free = np.ones((10, 10), bool)
    free[3:8, :3] = False
    medians, seen = region_colors(labels, colors, free, 4)
    assert seen.tolist() == [True, False, True, False]
    assert medians[0] == pytest.approx((1.0, 0.5, 0.25), abs=1e-3)
    assert medians[2] == pytest.approx((0.1, 0.9, 0.4), abs=1e-3)


def test_a_region_that_is_all_ink_speaks_for_itself() -> None:
    labels = np.zeros((4, 4), np.int32)
    labels[1, 1] = 1
    colors = np.full((4, 4, 3), 0.5, np.float32)
    free = np.ones((4, 4), bool)
    free[1, 1] = False
    _, seen = region_colors(labels, colors, free, 2)
    assert seen.all()


def test_shading_darkens_only_and_can_be_switched_off() -> None:
    flat = np.full((8, 8, 3), 0.5, np.float32)
    smooth = flat.copy()
    smooth[:, :4] = 0.3
    smooth[:, 4:] = 0.9
    shade = shading(smooth, flat, 1.0)
    assert shade.max() <= 1 and shade[:, 0].max() < 0.8
    assert shade[:, 7].min() > 0.99
    assert (shading(smooth, flat, 0.0) == 1).all()
    assert (shading(flat * 0.9, flat, 1.0) > 0.99).all()  # too little to be a shadow


NO_HINTS = np.zeros((192, 192), np.float32)


def open_cup() -> tuple[np.ndarray, np.ndarray]:
    """Ink (192, 192) of a square without its top side, and a coverage that fills it."""
    ink = np.zeros((192, 192), np.uint8)
    ink[50:150, 50:54] = ink[50:150, 146:150] = ink[146:150, 50:150] = 255
    coverage = np.zeros((192, 192), np.float32)
    coverage[52:148, 52:148] = 0.9
    return ink, coverage


def test_an_open_figure_is_painted_as_far_as_the_network_covers() -> None:
    ink, coverage = open_cup()
    regions = segment(ink)
    assert regions.background[regions.labels[100, 100]]
    split = split_background(
        regions, coverage, NO_HINTS, view_of(np.ones((192, 192), bool), 192, 32)
    )
    inside = split.labels[100, 100]
    assert not split.background[inside]
    assert split.background[split.labels[20, 100]] and split.background[split.labels[100, 20]]
    assert split.areas[inside] == (split.labels == inside).sum()


def test_paper_that_is_not_enclosed_stays_paper() -> None:
    ink, coverage = open_cup()
    ink[:, 100:] = 0
    regions = segment(ink)
    split = split_background(
        regions, coverage, NO_HINTS, view_of(np.ones((192, 192), bool), 192, 32)
    )
    assert split is regions


def test_a_hint_vouches_for_the_part_it_lies_in() -> None:
    ink, coverage = open_cup()
    ink[:, 100:] = 0
    regions = segment(ink)
    hinted = NO_HINTS.copy()
    hinted[90:94, 90:94] = 1
    view = view_of(np.ones((192, 192), np.uint8), 192, 32)
    split = split_background(regions, coverage, hinted, view)
    assert not split.background[split.labels[92, 92]]
    assert split.background[split.labels[20, 20]]


def test_closed_figures_are_left_alone() -> None:
    ink, coverage = open_cup()
    ink[50:54, 50:150] = 255
    regions = segment(ink)
    assert split_background(regions, coverage, NO_HINTS, view_of(ink > 0, 192, 32)) is regions


def test_colors_near_a_hint_become_the_hint() -> None:
    palette = np.array([[0.9, 0.1, 0.1], [0.1, 0.1, 0.9]], np.float32)
    colors = np.array([[0.8, 0.15, 0.1], [0.1, 0.9, 0.1]], np.float32)
    kept = keep_to_palette(colors, palette, 25.0)
    assert np.array_equal(kept[0], palette[0])
    assert np.array_equal(kept[1], colors[1])
    assert keep_to_palette(colors, palette, 0.0) is colors
    assert keep_to_palette(colors, palette[:0], 25.0) is colors
