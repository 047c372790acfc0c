"""The color domain of a picture: few colors, smooth blobs, what is transparent stays so."""

from typing import Any

import cv2
import numpy as np
import pytest

from s2i_client.declaration import InvalidRequest
from s2i_models import load
from s2i_models.color_domain.domain import color_domain, main_colors, nearest_colors
from s2i_models.color_domain.enlarging import enlarge_areas
from s2i_models.pipeline import Cancelled, Layer, Progress, Request

DEPTHS = [np.uint8, np.uint16, np.float16, np.float32]
COLORS = load("color_domain")
RED, BLUE, CREAM, GREEN = (220, 40, 30), (30, 60, 190), (250, 240, 200), (40, 160, 70)


def scene(side: int = 128) -> np.ndarray:
    """A red disc and a blue slope on cream, with thin green lines: uint8 RGB, side x side."""
    y, x = np.mgrid[:side, :side] / side
    picture = np.empty((side, side, 3), np.uint8)
    picture[:] = CREAM
    picture[(x - 0.35) ** 2 + (y - 0.4) ** 2 < 0.06] = RED
    picture[y > 1.1 - 0.5 * x] = BLUE
    picture[np.abs(x - y) < 0.01] = GREEN
    return picture


def noisy(picture: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 12, picture.shape)
    return (picture + noise).round().clip(0, 255).astype(np.uint8)


def colors_of(picture: np.ndarray, origin: tuple[int, int] = (0, 0), **settings: Any) -> Layer:
    parameters, outputs = COLORS.declaration.check(["sketch"], settings)
    (layer,) = COLORS.run(Request({"sketch": picture}, parameters, outputs, {"sketch": origin}))
    return layer


def distinct(pixels: np.ndarray) -> np.ndarray:
    return np.unique(pixels.reshape(-1, pixels.shape[-1]), axis=0)


def test_the_domain_has_the_large_colors_and_not_the_small_things() -> None:
    found = distinct(color_domain(noisy(scene()), 3, 15, 1))
    expected = np.array(sorted([RED, BLUE, CREAM]))
    assert found.shape == (3, 3)
    assert np.abs(found.astype(int) - expected).max() < 12


def test_a_kernel_of_one_and_enough_colors_leave_a_flat_picture_as_it_is() -> None:
    assert (color_domain(scene(), 4, 1, 1) == scene()).all()
    assert (color_domain(scene(), 9, 1, 1) == scene()).all()


@pytest.mark.parametrize("kernel", [0, 2, -3, 257])
def test_kernels_that_no_median_has_are_refused(kernel: int) -> None:
    with pytest.raises(ValueError, match="odd"):
        color_domain(scene(), 3, kernel, 1)
    with pytest.raises(ValueError, match="odd"):
        color_domain(scene(), 3, 1, kernel)


def test_one_seed_gives_the_same_colors_again() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (90, 90, 3), np.uint8)
    first, again, other = (color_domain(picture, 5, 3, 3, seed) for seed in (3, 3, 4))
    assert (first == again).all()
    assert (first != other).any()


def test_colors_are_means_of_their_pixels() -> None:
    picture = noisy(scene())
    found = main_colors(picture.reshape(-1, 3), 4)
    nearest = nearest_colors(picture, found)
    assert nearest.dtype == np.uint8
    distance = np.square(picture[..., None, :].astype(int) - found.astype(int)).sum(axis=-1)
    assert (np.take_along_axis(distance, nearest[..., None], 2)[..., 0] == distance.min(2)).all()
    for number, color in enumerate(found):
        mean = picture[nearest == number].mean(axis=0)
        assert mean == pytest.approx(color, abs=8)


def test_fewer_pixels_or_colors_than_wanted_are_enough() -> None:
    assert (main_colors(np.full((500, 3), 77, np.uint8), 24) == [[77, 77, 77]]).all()
    two = np.array([[0, 0, 0], [9, 8, 7]], np.uint8)
    assert (main_colors(two, 24) == two).all()
    assert (main_colors(two[1:], 24) == two[1:]).all()


def test_borders_of_enlarged_areas_are_curves_without_stairs() -> None:
    y, x = np.mgrid[:96, :96]
    labels = np.full((96, 96), 3, np.uint8)
    labels[np.hypot(x - 47.5, y - 47.5) < 30] = 7
    large = enlarge_areas(labels, (960, 960))
    assert set(np.unique(large)) == {3, 7}
    contours, _ = cv2.findContours((large == 7).astype(np.uint8), 0, cv2.CHAIN_APPROX_NONE)
    (contour,) = contours
    radius = np.linalg.norm(contour[:, 0] - 479.5, axis=1)
    # Enlarged as they are, pixels would be 10 large and the radius would vary by 10.
    assert np.ptp(radius) < 5 and radius.mean() == pytest.approx(300, abs=3)


def test_areas_are_enlarged_by_any_factor_and_in_strips_without_seams() -> None:
    labels = np.zeros((40, 50), np.uint8)
    labels[:, 25:] = 1
    large = enlarge_areas(labels, (700, 333))
    assert (large == large[:1]).all()
    assert np.flatnonzero(np.diff(large[0])) == pytest.approx(166, abs=1)
    slope = np.tri(64, dtype=np.uint8)
    whole = enlarge_areas(slope, (1024, 1024))
    border = whole.sum(axis=1)[64:-64].astype(int)
    assert np.abs(np.diff(border) - 1).max() <= 2
    assert (enlarge_areas(slope, (64, 64)) == slope).all()


@pytest.mark.parametrize("dtype", DEPTHS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_each_depth_and_kind_of_picture_gives_the_same_blobs(dtype: Any, channels: int) -> None:
    full = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    picture = scene()
    if channels < 3:
        picture = np.repeat(picture.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    expected = colors_of(picture).pixels
    given = picture[..., :1] if channels < 3 else picture
    if channels in (2, 4):
        given = np.dstack([given, np.full(given.shape[:2], 255, np.uint8)])
    made = colors_of((given / 255 * full).astype(dtype)).pixels
    assert made.dtype == dtype and made.shape == (128, 128, 4)
    assert len(distinct(made)) == len(distinct(expected))
    difference = made.astype(np.float64) / full - expected / 255
    assert np.abs(difference).max() < 2.5 / 255


@pytest.mark.parametrize("size", [96, 300, 1000])
def test_blobs_of_large_pictures_are_those_of_small_ones(size: int) -> None:
    picture = noisy(cv2.resize(scene(512), (size, size), interpolation=cv2.INTER_AREA))
    made = colors_of(picture, smoothness=15).pixels
    assert made.shape == (size, size, 4) and len(distinct(made)) == 3
    small = cv2.resize(made[..., :3], (128, 128), interpolation=cv2.INTER_AREA)
    expected = color_domain(scene(), 3, 15, 3)
    off = np.abs(small.astype(int) - expected).max(axis=2) > 24
    assert off.mean() < 0.04  # along the borders


def test_no_more_colors_than_asked_for_even_where_three_meet() -> None:
    picture = np.random.default_rng(5).integers(0, 256, (20, 20, 3), np.uint8)
    picture = cv2.resize(picture, (400, 400), interpolation=cv2.INTER_CUBIC)
    for count in (2, 5, 24):
        made = colors_of(picture, colors=count, smoothness=1, softness=9).pixels
        assert 2 <= len(distinct(made)) <= count


def test_smoother_means_simpler_and_rounder_blobs() -> None:
    def length(**settings: Any) -> int:
        blobs = colors_of(noisy(scene(256)), colors=4, **settings).pixels[..., 0].astype(int)
        return int((np.diff(blobs, axis=0) != 0).sum() + (np.diff(blobs, axis=1) != 0).sum())

    assert length(smoothness=25) < 0.8 * length(smoothness=1, softness=1)
    assert length(smoothness=1, softness=15) < 0.8 * length(smoothness=1, softness=1)


@pytest.mark.parametrize("dtype", DEPTHS)
def test_what_is_transparent_stays_so_and_counts_for_nothing(dtype: Any) -> None:
    full = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    y, x = np.mgrid[:200, :200]
    picture = np.zeros((200, 200, 4), dtype)
    picture[..., 1] = full  # a color that cannot be seen
    inside = np.hypot(x - 100, y - 100) < 50
    rim = inside & (np.hypot(x - 100, y - 100) > 47)
    picture[inside] = (full, 0, 0, full)
    picture[rim] = (0, 0, 0, full // 2 if full > 1 else 0.5)
    made = colors_of(picture, colors=2).pixels
    assert (made[..., 3] == picture[..., 3]).all()
    assert not made[~inside].any()
    # The thin dark rim is not spread over what lies beyond it, and so it is gone.
    assert (made[inside][:, 0] > 0.99 * full).all()


def test_thin_parts_on_nothing_keep_their_color() -> None:
    picture = np.zeros((256, 256, 4), np.uint8)
    picture[190:, :] = (*RED, 255)
    # Along the diagonals of a checkerboard all pixels are of one kind.
    line = np.arange(20, 130)
    picture[150 - line, line] = (*BLUE, 255)
    made = colors_of(picture, colors=2).pixels
    assert np.abs(made[150 - line, line].astype(int) - (*BLUE, 255)).max() <= 2
    assert np.abs(made[230].astype(int) - (*RED, 255)).max() <= 2


def test_one_color_stays_and_nothing_stays_nothing() -> None:
    assert (colors_of(np.full((60, 90, 3), 131, np.uint8)).pixels == (131, 131, 131, 255)).all()
    hidden = np.random.default_rng(0).integers(0, 256, (60, 90, 4), np.uint8)
    hidden[..., 3] = 0
    made = colors_of(hidden).pixels
    assert made.shape == (60, 90, 4) and not made.any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (700, 1), (2, 3)])
def test_slivers_have_colors_too(shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    made = colors_of(picture).pixels
    assert made.shape == (*shape, 4) and (made[..., 3] == 255).all()


def test_floats_that_are_no_numbers_do_no_harm() -> None:
    picture = scene().astype(np.float32) / 255
    picture[20:25, 20:25] = np.nan
    picture[60:72, 60:72] = np.inf
    meant = np.where(np.isnan(picture), 0, picture.clip(0, 1)).astype(np.float32)
    made = colors_of(picture, colors=8, smoothness=1).pixels
    assert (made == colors_of(meant, colors=8, smoothness=1).pixels).all()


def test_blobs_lie_where_the_picture_does() -> None:
    assert colors_of(scene(), origin=(-40, 900)).origin == (-40, 900)


def test_a_picture_without_pixels_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="without pixels"):
        colors_of(np.zeros((0, 10, 4), np.uint8))


def test_a_job_can_be_cancelled_at_each_step() -> None:
    class Stop(Progress):
        def __init__(self, number: int):
            self.left = number

        def step(self, fraction: float, name: str, preview: np.ndarray | None = None) -> None:
            self.left -= 1
            if not self.left:
                raise Cancelled

    parameters, outputs = COLORS.declaration.check(["sketch"], {})
    for number in range(1, 4):
        with pytest.raises(Cancelled):
            COLORS.run(Request({"sketch": scene()}, parameters, outputs, progress=Stop(number)))
