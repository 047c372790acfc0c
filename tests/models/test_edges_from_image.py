"""Edges of a picture: those that scikit-image finds, drawn as clean lines at any size."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from s2i_client.declaration import InvalidRequest
from s2i_models import load
from s2i_models.edges_from_image.canny import canny
from s2i_models.edges_from_image.small import small_copy
from s2i_models.edges_from_image.strokes import draw_strokes, trace_strokes
from s2i_models.flats.thinning import thin
from s2i_models.lineart import ink_strength
from s2i_models.pi_rec.reading import read_edges
from s2i_models.pipeline import Cancelled, Layer, Progress, Request

DEPTHS = [np.uint8, np.uint16, np.float16, np.float32]
# Made by scikit-image 0.26's `canny(rgb2gray(discs()), sigma)`: bits of (96, 128).
REFERENCE = Path(__file__).with_name("canny_edges.npz")
SIGMAS = (2.5, 3.5, 5.4)
EDGES = load("edges_from_image")


def discs(height: int = 96, width: int = 128) -> np.ndarray:
    """Discs and a slope, in colors of different strength, over the border too: uint8 RGB."""
    y, x = np.mgrid[:height, :width] / height
    picture = np.stack([0.75 + 0.1 * np.sin(5 * x + 2 * y), 0.8 - 0.2 * x, 0.6 + 0.2 * y], axis=2)
    for cx, cy, radius, color in (
        (0.42, 0.41, 0.23, (0.9, 0.2, 0.1)),
        (0.87, 0.55, 0.31, (0.1, 0.3, 0.7)),
        (0.66, 0.92, 0.28, (0.5, 0.6, 0.1)),
        (1.29, 0.13, 0.22, (0.2, 0.1, 0.3)),
        (0.11, 0.87, 0.07, (0.7, 0.5, 0.5)),
    ):
        picture[(x - cx) ** 2 + (y - cy) ** 2 < radius**2] = color
    return np.rint(picture.clip(0, 1) * 255).astype(np.uint8)


def lines_of(picture: np.ndarray, origin: tuple[int, int] = (0, 0), **settings: Any) -> Layer:
    parameters, outputs = EDGES.declaration.check(["sketch"], settings)
    (layer,) = EDGES.run(Request({"sketch": picture}, parameters, outputs, {"sketch": origin}))
    return layer


def near(edges: np.ndarray, others: np.ndarray, reach: int = 1) -> float:
    """The share of edge pixels that have one of the others within `reach`."""
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    around = cv2.dilate(others.astype(np.uint8), kernel) > 0
    return float((edges & around).sum() / edges.sum())


@pytest.mark.parametrize("sigma", SIGMAS)
def test_edges_are_those_of_scikit_image(sigma: float) -> None:
    with np.load(REFERENCE) as stored:
        expected = np.unpackbits(stored[str(sigma)]).reshape(96, 128).astype(bool)
    found = canny(discs(), sigma)
    assert expected.sum() > 200
    # Rounding of 32-bit floats may tip a pixel between two that are equal.
    assert (found != expected).sum() <= 2


def test_edges_of_a_picture_are_much_the_same_at_every_size() -> None:
    small, large = canny(discs(), 3.5), canny(discs(384, 512), 3.5, scale=4)
    carried = np.maximum.reduceat(large, np.arange(0, 384, 4), axis=0)
    carried = np.maximum.reduceat(carried, np.arange(0, 512, 4), axis=1)
    assert near(small, carried) > 0.97 and near(carried, small) > 0.97


def test_the_border_of_a_picture_is_no_edge() -> None:
    assert not canny(np.full((50, 70, 3), 200, np.uint8), 2.0).any()
    edges = canny(discs(), 2.5)
    assert not (edges[[0, -1]].any() or edges[:, [0, -1]].any())


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 40), (3, 3)])
def test_slivers_have_no_edges(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    assert canny(noise, 5.4).shape == shape
    assert not canny(noise, 5.4).any()
    assert lines_of(noise).pixels.shape == (*shape, 2)


def test_strokes_go_from_fork_to_end_and_closed_ones_come_back() -> None:
    edges = np.zeros((40, 60), bool)
    edges[10, 5:30] = True  # a T
    edges[11:25, 17] = True
    edges[30:36, 40] = edges[30:36, 50] = edges[30, 40:51] = edges[35, 40:51] = True  # a ring
    edges[2, 50] = True  # a dot
    strokes = trace_strokes(edges)
    closed = [s for s in strokes if len(s) > 1 and (s[0] == s[-1]).all()]
    dots = [s for s in strokes if len(s) == 1]
    assert (len(strokes), len(closed), len(dots)) == (5, 1, 1)
    ends = {tuple(point) for s in strokes for point in (s[0], s[-1])}
    assert {(5.0, 10.0), (29.0, 10.0), (17.0, 24.0), (50.0, 2.0)} <= ends
    assert len(trace_strokes(edges, least=3)) == 4  # no dot


def test_small_gaps_are_closed_and_larger_ones_not() -> None:
    edges = np.zeros((20, 60), bool)
    edges[10, 5:25] = edges[10, 28:40] = edges[10, 48:55] = True
    assert len(trace_strokes(edges)) == 3
    assert len(trace_strokes(edges, least=4)) == 2


def test_a_slope_of_stairs_becomes_a_straight_line() -> None:
    x = np.arange(5, 95)
    edges = np.zeros((40, 100), bool)
    edges[5 + x // 4, x] = True
    (stroke,) = trace_strokes(edges)
    inner = stroke[8:-8]
    fit = np.polyval(np.polyfit(inner[:, 0], inner[:, 1], 1), inner[:, 0])
    assert np.abs(fit - inner[:, 1]).max() < 0.2  # stairs are 0.5 off


@pytest.mark.parametrize("width", [1.0, 2.5, 7.0])
def test_lines_have_their_width_and_place_at_any_size(width: float) -> None:
    strokes = [np.array([[10, 20], [50, 20]], np.float32)]
    covered = draw_strokes(strokes, (40, 60), (400, 600), width)
    assert covered.shape == (400, 600)
    across = covered[:, 150:450] / 255
    assert across.sum(axis=0) == pytest.approx(width, abs=0.3)
    rows = (np.arange(400)[:, None] * across).sum(axis=0) / across.sum(axis=0)
    assert rows == pytest.approx((20 + 0.5) * 10 - 0.5, abs=0.3)
    assert not covered[:, :90].any() and not covered[:, 520:].any()


def test_lines_cross_the_strips_that_they_are_drawn_in() -> None:
    slope = [np.array([[2, 1], [30, 62]], np.float32)]
    covered = draw_strokes(slope, (64, 32), (1024, 512), 6.0)
    rows = covered[40:980].sum(axis=1) / 255
    assert rows.min() > 0.95 * rows.mean() and rows.max() < 1.05 * rows.mean()
    place = (np.arange(512) * (covered[40:980] / 255.0)).sum(axis=1) / rows
    fine_y = (np.arange(40, 980) + 0.5) / 16 - 0.5
    expected = (2 + (fine_y - 1) * 28 / 61 + 0.5) * 16 - 0.5
    assert np.abs(place - expected).max() < 0.5


@pytest.mark.parametrize("dtype", DEPTHS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_each_depth_and_kind_of_picture_gives_the_same_lines(dtype: Any, channels: int) -> None:
    full = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    gray = np.repeat(discs().mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    picture = gray[..., :1] if channels < 3 else gray
    if channels in (2, 4):
        picture = np.dstack([picture, np.full(gray.shape[:2], 255, np.uint8)])
    deep = (picture.astype(np.float64) / 255 * full).round(4 if full == 1 else 0).astype(dtype)
    made = lines_of(deep).pixels
    assert made.dtype == dtype and made.shape == (96, 128, 2)
    assert not made[..., 0].any()
    alpha = made[..., 1].astype(np.float64) / full
    expected = lines_of(gray).pixels[..., 1] / 255
    assert alpha.max() == 1
    assert np.abs(alpha - expected).mean() < 0.002


@pytest.mark.parametrize("size", [128, 300, 1500])
def test_lines_read_back_as_edges_are_the_edges(size: int) -> None:
    picture = cv2.resize(discs(), (size, size * 3 // 4), interpolation=cv2.INTER_CUBIC)
    made = lines_of(picture).pixels
    read = read_edges(ink_strength(made), (96, 128))
    edges = canny(discs(), 3.5)
    assert near(edges, read) > 0.97 and near(read, edges) > 0.97
    # Nothing is drawn twice. Canny's lines have pixels in their corners that thinned ones do not.
    assert 0.9 < read.sum() / thin(edges.view(np.uint8), rounds=9).sum() < 1.1


def test_the_same_lines_come_at_every_size_of_the_canvas() -> None:
    sizes = (600, 1200)
    small, large = (
        lines_of(cv2.resize(discs(), (s, s * 3 // 4), interpolation=cv2.INTER_CUBIC)).pixels
        for s in sizes
    )
    halved = cv2.resize(large, (600, 450), interpolation=cv2.INTER_AREA)
    assert near(small[..., 1] > 127, halved[..., 1] > 127) > 0.99
    assert near(halved[..., 1] > 127, small[..., 1] > 127) > 0.99


def test_coarser_means_fewer_edges_and_width_means_wider_lines() -> None:
    fine, coarse = (lines_of(discs(), coarseness=c).pixels[..., 1].sum() for c in (1.0, 8.0))
    assert coarse < 0.8 * fine
    thin, wide = (lines_of(discs(), width=w).pixels[..., 1].sum() for w in (1.0, 4.0))
    assert 3 < wide / thin < 5


def test_nothing_and_one_color_have_no_edges() -> None:
    hidden = np.random.default_rng(0).integers(0, 256, (90, 120, 4), np.uint8)
    hidden[..., 3] = 0
    for empty in (hidden, np.full((90, 120, 3), 130, np.uint8), np.zeros((90, 120, 1), np.uint8)):
        made = lines_of(empty).pixels
        assert made.shape == (90, 120, 2) and not made.any()


def test_what_is_painted_on_nothing_has_an_outline_and_nothing_is_blank() -> None:
    picture = np.zeros((200, 200, 4), np.uint8)
    cv2.circle(picture, (100, 100), 60, (30, 60, 160, 255), -1)
    picture[picture[..., 3] == 0, :3] = np.random.default_rng(0).integers(0, 256, 3)
    alpha = lines_of(picture).pixels[..., 1]
    y, x = np.nonzero(alpha)
    assert np.hypot(y - 100, x - 100) == pytest.approx(60, abs=3)
    assert len(y) > 300


def test_floats_that_are_no_numbers_do_no_harm() -> None:
    picture = discs().astype(np.float32) / 255
    picture[20:25, 20:25] = np.nan
    picture[60:72, 60:72] = np.inf
    meant = np.where(np.isnan(picture), 0, picture.clip(0, 1)).astype(np.float32)
    assert (lines_of(picture).pixels == lines_of(meant).pixels).all()


def test_lines_lie_where_the_picture_does() -> None:
    assert lines_of(discs(), origin=(-40, 900)).origin == (-40, 900)


def test_a_picture_without_pixels_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="without pixels"):
        lines_of(np.zeros((0, 10, 4), np.uint8))


def test_a_small_copy_keeps_colors_and_coverage() -> None:
    picture = np.zeros((1024, 512, 4), np.uint16)
    picture[..., :3] = (65535, 32768, 0)
    picture[:512, :, 3] = 65535
    picture[512:768, :, 3] = 32768
    copy = small_copy("sketch", picture, 256)
    assert copy.scale == 2 and copy.alpha.shape == (256, 128)
    assert np.abs(copy.straight()[:190].astype(int) - (255, 128, 0)).max() <= 1
    assert (copy.alpha[[10, 150, 250], 10] == (255, 128, 0)).all()
    assert (copy.on_white()[250] == 255).all()


def test_a_job_can_be_cancelled_at_each_step() -> None:
    class Stop(Progress):
        def __init__(self, number: int):
            self.left = number

        def step(self, fraction: float, name: str, preview: np.ndarray | None = None) -> None:
            self.left -= 1
            if not self.left:
                raise Cancelled

    parameters, outputs = EDGES.declaration.check(["sketch"], {})
    for number in range(1, 5):
        with pytest.raises(Cancelled):
            EDGES.run(Request({"sketch": discs()}, parameters, outputs, progress=Stop(number)))
