"""Splitting flats by color: nothing is lost, soft edges make no layers, the largest come first."""

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2i_models import load
from s2i_models.pipeline import Cancelled, Layer, Progress, Request

DEPTHS = [np.uint8, np.uint16, np.float16, np.float32]
SPLIT = load("split_colors")
RED, GREEN, BLUE = (220, 30, 40), (40, 180, 60), (30, 60, 200)


def split(sketch: np.ndarray, origin: tuple[int, int] = (0, 0), **settings: Any) -> list[Layer]:
    parameters, outputs = SPLIT.declaration.check(["sketch"], settings)
    return SPLIT.run(Request({"sketch": sketch}, parameters, outputs, {"sketch": origin}))


def stacked(layers: list[Layer], shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """The layers laid over each other at their places; no pixel may be in two of them."""
    whole = np.zeros((*shape[:2], 4), dtype)
    for layer in layers:
        x, y = layer.origin
        height, width = layer.pixels.shape[:2]
        part = whole[y : y + height, x : x + width]
        shown = layer.pixels[..., 3] > 0
        assert not part[shown].any()
        part[shown] = layer.pixels[shown]
    return whole


def seen(rgba: np.ndarray) -> np.ndarray:
    return np.where(rgba[..., 3:] > 0, rgba, 0)


@st.composite
def pictures(draw: Any) -> np.ndarray:
    """Small RGBA pictures of few colors, some of them transparent, in any depth."""
    dtype = np.dtype(draw(st.sampled_from(DEPTHS)))
    full = np.iinfo(dtype).max if dtype.kind == "u" else 1
    count = draw(st.integers(1, 9))
    seed = draw(st.integers(0, 2**31))
    rng = np.random.default_rng(seed)
    colors = (rng.random((count, 4)) * full).astype(dtype)
    colors[rng.random(count) < 0.3, 3] = 0
    shape = (draw(st.integers(1, 24)), draw(st.integers(1, 24)))
    labels = rng.integers(0, count, shape)
    if draw(st.booleans()):  # areas rather than noise
        labels = np.kron(labels, np.ones((5, 4), int))
    return colors[labels]


@settings(max_examples=300, deadline=None)
@given(pictures(), st.sampled_from([0.0, 2.0, 30.0]), st.sampled_from([1, 2, 3, 24]))
def test_the_layers_stacked_are_the_picture_again(
    sketch: np.ndarray, tolerance: float, most: int
) -> None:
    layers = split(sketch, tolerance=tolerance, most=most)
    assert (stacked(layers, sketch.shape, sketch.dtype) == seen(sketch)).all()
    assert len(layers) <= most + 1
    for layer in layers:  # cut to what there is
        alpha = layer.pixels[..., 3] > 0
        assert alpha[0].any() and alpha[-1].any() and alpha[:, 0].any() and alpha[:, -1].any()


@settings(max_examples=200, deadline=None)
@given(pictures())
def test_without_tolerance_each_layer_has_one_color_and_the_largest_comes_first(
    sketch: np.ndarray,
) -> None:
    layers = split(sketch, tolerance=0.0, most=24)
    areas = [int((layer.pixels[..., 3] > 0).sum()) for layer in layers]
    assert areas == sorted(areas, reverse=True)
    for layer in layers:
        colors = np.unique(layer.pixels[layer.pixels[..., 3] > 0][:, :3], axis=0)
        assert len(colors) == 1
        full = np.iinfo(sketch.dtype).max if sketch.dtype.kind == "u" else 1
        expected = np.rint(colors[0].astype(np.float64) / full * 255).astype(int)
        told = [int(layer.title[at : at + 2], 16) for at in (1, 3, 5)]
        assert np.abs(told - expected).max() <= 1
        assert layer.title[0] == "#" and len(layer.title) == 7
    found = np.unique(sketch[sketch[..., 3] > 0][:, :3], axis=0)
    assert len(layers) == len(found)


def soft_discs(factor: int = 8) -> np.ndarray:
    """Three discs that touch and overlap on green, with anti-aliased edges between all of them."""
    big = np.zeros((200 * factor, 200 * factor, 3), np.uint8)
    big[:] = GREEN
    for center, color in (((70, 80), RED), ((130, 80), BLUE), ((100, 130), (250, 240, 200))):
        cv2.circle(big, (center[0] * factor, center[1] * factor), 42 * factor, color, -1)
    small = cv2.resize(big, (200, 200), interpolation=cv2.INTER_AREA)
    return np.dstack([small, np.full((200, 200), 255, np.uint8)])


@pytest.mark.parametrize("dtype", DEPTHS)
def test_soft_edges_between_colors_make_no_layers(dtype: Any) -> None:
    sketch = soft_discs()
    full = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    deep = (sketch / 255 * full).astype(dtype)
    layers = split(deep)
    assert layers[0].title == "#28b43c"
    assert {layer.title for layer in layers} == {"#28b43c", "#dc1e28", "#1e3cc8", "#faf0c8"}
    assert (stacked(layers, deep.shape, dtype) == deep).all()
    # Where an edge belongs is decided by the color it comes nearer to.
    red = next(layer for layer in layers if layer.title == "#dc1e28")
    x, y = red.origin
    hard = cv2.circle(np.zeros((200, 200), np.uint8), (70, 80), 40, 1, -1) > 0
    hard &= (sketch[..., :3] == RED).all(axis=2)
    inside = hard[y : y + red.pixels.shape[0], x : x + red.pixels.shape[1]]
    assert (red.pixels[inside][:, 3] > 0).all()
    assert len(split(deep, tolerance=0.0, most=60)) == 61  # as it would be else


def test_wide_soft_edges_and_thin_lines_are_told_apart() -> None:
    sketch = cv2.GaussianBlur(soft_discs(), (0, 0), 0.8)
    assert len(split(sketch)) == 4
    lined = soft_discs()
    cv2.line(lined, (5, 190), (195, 170), (0, 0, 0, 255), 3, cv2.LINE_AA)
    cv2.rectangle(lined, (2, 2), (197, 197), (255, 0, 255, 255), 1)
    titles = {layer.title for layer in split(lined)}
    assert titles == {"#ff00ff", "#000000", "#28b43c", "#dc1e28", "#1e3cc8", "#faf0c8"}


def test_soft_edges_to_nothing_stay_with_their_color() -> None:
    sketch = np.zeros((60, 60, 4), np.uint8)
    sketch[..., :3] = RED
    sketch[..., 3] = cv2.circle(np.zeros((60, 60), np.uint8), (30, 30), 20, 255, -1, cv2.LINE_AA)
    (layer,) = split(sketch)
    assert len(np.unique(layer.pixels[..., 3])) > 3
    assert (stacked([layer], sketch.shape, np.uint8) == seen(sketch)).all()


def test_nearly_equal_colors_are_one_up_to_the_tolerance() -> None:
    sketch = np.full((40, 40, 4), 255, np.uint8)
    sketch[:, :25, :3] = (100, 100, 100)
    sketch[:, 25:, :3] = (103, 103, 103)  # 1.2 apart
    assert [layer.title for layer in split(sketch, tolerance=2.0)] == ["#646464"]
    assert len(split(sketch, tolerance=0.5)) == 2


def test_what_is_beyond_the_most_comes_together_last() -> None:
    sketch = np.full((60, 100, 4), 255, np.uint8)
    for number in range(10):
        sketch[:, 10 * number : 10 * number + 10, :3] = (25 * number, 255 - 25 * number, 128)
    sketch[:30, :20, :3] = (0, 0, 0)
    layers = split(sketch, most=3)
    assert [layer.title for layer in layers][-1] == "Other colors"
    assert len(layers) == 4
    rest = int((layers[-1].pixels[..., 3] > 0).sum())
    assert rest > int((layers[0].pixels[..., 3] > 0).sum())


def test_layers_lie_on_the_canvas_where_the_sketch_does() -> None:
    sketch = np.zeros((30, 40, 4), np.uint8)
    sketch[5:15, 8:20] = (*RED, 255)
    (layer,) = split(sketch, origin=(-100, 1000))
    assert layer.origin == (-92, 1005)
    assert layer.pixels.shape == (10, 12, 4)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_gray_and_opaque_pictures_are_split_too(channels: int) -> None:
    sketch = np.full((20, 20, channels), 200, np.uint8)
    sketch[:10] = 30 if channels != 2 else (30, 128)
    layers = split(sketch)
    assert {layer.title for layer in layers} == {"#1e1e1e", "#c8c8c8"}
    assert {layer.pixels.shape for layer in layers} == {(10, 20, 4)}
    alphas = sorted(int(layer.pixels[0, 0, 3]) for layer in layers)
    assert alphas == ([128, 200] if channels == 2 else [255, 255])


def test_an_empty_layer_has_no_colors() -> None:
    assert split(np.zeros((20, 20, 4), np.uint8)) == []
    hidden = np.random.default_rng(0).integers(0, 256, (20, 20, 4), np.uint8)
    hidden[..., 3] = 0
    assert split(hidden) == []


def test_called_as_a_library_the_layers_are_numbered() -> None:
    assert list(SPLIT(sketch=soft_discs())) == [f"layer-{n:02}" for n in range(1, 5)]


def test_a_job_can_be_cancelled_at_each_step() -> None:
    names: list[str] = []

    class Stop(Progress):
        def __init__(self, number: int):
            self.left = number

        def step(self, fraction: float, name: str, preview: np.ndarray | None = None) -> None:
            names.append(name)
            self.left -= 1
            if not self.left:
                raise Cancelled

    parameters, outputs = SPLIT.declaration.check(["sketch"], {})
    SPLIT.run(Request({"sketch": soft_discs()}, parameters, outputs, progress=Stop(0)))
    for number in range(1, len(names) + 1):
        with pytest.raises(Cancelled):
            SPLIT.run(Request({"sketch": soft_discs()}, parameters, outputs, progress=Stop(number)))


def test_of_a_painting_what_is_left_comes_together() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (80, 80, 4), np.uint8)
    noise[..., 3] = 255
    layers = split(noise, most=5)
    assert [layer.title for layer in layers][-1] == "Other colors"
    assert (layers[-1].pixels[..., 3] > 0).mean() > 0.5
    assert (stacked(layers, noise.shape, np.uint8) == noise).all()
