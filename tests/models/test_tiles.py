"""Tiles: what is painted in parts is what is painted whole, or goes over smoothly."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch

from s2i_models.pi_rec.compact import CompactConfig, CompactGenerator
from s2i_models.pipeline import Cancelled
from s2i_models.tiles import Tiling, paint_in_tiles

Paint = Callable[[np.ndarray], np.ndarray]


def network() -> CompactGenerator:
    """A tiny one, in which every layer says something."""
    torch.manual_seed(1)
    made = CompactGenerator(CompactConfig(widths=(6, 8), up_blocks=1, middle_blocks=1)).eval()
    for parameter in made.parameters():
        if parameter.ndim == 4:
            torch.nn.init.normal_(parameter, 0, 0.2)
    return made


def painter(made: CompactGenerator) -> Paint:
    def paint(window: np.ndarray) -> np.ndarray:
        assert window.shape[0] % made.stride == window.shape[1] % made.stride == 0
        batch = torch.from_numpy(window).permute(2, 0, 1)[None]
        with torch.inference_mode():
            return made(batch[:, :3], batch[:, 3:])[0].permute(1, 2, 0).numpy()

    return paint


def picture(height: int, width: int) -> np.ndarray:
    """A ramp of colors with some edges, (height, width, 4)."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    planes = np.dstack([x / width, y / height, (x + y) / (width + height), np.zeros_like(x)])
    edges = np.zeros((height, width), np.uint8)
    cv2.line(edges, (0, height // 3), (width - 1, height // 2), 1)
    cv2.circle(edges, (width // 2, height // 2), min(height, width) // 3, 1)
    planes[..., 3] = edges
    return planes


@pytest.mark.parametrize("window", [72, 100, 236])
@pytest.mark.parametrize("shape", [(203, 330), (128, 301), (64, 500)])
def test_tiles_with_a_reach_come_out_as_in_the_whole(shape: tuple[int, int], window: int) -> None:
    made = network()
    planes = picture(*shape)
    whole = paint_in_tiles(painter(made), planes, Tiling(4096, made.stride, made.reach))
    sizes = []

    def paint(part: np.ndarray) -> np.ndarray:
        sizes.append(part.shape[:2])
        return painter(made)(part)

    tiled = paint_in_tiles(paint, planes, Tiling(window, made.stride, made.reach))
    assert len(sizes) > 1
    assert max(max(size) for size in sizes) <= window
    assert tiled.shape == whole.shape == (*shape, 3)
    assert whole.std() > 0.1
    assert np.abs(tiled - whole).max() < 1e-5


def borders(length: int, count: int) -> np.ndarray:
    """Between which pixels of an axis tiles meet, for tiles as even as they can be in strides of 4;
    numbers of the pixels before."""
    inner = -(-length // (4 * count)) * 4
    return np.arange(inner, length, inner) - 1


def test_a_ramp_is_as_steep_where_tiles_meet_as_elsewhere() -> None:
    made = network()
    ramp = picture(400, 400)
    ramp[..., 3] = 0
    tiling = Tiling(2 * made.reach + 64, made.stride, made.reach)
    tiled = paint_in_tiles(painter(made), ramp, tiling)
    inner = slice(made.reach, 400 - made.reach)  # the picture's own border shows farther in
    steepness = np.abs(np.diff(tiled, axis=1))[inner].mean(axis=(0, 2))
    met = borders(400, -(-400 // 64))
    met = met[(met > made.reach) & (met < 400 - made.reach)]
    assert met.size > 1
    others = np.setdiff1d(np.arange(made.reach, 400 - made.reach), met)
    assert steepness[met].mean() == pytest.approx(steepness[others].mean(), rel=0.05)


def by_window(window: np.ndarray) -> np.ndarray:
    """As a norm over the window would have it: each window is a little off."""
    return window[..., :3] - 0.1 * window[..., :3].mean(axis=(0, 1))


@pytest.mark.parametrize("length", [130, 257, 400])
def test_tiles_without_a_reach_go_over_smoothly(length: int) -> None:
    ramp = picture(40, length)
    tiled = paint_in_tiles(by_window, ramp, Tiling(64, 4, None))
    assert tiled.shape == (40, length, 3)
    bends = np.abs(np.diff(tiled[..., 0], n=2, axis=1)).max()
    hard_jump = 0.1 * 48 / length  # from window to window, were they laid side by side
    assert bends < 0.05 * hard_jump
    unchanged = paint_in_tiles(lambda window: window, ramp, Tiling(64, 4, None))
    assert np.abs(unchanged - ramp).max() < 1e-5


@pytest.mark.parametrize("reach", [8, None])
@pytest.mark.parametrize("shape", [(1, 1), (1, 99), (99, 1), (3, 5), (33, 129)])
def test_sides_need_not_fit_the_stride(shape: tuple[int, int], reach: int | None) -> None:
    planes = picture(*shape)
    sizes = []

    def paint(window: np.ndarray) -> np.ndarray:
        sizes.append(window.shape)
        return window[..., :2]

    painted = paint_in_tiles(paint, planes, Tiling(32, 4, reach, least=16))
    assert painted.shape == (*shape, 2)
    assert np.abs(painted - planes[..., :2]).max() < 1e-6
    for height, width, _ in sizes:
        assert height % 4 == width % 4 == 0
        assert max(height, width) <= 32
    assert min(sizes[0][:2]) >= 16


def test_what_does_not_fit_is_repeated_from_the_border() -> None:
    planes = np.array([[[1], [2]], [[3], [4]]], np.float32)
    seen = []
    paint_in_tiles(lambda window: seen.append(window) or window, planes, Tiling(8, 4, 2))
    assert seen[0][..., 0].tolist() == [[1, 2, 2, 2], [3, 4, 4, 4], [3, 4, 4, 4], [3, 4, 4, 4]]


def test_a_window_without_room_for_its_reach_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 36 px"):
        paint_in_tiles(by_window, picture(100, 100), Tiling(32, 4, 16))


def test_steps_come_before_each_tile_and_may_end_it() -> None:
    told: list[float] = []
    tiling = Tiling(64, 4, 8)
    paint_in_tiles(by_window, picture(90, 130), tiling, told.append)
    assert told[0] == 0
    assert told == sorted(told)
    assert len(told) == 2 * 3

    def stop(fraction: float) -> None:
        if fraction > 0.5:
            raise Cancelled

    painted = []
    with pytest.raises(Cancelled):
        paint_in_tiles(
            lambda window: painted.append(window) or window, picture(90, 130), tiling, stop
        )
    assert len(painted) == 4
