"""The methods without learning that reference-based colorization is compared with."""

import cv2
import numpy as np
import pytest

from s2i_training import color_transfer
from s2i_training.color_transfer import copy_patches, match_histogram, regions_of, reinhard, snap

SIDE = 256
RED, BLUE, GREEN = (200, 30, 40), (30, 60, 200), (40, 160, 60)
METHODS = (reinhard, match_histogram, copy_patches)


def drawing() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sketch, painted and color: a red disc at the left, a blue square at the right."""
    sketch = np.full((SIDE, SIDE), 255, np.uint8)
    color = np.full((SIDE, SIDE, 3), 255, np.uint8)
    cv2.circle(color, (70, 128), 48, RED, -1)
    cv2.rectangle(color, (140, 80), (236, 176), BLUE, -1)
    painted = (color != 255).any(axis=2)
    for picture, ink in ((sketch, 0), (color, (0, 0, 0))):
        cv2.circle(picture, (70, 128), 48, ink, 4)
        cv2.rectangle(picture, (140, 80), (236, 176), ink, 4)
    return sketch, painted, color


def off_ink(sketch: np.ndarray, painted: np.ndarray) -> np.ndarray:
    return painted & (cv2.erode(sketch, np.ones((3, 3), np.uint8)) > 200)


def test_reinhard_brings_mean_and_spread_of_the_reference():
    rng = np.random.default_rng(0)
    sketch = rng.integers(100, 200, (64, 64)).astype(np.uint8)
    everywhere = np.ones((64, 64), bool)
    reference = (np.array([150, 90, 60]) + rng.normal(0, 8, (64, 64, 1))).round().astype(np.uint8)
    made = reinhard(sketch, everywhere, reference, everywhere)
    ours, theirs = color_transfer._to_lab(made), color_transfer._to_lab(reference)
    assert ours.mean(axis=(0, 1)) == pytest.approx(theirs.mean(axis=(0, 1)), abs=3e-3)
    assert ours[..., 0].std() == pytest.approx(theirs[..., 0].std(), rel=0.03)
    order = np.argsort(sketch.ravel())  # light stays light
    light = made.sum(axis=2).ravel()[order].astype(int)
    assert light[-100:].mean() > light[:100].mean()


def test_the_space_of_reinhard_goes_back_and_gray_has_no_color_in_it():
    colors = np.random.default_rng(1).integers(0, 256, (50, 3)).astype(np.uint8)
    assert np.array_equal(color_transfer._from_lab(color_transfer._to_lab(colors)), colors)
    gray = color_transfer._to_lab(np.array([[20] * 3, [128] * 3, [250] * 3]))
    assert np.abs(gray[:, 1:]).max() < 0.01
    assert (np.diff(gray[:, 0]) > 0).all()


def test_histogram_matching_gives_each_rank_its_value():
    sketch = np.arange(256, dtype=np.uint8).reshape(16, 16)
    everywhere = np.ones((16, 16), bool)
    rng = np.random.default_rng(2)
    reference = np.stack(
        [rng.permutation(256), rng.permutation(256) // 2, 255 - rng.permutation(256) // 4], axis=1
    )
    reference = reference.reshape(16, 16, 3).astype(np.uint8)
    made = match_histogram(sketch, everywhere, reference, everywhere)
    for channel in range(3):
        expected = np.sort(reference[..., channel].ravel())
        assert np.abs(made[..., channel].ravel().astype(int) - expected).max() <= 1


def test_histogram_matching_takes_white_paper_to_the_median():
    sketch = np.full((16, 16), 255, np.uint8)
    reference = np.zeros((16, 16, 3), np.uint8)
    reference[:5], reference[5:11], reference[11:] = 10, 90, 250
    everywhere = np.ones((16, 16), bool)
    assert (match_histogram(sketch, everywhere, reference, everywhere) == 90).all()


def test_patches_find_their_shape_and_bring_its_color():
    sketch, painted, color = drawing()
    made = copy_patches(sketch, painted, color, off_ink(sketch, painted))
    assert np.abs(made[128, 70].astype(int) - RED).max() <= 2
    assert np.abs(made[128, 188].astype(int) - BLUE).max() <= 2
    measured = off_ink(sketch, painted)
    assert np.abs(made[measured].astype(int) - color[measured]).mean() < 5


def test_patches_are_told_by_their_lines_where_place_says_nothing(monkeypatch):
    monkeypatch.setattr(color_transfer, "_POSITION_WEIGHT", 0.0)
    sketch, painted, color = drawing()
    mirrored, usable = color[:, ::-1], off_ink(sketch, painted)[:, ::-1]
    made = snap(copy_patches(sketch, painted, mirrored, usable), regions_of(sketch), painted)
    assert np.abs(made[128, 70].astype(int) - RED).max() <= 3
    assert np.abs(made[128, 188].astype(int) - BLUE).max() <= 3


@pytest.mark.parametrize("method", METHODS)
def test_only_usable_pixels_give_color(method):
    sketch, painted, color = drawing()
    usable = off_ink(sketch, painted)
    spoiled = color.copy()
    spoiled[~usable] = GREEN
    made = method(sketch, painted, spoiled, usable).astype(int)
    assert (np.abs(made[painted] - GREEN).max(axis=1) > 30).all()
    if method is not copy_patches:  # its lines are those of the whole reference
        assert (made == method(sketch, painted, color, usable)).all()


@pytest.mark.parametrize("method", METHODS)
def test_without_a_usable_pixel_all_stays_white(method):
    sketch, painted, color = drawing()
    nothing = np.zeros_like(painted)
    assert (method(sketch, painted, color, nothing) == 255).all()
    assert (method(sketch, nothing, color, painted) == 255).all()


def test_snapping_gives_regions_one_color_without_that_of_ink_and_paper():
    sketch, painted, color = drawing()
    rng = np.random.default_rng(3)
    noisy = (color + rng.normal(0, 20, color.shape)).clip(0, 255).astype(np.uint8)
    noisy[~painted] = GREEN
    made = snap(noisy, regions_of(sketch), painted)
    assert len(np.unique(made[painted], axis=0)) <= 3
    assert np.abs(made[128, 70].astype(int) - RED).max() <= 6
    assert np.abs(made[82, 150].astype(int) - BLUE).max() <= 6  # under the line
    assert (made[~painted] == GREEN).all()


def test_paper_has_no_say_in_the_color_of_a_region_that_is_open_to_it():
    sketch = np.full((64, 64), 255, np.uint8)
    picture = np.full((64, 64, 3), GREEN, np.uint8)
    painted = np.zeros((64, 64), bool)
    painted[:20] = True
    picture[painted] = RED
    assert (snap(picture, regions_of(sketch), painted)[painted] == RED).all()
