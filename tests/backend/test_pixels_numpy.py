"""Pictures become the arrays that pipelines promise to take, and layers become pictures again."""

from typing import Any

import numpy as np
import pytest

from s2i_backend.pixels_numpy import decode_srgb, encode_srgb, to_array, to_picture
from s2i_client.geometry import Point
from s2i_client.pixels import DEPTH_BYTES, ORDER_CHANNELS, PictureInfo
from s2i_models.pipeline import Layer

DTYPES = {"u8": np.uint8, "u16": np.uint16, "f16": np.float16, "f32": np.float32}


def info(order: Any = "rgba", depth: Any = "u8", profile: Any = "sRGB"):
    return PictureInfo(
        name="sketch", width=3, height=2, channels=ORDER_CHANNELS[order], depth=depth, order=order,
        profile=profile, origin=Point(4, 5),
    )  # fmt: skip


def pixels(order, depth):
    """Channel values that differ everywhere, in the wire's order."""
    count = 3 * 2 * ORDER_CHANNELS[order]
    ramp = np.linspace(0, 1, count)
    scale = np.iinfo(DTYPES[depth]).max if depth.startswith("u") else 1
    return (ramp * scale).astype(DTYPES[depth])


@pytest.mark.parametrize("order", sorted(ORDER_CHANNELS))
@pytest.mark.parametrize("depth", sorted(DEPTH_BYTES))
@pytest.mark.parametrize("profile", ["sRGB", "linear"])
def test_there_and_back_is_the_same_picture(order, depth, profile):
    sent = pixels(order, depth)
    described = info(order, depth, profile)
    array = to_array(described, [memoryview(sent.tobytes())])
    assert array.shape == (2, 3, ORDER_CHANNELS[order])
    assert array.dtype == DTYPES[depth]
    back, data = to_picture(Layer("image", array, (4, 5)), described)
    assert (back.order, back.depth, back.bounds) == (order, depth, described.bounds)
    received = np.frombuffer(data, DTYPES[depth])
    if profile == "linear" and depth == "u8":
        assert back.profile == "sRGB"
        np.testing.assert_array_equal(received, array.reshape(-1)[_reversal(order)])
        return
    assert back.profile == profile
    # One step of each depth, doubled for the curve there and back.
    step = {"u8": 0, "u16": 2, "f16": 2e-3, "f32": 1e-6}[depth] if profile == "linear" else 0
    np.testing.assert_allclose(received.astype(float), sent.astype(float), atol=step)


def _reversal(order):
    """Places of the wire's channel values in a flat RGBA array."""
    places = np.arange(6 * ORDER_CHANNELS[order]).reshape(6, -1)
    if order in ("bgra", "bgr"):
        places = places[:, [2, 1, 0, 3][: places.shape[1]]]
    return places.ravel()


def test_blue_first_becomes_red_first():
    data = bytes([1, 2, 3, 4] * 6)
    assert to_array(info("bgra"), [memoryview(data)])[0, 0].tolist() == [3, 2, 1, 4]


def test_pieces_are_joined_in_order():
    data = bytes(range(24))
    pieces = [memoryview(data[:7]), memoryview(data[7:20]), memoryview(data[20:])]
    assert to_array(info(), pieces).tobytes() == data


def test_one_piece_in_the_usual_order_is_not_copied():
    data = bytearray(24)
    array = to_array(info(), [memoryview(data)])
    data[0] = 99
    assert array[0, 0, 0] == 99


def test_linear_half_gray_is_encoded_as_the_standard_says():
    # IEC 61966-2-1: 0.5 of the light is 0.7354 of the signal; alpha is no light.
    data = np.full((2, 3, 4), 0.5, np.float32)
    array = to_array(info(depth="f32", profile="linear"), [memoryview(data.tobytes())])
    assert array[0, 0].tolist() == pytest.approx([0.7354, 0.7354, 0.7354, 0.5], abs=1e-4)


def test_the_curve_is_undone_by_its_inverse():
    ramp = np.linspace(0, 1, 1001)
    np.testing.assert_allclose(decode_srgb(encode_srgb(ramp)), ramp, atol=1e-6)


def test_an_array_that_is_no_picture_is_an_error_with_its_name():
    with pytest.raises(ValueError, match="layer odd"):
        to_picture(Layer("odd", np.zeros((2, 3, 5), np.uint8)), None)
    with pytest.raises(ValueError, match="int64"):
        to_picture(Layer("odd", np.zeros((2, 3, 4), np.int64)), None)


def test_a_flat_gray_array_is_a_gray_picture():
    back, _ = to_picture(Layer("mask", np.zeros((2, 3), np.uint8)), info("bgra"))
    assert (back.order, back.width, back.height) == ("gray", 3, 2)
