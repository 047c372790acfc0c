import math

import pytest
import torch
from torch import Tensor, nn

from s2i_models.pi_rec import network as network_module
from s2i_models.pi_rec.network import PaperConfig, PaperGenerator, PatchGan, Residual

SMALL = PaperConfig(width=4, blocks=2)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def pair(*size: int, batch: int = 1) -> tuple[Tensor, Tensor]:
    return torch.rand(batch, 3, *size), (torch.rand(batch, 1, *size) < 0.1).float()


def test_parameter_counts_are_those_of_the_specification():
    generator = PaperGenerator()
    assert count(generator) == 10_545_219
    assert len(generator.state_dict()) == 44
    assert count(PatchGan()) == 2_763_776
    assert count(PatchGan(conditional=True)) == 2_763_776 + 4 * 64 * 16


@pytest.mark.parametrize("size", [(128, 128), (64, 96), (13, 30), (35, 127), (12, 12)])
def test_a_picture_has_the_size_of_its_edges(size):
    with torch.no_grad():
        painted = PaperGenerator(SMALL)(*pair(*size, batch=2))
    assert painted.shape == (2, 3, *size)
    assert painted.min() >= 0
    assert painted.max() <= 1


def test_what_is_left_over_of_the_stride_repeats_the_last_column_and_row():
    with torch.no_grad():
        painted = PaperGenerator(SMALL)(*pair(35, 30))
    assert torch.equal(painted[:, :, :, 28:], painted[:, :, :, 27:28].expand(-1, -1, -1, 2))
    assert torch.equal(painted[:, :, 32:], painted[:, :, 31:32].expand(-1, -1, 3, -1))
    assert not torch.allclose(painted[:, :, :, 27], painted[:, :, :, 26], atol=1e-6)
    assert not torch.allclose(painted[:, :, 31], painted[:, :, 30], atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (11, 2)])
def test_a_picture_that_is_too_small_for_the_layers_is_painted_all_the_same(size):
    with torch.no_grad():
        painted = PaperGenerator(SMALL)(*pair(*size))
    assert painted.shape == (1, 3, *size)
    assert painted.isfinite().all()


def set_center(convolution: nn.Module, row: int, column: int, output: int = 0) -> None:
    """Let a convolution hand on the first channel, looked up at one place of its kernel."""
    assert isinstance(convolution, nn.Conv2d)
    convolution.weight[output, 0, row, column] = 1


@torch.no_grad()
def test_a_picture_that_can_be_painted_by_hand():
    """One channel is handed on through all layers of a picture whose right half is red."""
    network = PaperGenerator(PaperConfig(width=1, blocks=1))
    for parameter in network.parameters():
        parameter.zero_()
    first, half, quarter = network.encoder
    set_center(first, 3, 3)
    set_center(half, 1, 1)
    set_center(quarter, 1, 1)
    residual = network.residual[0]
    assert isinstance(residual, Residual)
    set_center(residual.conv1, 1, 1)
    set_center(residual.conv2, 1, 1)
    set_center(network.enlarged, 1, 1)
    network.transposed.weight[0, 0, 1:3, 1:3] = 1  # each value twice, to both sides
    assert network.output.bias is not None
    network.output.weight[:, 0, 3, 3] = torch.tensor([1.0, -2.0, 0.0])
    network.output.bias[2] = 0.5
    colors = torch.zeros(1, 3, 16, 16)
    colors[:, 0, :, 8:] = 1

    painted = network(colors, torch.zeros(1, 1, 16, 16))

    # After the encoder 0 0 1 1. The block adds −1 −1 1 1: −1 −1 2 2. Enlarged and seen from its
    # mean 0.5: four values that a ReLU drops, then 1 : 2 : 2 : 2 times 0.75, which the next norm
    # does not see. Doubled: of 0 ×8, 1 ×2, 2 ×6 the mean is 7/8, the variance 13/8 − 49/64.
    deviation = math.sqrt(13 / 8 - 49 / 64)
    row = [0.0] * 8 + [(1 - 7 / 8) / deviation] * 2 + [(2 - 7 / 8) / deviation] * 6
    for y in (0, 7, 15):
        for channel, scale in ((0, 1.0), (1, -2.0)):
            expected = torch.tensor([(math.tanh(scale * value) + 1) / 2 for value in row])
            assert torch.allclose(painted[0, channel, y], expected, atol=1e-3)
    assert torch.allclose(painted[0, 2], torch.tensor((math.tanh(0.5) + 1) / 2))


def test_gradients_reach_every_convolution_and_both_inputs():
    network = PaperGenerator(SMALL)
    colors, edges = pair(24, 24, batch=2)
    colors.requires_grad_()
    edges.requires_grad_()
    (network(colors, edges) - torch.rand(2, 3, 24, 24)).square().mean().backward()
    weights = [p for name, p in network.named_parameters() if name.endswith("weight")]
    assert len(weights) == 3 + 2 * SMALL.blocks + 3
    for given in (colors, edges, *weights, network.output.bias):
        assert given is not None
        assert given.grad is not None
        assert given.grad.abs().max() > 0


def test_pixels_beyond_its_reach_do_not_matter_to_its_convolutions(monkeypatch):
    monkeypatch.setattr(network_module.F, "instance_norm", lambda h: h)
    network = PaperGenerator(PaperConfig(width=1, blocks=2))
    for name, parameter in network.named_parameters():
        nn.init.constant_(parameter, 0.001 if name.endswith("weight") else 0.0)
    colors, edges = torch.ones(1, 3, 12, 256), torch.ones(1, 1, 12, 256)
    far = 0
    for x in (128, 129, 130, 131):
        colors = colors.detach().requires_grad_()
        network(colors, edges)[0, 0, 6, x].backward()
        assert colors.grad is not None
        reached = colors.grad[0].abs().sum(dim=(0, 1)).nonzero().flatten()
        far = max(far, x - int(reached.min()), int(reached.max()) - x)
    assert network.reach - network.stride < far <= network.reach


def test_a_color_that_is_everywhere_is_not_seen():
    """A property of the paper's network that others have to know of."""
    network = PaperGenerator(SMALL).eval()
    _, edges = pair(32, 32)
    red = torch.tensor([0.9, 0.1, 0.2]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(network(red, edges), network(1 - red, edges), atol=1e-4)


def test_a_picture_does_not_depend_on_others_of_its_batch():
    network = PaperGenerator(SMALL)
    colors, edges = pair(16, 20, batch=3)
    with torch.no_grad():
        alone = [network(colors[i : i + 1], edges[i : i + 1]) for i in range(3)]
        assert torch.allclose(network(colors, edges), torch.cat(alone), atol=1e-6)


def test_the_start_is_the_parent_projects():
    for network in (PaperGenerator(PaperConfig(32, 1)), PatchGan(width=16)):
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                assert not parameter.any(), name
            elif parameter.numel() > 1000:
                assert parameter.std().item() == pytest.approx(0.02, rel=0.1), name
                assert parameter.mean().item() == pytest.approx(0, abs=2e-3), name


def test_the_discriminator_gives_fourteen_by_fourteen_verdicts_and_what_led_to_them():
    judged = PatchGan(width=4)(torch.rand(2, 3, 128, 128))
    assert judged.verdicts.shape == (2, 1, 14, 14)
    assert 0 < judged.verdicts.min() < judged.verdicts.max() < 1
    shapes = [tuple(activation.shape[1:]) for activation in judged.activations]
    assert shapes == [(4, 64, 64), (8, 32, 32), (16, 16, 16), (32, 15, 15), (1, 14, 14)]
    assert torch.equal(judged.verdicts, judged.activations[-1].sigmoid())


def test_only_the_sigmoid_tells_probabilities_from_unbounded_verdicts():
    judge, critic = PatchGan(width=4).eval(), PatchGan(width=4, sigmoid=False).eval()
    critic.load_state_dict(judge.state_dict())
    picture = torch.rand(1, 3, 32, 32)
    assert torch.equal(judge(picture).verdicts, critic(picture).verdicts.sigmoid())


def test_a_verdict_sees_seventy_pixels():
    network = PatchGan(sigmoid=False, width=1).eval()
    for convolution in network.convolutions:
        nn.init.ones_(convolution.parametrizations.weight.original)  # type: ignore[union-attr]
    picture = torch.ones(1, 3, 128, 128, requires_grad=True)
    network(picture).verdicts[0, 0, 7, 7].backward()
    assert picture.grad is not None
    reached = picture.grad[0, 0] != 0
    assert (reached.any(dim=0).sum(), reached.any(dim=1).sum()) == (70, 70)


def test_spectral_norms_bound_every_layer():
    network = PatchGan(width=4)
    for _ in range(60):
        network(torch.rand(1, 3, 32, 32))
    network.eval()
    for convolution in network.convolutions:
        assert isinstance(convolution, nn.Conv2d)
        largest = torch.linalg.matrix_norm(convolution.weight.flatten(1), ord=2)
        assert largest.item() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("conditional", [False, True])
def test_gradients_reach_all_that_the_discriminator_sees_and_learns(conditional):
    network = PatchGan(conditional=conditional, width=4)
    seen = [torch.rand(2, 3, 32, 32, requires_grad=True)]
    if conditional:
        seen.append(torch.rand(2, 4, 32, 32, requires_grad=True))
    network(*seen).verdicts.square().mean().backward()
    for given in (*seen, *network.parameters()):
        assert given.grad is not None
        assert given.grad.abs().max() > 0


def test_a_discriminator_is_told_what_it_was_made_to_see():
    picture, condition = torch.rand(1, 3, 32, 32), torch.rand(1, 4, 32, 32)
    with pytest.raises(ValueError, match="pictures alone"):
        PatchGan(width=4)(picture, condition)
    with pytest.raises(ValueError, match="colors and edges too"):
        PatchGan(conditional=True, width=4)(picture)


def test_a_small_network_learns_eight_pictures():
    target = torch.rand(8, 3, 4, 4).repeat_interleave(4, 2).repeat_interleave(4, 3)
    colors = nn.functional.avg_pool2d(target, 5, stride=1, padding=2, count_include_pad=False)
    edges = (torch.rand(8, 1, 16, 16) < 0.1).float()
    network = PaperGenerator(PaperConfig(width=12, blocks=1))
    optimizer = torch.optim.Adam(network.parameters(), 1e-2, betas=(0.5, 0.999))
    losses = []
    for _ in range(80):
        loss = (network(colors, edges) - target).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert min(losses[-10:]) < 0.3 * losses[0]
    # Better than what it was given.
    assert min(losses[-10:]) < 0.7 * (colors - target).abs().mean().item()
