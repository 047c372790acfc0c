"""Drawn edges and blobs of color as PI-REC's networks are given them."""

import cv2
import numpy as np
import pytest

from s2i_models.edges_from_image.canny import canny
from s2i_models.lineart import ink_strength
from s2i_models.pi_rec.reading import (
    fill_colors,
    read_colors,
    read_edges,
    shrink_edges,
    soften,
)

RED, BLUE = (0.9, 0.1, 0.1), (0.1, 0.2, 0.9)


def read(layer: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return read_edges(ink_strength(layer), size)


def pieces(edges) -> int:
    return cv2.connectedComponents(edges.view(np.uint8), connectivity=8)[0] - 1


def is_thin(edges: np.ndarray) -> bool:
    """No block of 2 × 2 pixels is all edge."""
    return not (edges[1:, 1:] & edges[:-1, 1:] & edges[1:, :-1] & edges[:-1, :-1]).any()


@pytest.mark.parametrize("width", [1, 2, 5, 12, 30])
@pytest.mark.parametrize("size", [(128, 128), (256, 256), (500, 500), (1000, 1000)])
def test_a_stroke_of_any_width_is_one_line_in_its_middle(size: tuple[int, int], width: int) -> None:
    paper = np.full((1000, 1000), 255, np.uint8)
    cv2.line(paper, (500, 100), (500, 900), 0, width)
    edges = read(paper, size)
    rows = edges[round(0.2 * size[0]) : round(0.8 * size[0])]
    assert (rows.sum(axis=1) == 1).all()
    middle = np.nonzero(rows)[1] / size[1]
    assert np.abs(middle - 0.5).max() < 2 / size[1] + 0.002


def test_edges_of_every_size_are_the_same_lines() -> None:
    paper = np.full((700, 1001, 3), 255, np.uint8)
    cv2.circle(paper, (500, 350), 300, (0, 0, 0), 9, cv2.LINE_AA)
    cv2.line(paper, (0, 50), (1000, 640), (0, 0, 0), 1, cv2.LINE_AA)
    edges = read(paper, (700, 1001))
    assert is_thin(edges)
    for size in [(350, 501), (175, 251), (89, 128)]:
        edges = shrink_edges(edges, size)
        assert edges.shape == size
        assert is_thin(edges)
        assert pieces(edges) == 1
        scale = size[1] / 1001
        y, x = np.nonzero(edges)
        circle = np.abs(np.hypot(x + 0.5 - 500 * scale, y + 0.5 - 350 * scale) - 300 * scale)
        line = np.abs(y + 0.5 - 50 * scale - 0.59 * (x + 0.5)) / np.hypot(1, 0.59)
        assert np.minimum(circle, line).max() < 2


def test_a_hairline_on_a_large_canvas_is_not_lost() -> None:
    layer = np.zeros((3000, 3000, 4), np.uint8)
    cv2.line(layer, (10, 20), (2990, 2000), (0, 0, 0, 255), 1)
    edges = read(layer, (128, 128))
    assert pieces(edges) == 1
    assert edges.any(axis=0).sum() == 128


def test_a_black_area_is_its_outline_and_strokes_hang_on_it() -> None:
    paper = np.full((512, 512), 255, np.uint8)
    cv2.circle(paper, (200, 256), 80, 0, -1)
    cv2.line(paper, (200, 256), (480, 256), 0, 4)
    edges = read(paper, (512, 512))
    y, x = np.nonzero(edges)
    from_middle = np.hypot(x - 200, y - 256)
    assert from_middle.min() > 76
    on_circle = edges & (np.hypot(*(np.mgrid[:512, :512].T - (256, 200)).T) < 83)
    around = np.degrees(np.arctan2(*(np.argwhere(on_circle) - np.array((256, 200))).T))
    assert len(np.unique(np.round(around / 10))) >= 36
    assert edges[254:259, 300].sum() == 1
    assert pieces(edges) == 1


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("shape", [(1, 1), (1, 60), (300, 200)])
def test_what_is_empty_or_all_black_has_no_edges(shape: tuple[int, int], channels: int) -> None:
    for value, alpha in ((255, 255), (0, 255), (0, 0)):
        layer = np.full((*shape, channels), value, np.uint8)
        if channels in (2, 4):
            layer[..., -1] = alpha
        for size in (shape, (128, 128), (7, 9)):
            assert not read(layer, size).any()


def test_light_lines_on_a_dark_ground_are_lines_too() -> None:
    paper = np.full((300, 400), 255, np.uint8)
    cv2.circle(paper, (200, 150), 100, 0, 3)
    dark_lines, light_lines = read(paper, (300, 400)), read(255 - paper, (300, 400))
    assert np.array_equal(dark_lines, light_lines)
    assert pieces(dark_lines) == 1


@pytest.mark.parametrize("side", [128, 300])
def test_cannys_edges_come_back(side: int) -> None:
    picture = np.full((side, side, 3), 230, np.uint8)
    cv2.ellipse(
        picture, (side // 2, side // 2), (side // 3, side // 4), 20, 0, 360, (200, 60, 40), -1
    )
    cv2.rectangle(picture, (side // 3, side // 3), (side // 2, side // 2), (20, 60, 140), -1)
    edges = canny(picture, 2.0)
    layer = np.zeros((side, side, 4), np.uint8)
    layer[..., 3] = 255 * edges
    back = read(layer, edges.shape)
    assert edges.sum() > side
    assert np.count_nonzero(back != edges) < 0.02 * edges.sum()


def blobs(dtype: type = np.uint8, shape: tuple[int, int] = (256, 256)) -> np.ndarray:
    """A red and a blue disc on nothing, RGBA."""
    layer = np.zeros((*shape, 4), np.float32)
    cv2.circle(layer, (shape[1] // 4, shape[0] // 2), shape[0] // 6, (*RED, 1), -1)
    cv2.circle(layer, (3 * shape[1] // 4, shape[0] // 2), shape[0] // 6, (*BLUE, 1), -1)
    full = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    return (np.rint(layer * full) if full > 1 else layer).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32])
@pytest.mark.parametrize("size", [(128, 128), (64, 64), (300, 300)])
def test_blobs_keep_their_color_in_every_depth(size: tuple[int, int], dtype: type) -> None:
    colors, painted = read_colors(blobs(dtype), (256, 256, 4), (0, 0), size)
    assert colors.dtype == np.float32
    assert painted.shape == size
    assert painted.mean() == pytest.approx(2 * np.pi / 36, rel=0.1)
    left, right = colors[:, : size[1] // 2], colors[:, size[1] // 2 :]
    where = painted[:, : size[1] // 2], painted[:, size[1] // 2 :]
    assert np.abs(left[where[0]] - RED).max() < 3e-3
    assert np.abs(right[where[1]] - BLUE).max() < 3e-3
    assert (colors[~painted] == 1).all()


def test_a_color_domain_comes_back() -> None:
    rng = np.random.default_rng(0)
    small = np.asarray(cv2.medianBlur(rng.integers(0, 4, (96, 128), np.uint8), 9), np.uint8)
    domain = np.array([[10, 20, 30], [200, 40, 60], [250, 240, 230], [90, 120, 40]], np.uint8)[
        small
    ]
    domain = cv2.medianBlur(domain, 3)
    for scale in (1, 4):
        layer = np.kron(domain, np.ones((scale, scale, 1), np.uint8))
        colors, painted = read_colors(layer, layer.shape, (0, 0), (96, 128))
        assert painted.all()
        assert np.abs(255 * colors - domain).max() < 1e-3
        back = np.rint(255 * soften(fill_colors(colors, painted))).astype(np.uint8)
        assert (back != domain).any(axis=2).mean() < 0.02


@pytest.mark.parametrize("opacity", [1.0, 0.2])
def test_a_soft_brush_has_its_color_to_its_end(opacity: float) -> None:
    distance = np.hypot(*(np.mgrid[:200, :200] - 100))
    layer = np.zeros((200, 200, 4), np.float32)
    layer[..., :3] = RED
    layer[..., 3] = opacity * np.clip(1.5 - distance / 50, 0, 1)
    colors, painted = read_colors(layer, (200, 200), (0, 0), (100, 100))
    assert np.abs(colors[painted] - RED).max() < 1e-5
    assert painted.sum() == pytest.approx(np.pi * 25**2, rel=0.1)  # to where it is half as opaque


def test_a_layer_lies_where_its_origin_says_and_counts_only_on_the_canvas() -> None:
    layer = np.full((40, 60, 4), (0, 128, 255, 255), np.uint8)
    _, painted = read_colors(layer, (100, 200), (20, 50), (100, 200))
    expected = np.zeros((100, 200), bool)
    expected[50:90, 20:80] = True
    assert np.array_equal(painted, expected)
    _, painted = read_colors(layer, (100, 200), (-50, 90), (100, 200))
    expected[:] = False
    expected[90:, :10] = True
    assert np.array_equal(painted, expected)
    for beside in ((-60, 0), (200, 0), (0, -40), (0, 100)):
        assert not read_colors(layer, (100, 200), beside, (50, 100))[1].any()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_layer_without_alpha_is_painted_everywhere(channels: int) -> None:
    layer = np.full((30, 30, channels), 51, np.uint8)
    colors, painted = read_colors(layer, (30, 30), (0, 0), (10, 10))
    assert painted.all()
    assert np.abs(colors - 0.2).max() < 1e-6
    assert read_colors(layer, (30, 60), (0, 0), (10, 20))[1].sum() == 100


def test_a_thin_stroke_counts_and_outlasts_the_filter_on_paper() -> None:
    layer = np.zeros((1024, 1024, 4), np.uint8)
    cv2.line(layer, (100, 500), (900, 500), (230, 26, 26, 255), 2)
    read_stroke = read_colors(layer, (1024, 1024), (0, 0), (128, 128))
    paper = soften(fill_colors(*read_stroke, spread=False))
    red = (np.abs(paper - RED) < 0.02).all(axis=2)
    assert pieces(red) == 1
    assert red.any(axis=0).sum() > 98
    assert (paper[~red] == 1).mean() > 0.99
    assert (np.abs(soften(fill_colors(*read_stroke)) - RED) < 0.02).all()


def test_what_is_not_painted_takes_the_nearest_color_or_is_white() -> None:
    colors, painted = read_colors(blobs(), (256, 256), (0, 0), (64, 64))
    spread = fill_colors(colors, painted)
    assert np.abs(spread[:, :31] - RED).max() < 3e-3
    assert np.abs(spread[:, 33:] - BLUE).max() < 3e-3
    paper = fill_colors(colors, painted, spread=False)
    assert (paper[:16] == 1).all()
    assert np.abs(paper[32, 16] - RED).max() < 3e-3


@pytest.mark.parametrize("spread", [True, False])
def test_without_any_color_all_is_white(spread: bool) -> None:
    clear = np.zeros((50, 50, 4), np.uint8)
    clear[..., 3] = 2  # seen by nobody
    not_a_number = np.full((50, 50, 4), np.nan, np.float32)
    for layer in (None, np.zeros((0, 0, 4), np.uint8), clear, not_a_number):
        colors, painted = read_colors(layer, (50, 50), (0, 0), (20, 20))
        assert not painted.any()
        assert (soften(fill_colors(colors, painted, spread=spread)) == 1).all()
