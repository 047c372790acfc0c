"""PI-REC's network that ships: what it takes, learns, and sees."""

from __future__ import annotations

import pytest
import torch

from s2i_models.pi_rec.compact import CompactConfig, CompactGenerator

SMALL = CompactConfig(widths=(8, 12, 16), middle_blocks=1)


def _random(config: CompactConfig = SMALL) -> CompactGenerator:
    """Residual branches begin at zero, which would hide what is behind them."""
    torch.manual_seed(0)
    network = CompactGenerator(config)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    return network.eval()


def test_the_shipped_size_has_its_parameters() -> None:
    assert sum(p.numel() for p in CompactGenerator().parameters()) == 3_171_948


def test_it_begins_by_giving_the_colors_back_blurred() -> None:
    colors = torch.zeros(2, 3, 64, 64)
    colors[..., 32:] = 1
    made = CompactGenerator(SMALL)(colors, torch.zeros(2, 1, 64, 64))
    away = torch.cat([torch.arange(24), torch.arange(40, 64)])
    assert torch.allclose(made[..., away], colors[..., away], atol=1e-6)
    assert 0.3 < made[0, 0, 32, 31].item() < 0.7


def test_every_part_gets_a_gradient() -> None:
    network = _random()
    network(torch.rand(1, 3, 32, 32), torch.rand(1, 1, 32, 32)).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@torch.no_grad()
def test_nothing_farther_than_its_reach_changes_a_pixel() -> None:
    network = _random().double()
    side = network.reach + 64
    colors = torch.rand(1, 3, side, side, dtype=torch.float64)
    edges = torch.zeros(1, 1, side, side, dtype=torch.float64)
    before = network(colors, edges)
    edges[..., 0, 0] = 1
    moved = (network(colors, edges) - before).abs().amax(dim=1)[0] > 0
    rows, columns = moved.nonzero(as_tuple=True)
    farthest = int(max(rows.max(), columns.max()))
    assert farthest <= network.reach
    assert farthest > network.reach - 4 * network.stride  # the halo is not much too large either


@torch.no_grad()
def test_a_tile_with_its_surroundings_comes_out_as_in_the_whole_picture() -> None:
    network = _random()
    halo = network.reach
    side = 2 * halo + 32
    colors = torch.rand(1, 3, side + 64, side + 64)
    edges = (torch.rand(1, 1, side + 64, side + 64) > 0.9).float()
    whole = network(colors, edges)
    part = (..., slice(32, 32 + side), slice(32, 32 + side))
    inside = (..., slice(halo, -halo), slice(halo, -halo))
    tile = network(colors[part], edges[part])
    assert torch.allclose(tile[inside], whole[part][inside], atol=1e-5)


def test_it_learns_eight_pictures() -> None:
    torch.manual_seed(0)
    network = CompactGenerator(SMALL)
    pictures = torch.nn.functional.interpolate(torch.rand(8, 3, 4, 4), (32, 32))
    domain = pictures.mean(dim=(2, 3), keepdim=True).expand_as(pictures)
    edges = torch.zeros(8, 1, 32, 32)
    edges[:, 0, ::8] = 1
    edges[:, 0, torch.arange(8), torch.arange(8)] = torch.eye(8)  # which one it is
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    losses = []
    for _ in range(250):
        loss = (network(domain, edges) - pictures).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.35 * (domain - pictures).abs().mean()


def test_its_description_builds_it_again() -> None:
    config = CompactConfig((16, 24), 2, 1, 3)
    assert CompactConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize("shape", [(32, 48), (8, 8)])
def test_any_size_of_whole_strides_comes_back(shape: tuple[int, int]) -> None:
    made = _random()(torch.rand(1, 3, *shape), torch.rand(1, 1, *shape))
    assert made.shape == (1, 3, *shape)
