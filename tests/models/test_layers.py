"""Layers at full size: depths come back exactly, labels get their color, and strips do not show."""

import numpy as np
import pytest

from s2i_models import layers
from s2i_models.layers import color_labels, compose, convert_depth, stack

DEPTHS = [np.uint8, np.uint16, np.float16, np.float32]


def full(dtype: type) -> float:
    return float(np.iinfo(dtype).max) if np.dtype(dtype).kind == "u" else 1.0


def random_layer(shape: tuple[int, ...], dtype: type, seed: int) -> np.ndarray:
    """Values over the whole range, a third of them at either end, where most pixels lie."""
    unit = (np.random.default_rng(seed).random(shape) * 3 - 1).clip(0, 1)
    return (unit * full(dtype)).astype(dtype)


@pytest.mark.parametrize(
    ("depth", "through"),
    [
        (np.uint8, np.uint16),
        (np.uint8, np.float16),
        (np.uint8, np.float32),
        (np.uint16, np.float32),
        (np.float16, np.float32),
    ],
)
def test_every_value_comes_back_from_a_deeper_layer(depth: type, through: type) -> None:
    if np.dtype(depth).kind == "u":
        values = np.arange(np.iinfo(depth).max + 1, dtype=depth)
    else:
        values = np.linspace(0, 1, 4097).astype(depth)
    there = convert_depth(values, np.dtype(through))
    assert there.dtype == through
    assert there[0] == 0 and there[-1] == full(through)
    assert (convert_depth(there, np.dtype(depth)) == values).all()


def test_a_layer_in_its_own_depth_stays_bit_for_bit() -> None:
    values = np.array([-0.25, 0.1, 7.5], np.float32)
    assert (convert_depth(values, np.dtype(np.float32)) == values).all()


def test_floats_outside_of_the_range_are_clipped_into_integers() -> None:
    values = np.array([-0.25, 0.5, 7.5], np.float32)
    assert convert_depth(values, np.dtype(np.uint8)).tolist() == [0, 128, 255]


@pytest.mark.parametrize("dtype", DEPTHS)
def test_each_pixel_gets_its_labels_color_in_every_depth(dtype: type) -> None:
    colors = random_layer((7, 4), dtype, 0)
    labels = np.random.default_rng(1).integers(0, 7, (150, 31)).astype(np.int32)
    painted = color_labels(labels, colors)
    assert painted.dtype == dtype
    assert (painted == colors[labels]).all()


@pytest.mark.parametrize("dtype", DEPTHS)
def test_planes_become_channels_in_every_depth(dtype: type) -> None:
    layer = random_layer((20, 30, 4), dtype, 2)
    stacked = stack(*np.moveaxis(layer, 2, 0))
    assert stacked.dtype == dtype
    assert (stacked == layer).all()


def composed(
    flats: np.ndarray, shade: np.ndarray | None, lines: np.ndarray | None, top: float
) -> np.ndarray:
    """W3C compositing, source over, in double precision: unit RGBA."""
    below = flats.astype(np.float64) / top
    if shade is not None:
        below[..., :3] *= shade[..., None].astype(np.float64) / top
    if lines is None:
        return below
    over = lines.astype(np.float64) / top
    cover = over[..., -1:]
    alpha = cover + below[..., 3:] * (1 - cover)
    premultiplied = over[..., :-1] * cover + below[..., :3] * below[..., 3:] * (1 - cover)
    color = premultiplied / np.where(alpha > 0, alpha, 1)
    return np.concatenate([np.where(cover > 0, color, below[..., :3]), alpha], axis=2)


@pytest.mark.parametrize("dtype", DEPTHS)
@pytest.mark.parametrize("channels", [None, 2, 4])
@pytest.mark.parametrize("shaded", [False, True])
def test_composing_follows_the_formula(dtype: type, channels: int | None, shaded: bool) -> None:
    flats = random_layer((150, 40, 4), dtype, 3)
    shade = random_layer((150, 40), dtype, 4) if shaded else None
    lines = None if channels is None else random_layer((150, 40, channels), dtype, 5)
    expected = composed(flats, shade, lines, full(dtype))
    result = compose(flats, shade, lines)
    assert result.dtype == dtype
    # What shines through nothing has no color to compare.
    visible = expected[..., 3] > 1e-3
    error = np.abs(result / full(dtype) - expected)
    step = {np.uint8: 0.5 / 255, np.uint16: 0.6 / 65535, np.float16: 5e-4, np.float32: 1e-6}[dtype]
    assert error[visible].max() <= step * 1.01
    assert error[..., 3].max() <= step * 1.01


def test_composing_changes_none_of_its_layers() -> None:
    given = [random_layer(shape, np.uint8, 6) for shape in ((90, 9, 4), (90, 9), (90, 9, 4))]
    kept = [layer.copy() for layer in given]
    compose(*given)
    assert all((layer == copy).all() for layer, copy in zip(given, kept, strict=True))


def test_strips_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    flats, lines = random_layer((130, 20, 4), np.uint8, 7), random_layer((130, 20, 4), np.uint8, 8)
    labels = np.arange(130 * 20, dtype=np.int32).reshape(130, 20) % 50
    results = []
    for rows in (1, 7, 64, 1000):
        monkeypatch.setattr(layers, "STRIP_ROWS", rows)
        composite = compose(flats, flats[..., 1], lines)
        results.append((composite, color_labels(labels, flats[:50, 0])))
    for composite, painted in results[1:]:
        assert (composite == results[0][0]).all()
        assert (painted == results[0][1]).all()
