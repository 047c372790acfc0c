"""Lines drawn from a picture: ranges, places, and what each variation does."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from s2i_training import hand
from s2i_training.hand import draw_lines
from s2i_training.lines import (
    STYLES,
    XDOG_PRESETS,
    XDoG,
    draw_lines_as,
    gray_of,
    outlines,
    over_paper,
    pencil,
    thicken,
    xdog,
)


@pytest.fixture
def drawing() -> np.ndarray:
    """A red disk with a yellow square in it, on paper: (128, 128, 4)."""
    rgba = np.zeros((128, 128, 4), np.float32)
    cv2.circle(rgba, (64, 64), 50, (0.8, 0.15, 0.1, 1.0), -1, cv2.LINE_AA)
    cv2.rectangle(rgba, (48, 48), (80, 80), (0.95, 0.85, 0.2, 1.0), -1)
    return over_paper(rgba)


@pytest.fixture
def ink(drawing: np.ndarray) -> np.ndarray:
    lines = np.ones((128, 128), np.float32)
    cv2.circle(lines, (64, 64), 50, 0.0, 3, cv2.LINE_AA)
    cv2.rectangle(lines, (48, 48), (80, 80), 0.0, 3)
    return lines


@pytest.mark.parametrize("style", STYLES)
def test_every_style_gives_ink_on_paper(style: str, drawing: np.ndarray, ink: np.ndarray):
    lines = draw_lines_as(style, drawing, ink)
    assert lines.shape == (128, 128)
    assert lines.dtype == np.float32
    assert lines.min() >= 0
    assert lines.max() <= 1
    assert lines[3, 3] > 0.95  # far from the drawing there is paper
    assert lines[14:20, 64].min() < 0.6  # at its edge there is ink


def test_unknown_and_impossible_styles_say_what_to_use(drawing: np.ndarray):
    with pytest.raises(ValueError, match="auto_painter"):
        draw_lines_as("watercolor", drawing)
    with pytest.raises(ValueError, match="another style"):
        draw_lines_as("true", drawing)


def test_auto_painter_preset_is_the_published_threshold():
    """Against the definition in 0 to 255: ink where G1 - 0.97 G2 < 0.1, G2 twice as wide."""
    rng = np.random.default_rng(5)
    coarse = rng.integers(0, 256, (16, 16)).astype(np.uint8)
    levels = cv2.resize(coarse, (512, 512), interpolation=cv2.INTER_NEAREST).astype(np.float32)
    preset = XDOG_PRESETS["auto_painter"]
    narrow = cv2.GaussianBlur(levels, (0, 0), 1.5, borderType=cv2.BORDER_REPLICATE)
    wide = cv2.GaussianBlur(levels, (0, 0), 3.0, borderType=cv2.BORDER_REPLICATE)
    difference = narrow - 0.97 * wide
    expected = (difference >= 0.1).astype(np.float32)
    unsharpened = XDoG(preset.sigma, preset.k, preset.gamma, preset.epsilon, preset.phi)
    lines = xdog(levels / 255, unsharpened)
    sure = np.abs(difference - 0.1) > 0.02  # float32 rounding decides nearer to the threshold
    assert 0.02 < 1 - expected.mean() < 0.6
    np.testing.assert_allclose(lines[sure], expected[sure], atol=1e-2)


def test_xdog_sharpens_as_pillow_does():
    from PIL import Image, ImageEnhance

    rng = np.random.default_rng(0)
    gray = rng.integers(60, 200, (32, 32)).astype(np.uint8)
    sharp = np.asarray(ImageEnhance.Sharpness(Image.fromarray(gray)).enhance(3.0)) / 255
    plain = XDoG(40.0, 1.0, 0.0, 0.9, 3.0)  # one Gaussian alone, soft: an echo of the input
    expected = xdog(sharp.astype(np.float32), plain)
    ours = xdog(gray.astype(np.float32) / 255, XDoG(40.0, 1.0, 0.0, 0.9, 3.0, sharpen=3.0))
    # Pillow rounds to 8 bits and leaves its outermost pixels as they are.
    np.testing.assert_allclose(ours[8:-8, 8:-8], expected[8:-8, 8:-8], atol=0.02)


def test_xdog_lines_scale_with_the_picture():
    small = np.ones((256, 256), np.float32)
    cv2.circle(small, (128, 128), 80, 0.3, -1, cv2.LINE_AA)
    large = cv2.resize(small, (512, 512), interpolation=cv2.INTER_LINEAR)
    preset = XDOG_PRESETS["ink"]
    shares = [(xdog(picture, preset) < 0.5).mean() for picture in (small, large)]
    assert shares[0] == pytest.approx(shares[1], rel=0.35)


def test_outlines_follow_regions_and_their_width(drawing: np.ndarray):
    narrow, wide = outlines(drawing, 8.0), outlines(drawing, 24.0)
    assert narrow[64, 48] < 0.2  # between yellow and red
    assert narrow[64, 64] == 1.0  # inside yellow
    assert narrow[64, 30] == 1.0  # inside red
    assert (wide < 0.5).sum() > 1.5 * (narrow < 0.5).sum()


def test_a_white_drawing_on_white_paper_has_an_outline():
    rgba = np.zeros((64, 64, 4), np.float32)
    rgba[16:48, 16:48] = 1.0
    assert outlines(over_paper(rgba), 16.0)[16, 32] < 0.2


def test_ink_gives_one_outline_not_two(drawing: np.ndarray):
    inked = drawing.copy()
    cv2.rectangle(inked, (48, 48), (80, 80), (0, 0, 0, 1), 2)

    def crossings(lines: np.ndarray) -> int:
        row = (lines[64, 40:57] < 0.5).astype(int)
        return int((np.diff(row) > 0).sum())

    assert crossings(outlines(inked, 8.0, inked=True)) == 1
    assert crossings(outlines(inked, 8.0, inked=False)) == 2


def test_pencil_leaves_even_areas_paper(drawing: np.ndarray):
    lines = pencil(gray_of(drawing))
    assert lines[64, 64] > 0.97
    assert lines[16:19, 64].min() < 0.8


def test_thicken_widens_and_thins_by_parts_of_a_pixel(ink: np.ndarray):
    amount = [1 - thicken(ink, by).mean() for by in (-1.0, -0.5, 0.0, 0.5, 1.0, 2.0)]
    assert amount == sorted(amount)
    assert amount[0] < 0.8 * amount[2] < 0.8 * amount[-1]


def test_gaps_break_strokes_and_touch_nothing_else(ink: np.ndarray):
    broken = hand.cut_gaps(ink, np.random.default_rng(3))
    assert (broken >= ink).all()
    # A gap joins the paper inside a ring with the paper outside.
    papers = [cv2.connectedComponents((x > 0.5).astype(np.uint8))[0] for x in (ink, broken)]
    assert papers[1] < papers[0]


def test_dropped_strokes_go_whole_and_the_largest_stays(ink: np.ndarray):
    outer = np.ones_like(ink)
    cv2.circle(outer, (64, 64), 50, 0.0, 3, cv2.LINE_AA)
    results = [hand.drop_strokes(ink, np.random.default_rng(seed)) for seed in range(20)]
    assert all((result[outer < 0.5] < 0.6).all() for result in results)
    inner = [bool((result[47:82, 47:82] < 0.5).any()) for result in results]
    assert True in inner
    assert False in inner


def test_pencil_tone_is_gray_and_paper_stays_white(ink: np.ndarray):
    toned = hand.pencil_tone(ink, np.random.default_rng(1))
    assert (toned[ink == 1] == 1).all()
    assert 0.1 < toned[ink < 0.1].mean() < 0.9


def test_random_lines_depend_on_the_generator_alone(drawing: np.ndarray, ink: np.ndarray):
    for seed in range(30):
        true_lines = ink if seed % 2 else None
        first = draw_lines(drawing, true_lines, np.random.default_rng(seed))
        again = draw_lines(drawing, true_lines, np.random.default_rng(seed))
        assert first.shape == (128, 128)
        assert first.dtype == np.float32
        assert first.min() >= 0
        assert first.max() <= 1
        assert first.min() < 0.9  # something was drawn
        np.testing.assert_array_equal(first, again)
    one, other = (draw_lines(drawing, ink, np.random.default_rng(seed)) for seed in (1, 3))
    assert np.abs(one - other).max() > 0.1
