"""What reference-based colorization is measured with, against values computed by hand."""

import numpy as np
import pytest

from s2i_training.metrics.color_difference import srgb_to_lab
from s2i_training.metrics.palette_distance import Palette, palette_distance, palette_of
from s2i_training.metrics.psnr import psnr
from s2i_training.metrics.sc_psnr import KeyPoints, key_points, sc_psnr
from s2i_training.metrics.ssim import SIGMA, WINDOW, ssim
from s2i_training.warp import Warp, random_thin_plate


def flat(value, side: int = 16) -> np.ndarray:
    return np.full((side, side, 3), value, np.uint8)


def test_psnr_of_one_step_and_of_black_against_white():
    assert psnr(flat(100), flat(101)) == pytest.approx(48.1308, abs=1e-4)  # 20 log10 255
    assert psnr(flat(0), flat(255)) == 0
    assert psnr(flat(7), flat(7)) == float("inf")


def test_psnr_averages_errors_before_taking_decibels_and_only_where_asked():
    made = flat(100)
    made[:8] += 10  # mean squared error 50 over all, 100 in the upper half
    assert psnr(made, flat(100)) == pytest.approx(10 * np.log10(255**2 / 50))
    where = np.zeros((16, 16), bool)
    where[:8] = True
    assert psnr(made, flat(100), where) == pytest.approx(10 * np.log10(255**2 / 100))
    assert np.isnan(psnr(made, made, np.zeros((16, 16), bool)))


def test_ssim_of_plain_pictures_is_the_luminance_term_alone():
    c1 = (0.01 * 255) ** 2
    expected = (2 * 100 * 150 + c1) / (100**2 + 150**2 + c1)
    assert ssim(flat(100), flat(150)) == pytest.approx(expected, abs=1e-9)
    assert ssim(flat(100), flat(100)) == pytest.approx(1)


def test_ssim_of_a_single_window_is_the_formula():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (2, WINDOW, WINDOW)).astype(np.float64)
    axis = np.arange(WINDOW) - WINDOW // 2
    window = np.exp(-(axis[:, None] ** 2 + axis[None] ** 2) / (2 * SIGMA**2))
    window /= window.sum()
    mean1, mean2 = (window * a).sum(), (window * b).sum()
    variance1, variance2 = (window * (a - mean1) ** 2).sum(), (window * (b - mean2) ** 2).sum()
    covariance = (window * (a - mean1) * (b - mean2)).sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    expected = (2 * mean1 * mean2 + c1) * (2 * covariance + c2)
    expected /= (mean1**2 + mean2**2 + c1) * (variance1 + variance2 + c2)
    assert ssim(a, b) == pytest.approx(expected, abs=1e-9)


def test_ssim_is_the_mean_of_channels_and_refuses_what_does_not_fit():
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 256, (2, 20, 24, 3)).astype(np.uint8)
    each = [ssim(a[..., channel], b[..., channel]) for channel in range(3)]
    assert ssim(a, b) == pytest.approx(np.mean(each))
    with pytest.raises(ValueError, match="11×11"):
        ssim(a[:10], b[:10])
    with pytest.raises(ValueError, match="one shape"):
        ssim(a, b[:, :20])


def palette(*entries: tuple[float, tuple[float, float, float]]) -> Palette:
    return Palette(np.array([color for _, color in entries]), np.array([s for s, _ in entries]))


def test_palettes_are_as_far_apart_as_their_colors_must_travel():
    red, blue = (50.0, 60.0, 40.0), (30.0, 20.0, -60.0)
    apart = float(np.linalg.norm(np.subtract(red, blue)))
    assert palette_distance(palette((1, red)), palette((1, blue))) == pytest.approx(apart, rel=1e-5)
    # A quarter of the colors has to change; the order of entries is nothing.
    ours = palette((0.75, red), (0.25, blue))
    theirs = palette((0.5, blue), (0.5, red))
    assert palette_distance(ours, theirs) == pytest.approx(apart / 4, rel=1e-4)
    assert palette_distance(ours, ours) == pytest.approx(0, abs=1e-4)


def test_the_cheapest_transport_is_taken_not_the_nearest_color_first():
    # On a line at 0 and 3 to 2 and 10: 0→2 and 3→10 is 9; the nearest pair first, 3→2, makes 11.
    ours = palette((0.5, (0, 0, 0)), (0.5, (3, 0, 0)))
    theirs = palette((0.5, (2, 0, 0)), (0.5, (10, 0, 0)))
    assert palette_distance(ours, theirs) == pytest.approx(4.5, rel=1e-5)


def test_a_palette_holds_the_painted_colors_with_their_shares():
    picture = flat(255, 20)
    picture[:10] = (200, 30, 40)
    picture[10:15] = (20, 60, 200)
    where = np.zeros((20, 20), bool)
    where[:15] = True
    found = palette_of(picture, where)
    order = np.argsort(found.shares)
    assert found.shares[order] == pytest.approx([1 / 3, 2 / 3])
    expected = srgb_to_lab(np.array([(20, 60, 200), (200, 30, 40)]) / 255)
    assert found.colors[order] == pytest.approx(expected)
    with pytest.raises(ValueError, match="painted"):
        palette_of(picture, np.zeros((20, 20), bool))


def test_many_colors_become_few_that_stay_close_and_the_same_every_time():
    rng = np.random.default_rng(2)
    picture = rng.integers(0, 30, (64, 64, 3))
    picture[:32] += 200
    where = np.ones((64, 64), bool)
    found = palette_of(picture, where, most=6)
    assert len(found.colors) <= 6
    assert found.shares.sum() == pytest.approx(1)
    light = found.colors[:, 0] > 50
    assert found.shares[light].sum() == pytest.approx(0.5, abs=0.01)
    assert palette_distance(found, palette_of(picture, where, most=6)) == pytest.approx(0, abs=1e-4)


def shifted(by: int, side: int = 64) -> Warp:
    """What is at x in the drawing is at x + `by` in its bent picture."""
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    return Warp(np.stack([x - by, y], axis=-1).astype(np.float32))


def test_key_points_are_where_the_warp_took_them():
    points = key_points(shifted(10))
    assert (points.theirs - points.ours == (10, 0)).all()
    assert points.ours[:, 0].max() < 54
    assert len(points.ours) == 8 * 7  # the last column of cells left the picture


def test_key_points_of_a_bent_picture_show_what_they_stand_for():
    warp = random_thin_plate(128, np.random.default_rng(3))
    points = key_points(warp)
    assert len(points.ours) > 100
    shown = warp.map[points.theirs[:, 1], points.theirs[:, 0]]
    assert np.linalg.norm(shown - points.ours, axis=1).max() <= 1


def stripes(side: int = 64) -> np.ndarray:
    """A picture whose color tells its column."""
    picture = np.zeros((side, side, 3), np.uint8)
    picture[..., 0] = 3 * np.arange(side)
    return picture


def test_sc_psnr_compares_each_place_with_its_counterpart():
    warp = shifted(10)
    reference, everywhere = warp.apply(stripes()), np.ones((64, 64), bool)
    valid = warp.valid
    points = key_points(warp)
    assert sc_psnr(stripes(), reference, points, everywhere, valid) == float("inf")
    # The same place of the reference instead of the counterpart is off by 30 in one channel.
    copied = stripes() + np.array([30, 0, 0])
    value = sc_psnr(copied, reference, points, everywhere, valid)
    assert value == pytest.approx(10 * np.log10(255**2 / (30**2 / 3)))


def test_sc_psnr_looks_only_at_what_is_measured_on_both_sides():
    warp = shifted(10)
    reference = warp.apply(stripes())
    points = key_points(warp)
    made, measured = stripes(), np.ones((64, 64), bool)
    made[20:30] = 255  # ink
    measured[20:30] = False
    assert sc_psnr(made, reference, points, measured, warp.valid) == float("inf")
    spoiled, there = reference.copy(), warp.valid
    spoiled[40:50] = 255
    assert sc_psnr(made, spoiled, points, measured, there) < 30
    there[40:50] = False
    assert sc_psnr(made, spoiled, points, measured, there) == float("inf")
    nothing = np.zeros((64, 64), bool)
    assert np.isnan(sc_psnr(made, reference, points, nothing, there))


def test_sc_psnr_compares_patches_around_key_points_and_nothing_beyond():
    points = KeyPoints(np.array([[20, 20]]), np.array([[40, 20]]))
    everywhere = np.ones((64, 64), bool)
    made, reference = flat(90, 64), flat(90, 64)
    made[:, :17] = 0
    made[:16], made[24:] = 0, 0
    reference[:, 44:] = 0
    reference[:, :36] = 0
    assert sc_psnr(made, reference, points, everywhere, everywhere) == float("inf")
    made[20, 17] = 91  # a corner of the 7×7 patch
    value = sc_psnr(made, reference, points, everywhere, everywhere)
    assert value == pytest.approx(10 * np.log10(255**2 / (1 / 49)))
