"""Pixels have the right 8-bit colors for every depth and order, against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from s2i_client.pixels import ORDER_CHANNELS, Depth, Order, Picture, Profile
from s2i_krita.model.eight_bit import eight_bit, sample

TYPES = {"u8": np.uint8, "u16": np.uint16, "f16": np.float16, "f32": np.float32}
ORDERS: tuple[Order, ...] = ("rgba", "bgra", "rgb", "bgr", "gray", "graya")
DEPTHS: tuple[Depth, ...] = ("u8", "u16", "f16", "f32")
PLACES = {"gray": "y", "graya": "ya"}


def noise(height: int, width: int, order: Order, depth: Depth) -> np.ndarray:
    """Values from 0 to 1 in the depth's own type."""
    values = np.random.default_rng(5).random((height, width, ORDER_CHANNELS[order]))
    if depth.startswith("u"):
        values = np.rint(values * np.iinfo(TYPES[depth]).max)
    return values.astype(TYPES[depth])


def picture(pixels: np.ndarray, order: Order, depth: Depth, profile: Profile = "sRGB") -> Picture:
    height, width, channels = pixels.shape
    return Picture(
        name="x",
        width=width,
        height=height,
        channels=channels,
        order=order,
        depth=depth,
        profile=profile,
        data=pixels.tobytes(),
    )


def in_numpy(pixels: np.ndarray, order: Order, depth: Depth, profile: Profile) -> np.ndarray:
    """8-bit rgba by the definitions alone, as floats from 0 to 255."""
    values = pixels.astype(np.float64)
    if depth.startswith("u"):
        values /= np.iinfo(TYPES[depth]).max
    letters = PLACES.get(order, order)
    planes = {letter: values[..., place] for place, letter in enumerate(letters)}
    color = np.stack([planes[name if name in planes else "y"] for name in "rgb"], axis=-1)
    if profile == "linear":
        color = np.where(
            color <= 0.0031308, 12.92 * color, 1.055 * np.maximum(color, 0) ** (1 / 2.4) - 0.055
        )
    alpha = planes.get("a", np.ones(pixels.shape[:2]))
    return 255 * np.concatenate([color, alpha[..., None]], axis=-1)


@pytest.mark.parametrize("profile", ["sRGB", "linear"])
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("order", ORDERS)
def test_pixels_become_8_bit_srgb(order: Order, depth: Depth, profile: Profile) -> None:
    pixels = noise(9, 7, order, depth)
    got = np.frombuffer(eight_bit(picture(pixels, order, depth, profile)), np.uint8)
    expected = in_numpy(pixels, order, depth, profile)
    # The curve has 4096 steps: in the dark, where it is steepest, one is 0.8 of a byte's.
    assert np.abs(got.reshape(9, 7, 4) - expected).max() <= 1.01
    if depth == "u8" and profile == "sRGB":
        assert np.array_equal(got.reshape(9, 7, 4), expected.round())


@pytest.mark.parametrize("profile", ["sRGB", "linear"])
@pytest.mark.parametrize("depth", ["f16", "f32"])
def test_values_beyond_the_range_are_cut_off(depth: Depth, profile: Profile) -> None:
    values = np.array([-np.inf, -1, np.nan, 0, 1, 2, 1000, np.inf], TYPES[depth])
    got = eight_bit(picture(values.reshape(1, 8, 1), "gray", depth, profile))
    assert list(got[0::4]) == [0, 0, 0, 0, 255, 255, 255, 255]


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("order", ORDERS)
def test_samples_are_every_nth_pixel(order: Order, depth: Depth) -> None:
    pixels = noise(50, 31, order, depth)
    got = sample(picture(pixels, order, depth, "linear"), 16)
    expected = pixels[2::4, 2::4]
    assert (got.width, got.height) == (expected.shape[1], expected.shape[0])
    assert got.data == expected.tobytes()
    assert (got.order, got.depth, got.profile) == (order, depth, "linear")


def test_no_side_is_longer_than_asked_and_small_pictures_are_taken_whole() -> None:
    for width, height in ((4097, 1), (1, 4097), (385, 384), (384, 384), (3, 2), (1000, 2)):
        pixels = np.zeros((height, width, 4), np.uint8)
        got = sample(picture(pixels, "rgba", "u8"), 384)
        assert 1 <= max(got.width, got.height) <= 384
        whole = (got.width, got.height) == (width, height)
        assert whole is (max(width, height) <= 384)
