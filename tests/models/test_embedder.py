"""The network of find_reference: shapes, size, gradients, and what files it takes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from s2i_models.find_reference.network import (
    NETWORK,
    PIPELINE,
    Body,
    Convolution,
    Embedder,
    load_embedder,
)
from s2i_training.export import write_weights


@pytest.fixture(scope="module")
def network() -> Embedder:
    torch.manual_seed(0)
    return Embedder().eval()


def test_pictures_become_points_of_unit_length(network: Embedder) -> None:
    pictures = torch.rand(3, 3, network.size, network.size)
    with torch.inference_mode():
        points = network(pictures)
        alone = network(pictures[1:2])
    assert points.shape == (3, Embedder.width)
    assert torch.allclose(points.norm(dim=1), torch.ones(3), atol=1e-5)
    assert torch.allclose(points[1:2], alone, atol=1e-4)  # whatever else is in the batch


def test_the_body_has_the_parameters_of_efficientnet_lite0(network: Embedder) -> None:
    # 4.65 million with the classifier's 1,281,000; batch normalization has scale and shift too.
    assert sum(p.numel() for p in network.body.parameters()) == 4_652_008 - 1_281_000
    assert sum(bool(block.adds) for block in network.body.blocks) == 9


def test_padding_is_that_of_tensorflow() -> None:
    layer = Convolution(1, 1, kernel=3, stride=2, linear=True)
    torch.nn.init.ones_(layer.weight)
    # Even sides: the window begins at the first pixel, the padding is below and to the right.
    picture = torch.arange(16.0).view(1, 1, 4, 4)
    padded = F.pad(picture, (0, 1, 0, 1))
    expected = F.conv2d(padded, torch.ones(1, 1, 3, 3), stride=2)
    assert torch.equal(layer(picture), expected)
    # Odd sides: one pixel on every side.
    odd = torch.arange(25.0).view(1, 1, 5, 5)
    assert torch.equal(layer(odd), F.conv2d(odd, torch.ones(1, 1, 3, 3), stride=2, padding=1))


def test_scale_and_shift_come_after_the_convolution() -> None:
    layer = Convolution(2, 3, kernel=1)
    torch.nn.init.constant_(layer.scale, 2.0)
    torch.nn.init.constant_(layer.shift, -0.5)
    picture = torch.rand(1, 2, 4, 4)
    expected = (2 * F.conv2d(picture, layer.weight) - 0.5).clamp(0, 6)
    assert torch.allclose(layer(picture), expected, atol=1e-6)


def test_gradients_reach_every_weight() -> None:
    torch.manual_seed(0)
    network = Embedder()
    points = network(torch.rand(2, 3, 64, 64))
    (points * torch.randn(points.shape)).sum().backward()
    without = [name for name, p in network.named_parameters() if p.grad is None]
    assert not without
    assert all(bool((p.grad != 0).any()) for p in network.parameters() if p.grad is not None)


def test_the_body_averages_over_the_picture() -> None:
    features = Body()(torch.rand(2, 3, 96, 64))
    assert features.shape == (2, 1280)
    assert bool((features >= 0).all())


def test_a_file_in_half_precision_is_used_in_single(tmp_path: Path, network: Embedder) -> None:
    path = tmp_path / "weights.safetensors"
    size = write_weights(path, network.state_dict(), PIPELINE, NETWORK, Embedder.config())
    assert size < 9_000_000
    loaded = load_embedder(path, "cpu")
    assert not loaded.training
    assert all(value.dtype == torch.float32 for value in loaded.state_dict().values())
    pictures = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        assert F.cosine_similarity(loaded(pictures), network(pictures)).min() > 0.999


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {"s2i.pipeline": "auto_painter", "s2i.network": NETWORK},
        {"s2i.pipeline": PIPELINE, "s2i.network": "another"},
        {"s2i.pipeline": PIPELINE, "s2i.network": NETWORK, "s2i.config": '{"width": 3}'},
    ],
)
def test_foreign_files_are_refused(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(1)}, path, metadata=metadata)
    with pytest.raises(ValueError, match=r"foreign\.safetensors"):
        load_embedder(path)
