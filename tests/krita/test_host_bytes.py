"""Alpha, channels and masks as bytes, against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2i_client.geometry import Bounds
from s2i_client.pixels import DEPTH_BYTES, ORDER_CHANNELS, Depth, Order
from s2i_krita.host.alpha import is_opaque, multiply
from s2i_krita.host.channels import reorder
from s2i_krita.host.selection import Selection

TYPES = {"U8": np.uint8, "U16": np.uint16, "F16": np.float16, "F32": np.float32}
# Runs of empty, full and partly selected pixels, as masks have them.
MASKS = st.lists(
    st.tuples(st.sampled_from([0, 255, 1, 127, 254]), st.integers(1, 5)), min_size=1, max_size=6
).map(lambda runs: b"".join(bytes([value]) * length for value, length in runs))


@given(mask=MASKS, seed=st.integers(0, 9999))
@pytest.mark.parametrize("channels", [2, 4, 5])
@pytest.mark.parametrize("depth", list(TYPES))
def test_alpha_is_multiplied_by_the_mask(depth: str, channels: int, mask: bytes, seed: int) -> None:
    random = np.random.default_rng(seed)
    shape = len(mask), channels
    if depth.startswith("U"):
        most = np.iinfo(TYPES[depth]).max
        before = random.integers(0, most + 1, shape).astype(TYPES[depth])
    else:
        before = random.random(shape).astype(TYPES[depth])
    pixels = bytearray(before.tobytes())
    multiply(pixels, mask, channels, depth)
    after = np.frombuffer(pixels, TYPES[depth]).reshape(shape)
    parts = np.frombuffer(mask, np.uint8)
    expected = before[:, -1].astype(np.float64) * parts / 255
    if depth.startswith("U"):
        assert np.array_equal(after[:, -1], np.rint(expected).astype(TYPES[depth]))
    else:
        assert np.allclose(after[:, -1], expected, rtol=1e-3, atol=1e-4)
    assert np.array_equal(after[parts > 0, :-1], before[parts > 0, :-1])
    assert not after[parts == 0].any()


@pytest.mark.parametrize("depth", list(TYPES))
def test_a_pixel_is_opaque_from_a_half_on(depth: str) -> None:
    most = np.iinfo(TYPES[depth]).max if depth.startswith("U") else 1.0
    for part, opaque in ((0, False), (0.45, False), (0.55, True), (1, True)):
        assert is_opaque(np.array([0, part * most]).astype(TYPES[depth]).tobytes(), depth) == opaque


COLORS = st.sampled_from(["rgba", "bgra", "rgb", "bgr"])


@given(order=COLORS, target=COLORS, depth=st.sampled_from(list(DEPTH_BYTES)), n=st.integers(0, 5))
def test_each_channel_comes_to_its_place(order: Order, target: Order, depth: Depth, n: int) -> None:
    size = DEPTH_BYTES[depth]
    names = np.frombuffer(b"".join(c.encode() * size for c in order) * n, np.uint8)
    result = reorder(names.tobytes(), order, target, depth)
    assert len(result) == n * ORDER_CHANNELS[target] * size
    for place, channel in enumerate(target * n):
        part = result[place * size : (place + 1) * size]
        if channel in order:
            assert part == channel.encode() * size
        else:
            assert np.frombuffer(part, TYPES[depth.upper()])[0] == {1: 255, 2: 65535}.get(
                0 if depth.startswith("f") else size, 1
            )


def test_gray_gets_alpha_but_never_colors() -> None:
    assert reorder(b"\x01\x02", "gray", "graya", "u8") == b"\x01\xff\x02\xff"
    with pytest.raises(ValueError, match="gray"):
        reorder(b"\x01", "gray", "rgba", "u8")


@given(
    place=st.tuples(st.integers(-6, 6), st.integers(-6, 6), st.integers(1, 5), st.integers(1, 5)),
)
def test_the_mask_of_any_rectangle_is_empty_outside(place: tuple[int, int, int, int]) -> None:
    mask = np.arange(1, 13, dtype=np.uint8).reshape(3, 4)
    canvas = np.zeros((40, 40), np.uint8)
    canvas[20:23, 20:24] = mask
    area = Bounds(*place)
    expected = canvas[20 + area.y : 20 + area.bottom, 20 + area.x : 20 + area.right]
    found = Selection(Bounds(0, 0, 4, 3), mask.tobytes()).within(area)
    assert found == expected.tobytes()
