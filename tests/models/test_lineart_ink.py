"""Ink and paper, in every kind of layer that artists draw lines on."""

import cv2
import numpy as np
import pytest

from s2i_models.lineart import (
    binary_ink,
    clean_lines,
    ink_strength,
    solid_blacks,
    stroke_width,
)


def coverage() -> np.ndarray:
    """How much of each pixel a circle's line of 5 px covers: float (200, 200)."""
    picture = np.zeros((200, 200), np.uint8)
    cv2.circle(picture, (100, 100), 60, 255, 5, cv2.LINE_AA)
    return picture / 255


def paper_layer(ink: tuple[float, ...], paper: tuple[float, ...]) -> np.ndarray:
    line = coverage()[..., None]
    return line * np.array(ink) + (1 - line) * np.array(paper)


def noisy_scan() -> np.ndarray:
    rng = np.random.default_rng(3)
    shadow = np.linspace(1, 0.85, 200)[None, :, None]
    scan = paper_layer((0.2,) * 3, (0.9, 0.87, 0.8)) * shadow + rng.normal(0, 0.015, (200, 200, 1))
    return scan.clip(0, 1)


def on_clear(ink: tuple[float, ...]) -> np.ndarray:
    line = coverage()[..., None]
    return np.concatenate([np.broadcast_to(ink, (200, 200, len(ink))), line], axis=2)


LAYERS = {
    "black on white": paper_layer((0, 0, 0), (1, 1, 1)),
    "gray layer": paper_layer((0,), (1,)),
    "black on clear": on_clear((0, 0, 0)),
    "gray on clear": on_clear((0.0,)),
    "white on clear": on_clear((1, 1, 1)),
    "red on clear": on_clear((0.9, 0.1, 0.1)),
    "blue on white": paper_layer((0.1, 0.2, 0.9), (1, 1, 1)),
    "yellow on white": paper_layer((1, 0.9, 0), (1, 1, 1)),
    "pencil": paper_layer((0.6, 0.6, 0.6), (1, 1, 1)),
    "off-white paper": paper_layer((0.1, 0.1, 0.1), (0.93, 0.9, 0.8)),
    "noisy scan in shadow": noisy_scan(),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_the_line_is_found_whatever_it_is_drawn_with(kind):
    pixels = (LAYERS[kind] * 255).round().astype(np.uint8)
    ink = binary_ink(ink_strength(pixels)) > 0
    line = coverage() > 0.5
    overlap = (ink & line).sum() / (ink | line).sum()
    assert overlap > 0.75
    assert ink_strength(pixels)[line & (coverage() == 1)].min() > 0.45


@pytest.mark.parametrize("dtype", [np.uint16, np.float16, np.float32])
@pytest.mark.parametrize("kind", ["black on white", "red on clear", "pencil"])
def test_every_depth_gives_the_same_ink(kind, dtype):
    top = 65535 if dtype == np.uint16 else 1
    deep = ink_strength((LAYERS[kind] * top).astype(dtype))
    plain = ink_strength((LAYERS[kind] * 255).round().astype(np.uint8))
    assert deep.dtype == np.float32
    assert np.abs(deep - plain).max() < 0.03


@pytest.mark.parametrize("shape", [(40, 30, 1), (40, 30, 2), (40, 30, 3), (40, 30, 4)])
def test_empty_layers_have_no_ink(shape):
    assert not ink_strength(np.full(shape, 255, np.uint8)).any()
    if shape[2] in (2, 4):
        assert not ink_strength(np.zeros(shape, np.uint8)).any()


def test_ink_all_over_is_ink():
    assert (ink_strength(np.zeros((20, 20, 3), np.uint8)) == 1).all()


def test_an_array_that_is_no_layer_is_refused():
    with pytest.raises(ValueError, match="channels"):
        ink_strength(np.zeros((4, 4, 7), np.uint8))
    with pytest.raises(ValueError, match="float64"):
        ink_strength(np.zeros((4, 4, 3)))


@pytest.mark.parametrize("width", [1, 3, 6, 15])
def test_stroke_width_is_measured(width):
    ink = np.zeros((300, 300), np.uint8)
    cv2.line(ink, (20, 150), (280, 150), 255, width)
    measured = stroke_width(ink)
    drawn = int((ink[:, 150] > 0).sum())
    assert abs(measured - drawn) <= 1


def test_areas_much_wider_than_strokes_are_solid():
    ink = np.zeros((300, 300), np.uint8)
    cv2.circle(ink, (150, 150), 120, 255, 5)
    cv2.circle(ink, (150, 150), 30, 255, -1)
    solid = solid_blacks(ink)
    assert solid[150, 150]
    assert solid.sum() == pytest.approx(np.pi * 30**2, rel=0.1)
    assert not solid[150, 30]


def test_clean_lines_take_the_paper_out_and_keep_the_ink():
    pixels = (paper_layer((0.1, 0.2, 0.9), (0.95, 0.93, 0.85)) * 255).round().astype(np.uint8)
    lines = clean_lines(pixels)
    assert lines.shape == (200, 200, 4)
    assert lines[5, 5, 3] == 0
    full = coverage() == 1
    assert np.abs(lines[full][:, :3].astype(int) - (26, 51, 230)).max() <= 4
    assert (lines[full][:, 3] > 240).all()
    # Laid on its paper again, the drawing is what it was.
    alpha = lines[..., 3:] / 255
    again = alpha * lines[..., :3] + (1 - alpha) * (np.array((0.95, 0.93, 0.85)) * 255)
    assert np.abs(again - pixels).max() <= 6


def test_lines_on_clear_paper_come_back_unchanged():
    pixels = (on_clear((0.9, 0.1, 0.1)) * 255).round().astype(np.uint8)
    assert (clean_lines(pixels) == pixels).all()
