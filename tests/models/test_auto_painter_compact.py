"""The generator that ships, and the discriminator it was trained against."""

import torch
import torch.nn.functional as F

from s2i_models.auto_painter.compact import CompactConfig, CompactGenerator
from s2i_training.discriminator import CompactDiscriminator

SMALL = CompactConfig(widths=(16, 24, 32), blocks=1)


def test_output_is_a_picture_of_the_input_size() -> None:
    network = CompactGenerator(SMALL).eval()
    assert network.stride == 16
    painted = network(torch.rand(2, 1, 32, 48), torch.rand(2, 4, 32, 48))
    assert painted.shape == (2, 4, 32, 48)
    assert painted[:, :3].min() >= 0
    assert painted[:, :3].max() <= 1


def test_gradients_reach_every_parameter_of_both_networks() -> None:
    torch.manual_seed(0)
    generator, discriminator = CompactGenerator(SMALL), CompactDiscriminator(8)
    for block in generator.modules():
        # These start at zero so that blocks start as identity, which hides what is behind them.
        for name in ("conv2", "project"):
            if hasattr(block, name):
                torch.nn.init.normal_(getattr(block, name).weight, std=0.1)
    lines = torch.rand(2, 1, 32, 32)
    painted = generator(lines, torch.rand(2, 4, 32, 32))
    verdict = discriminator(lines, painted[:, :3])
    (verdict.square().mean() + painted[:, 3].mean()).backward()
    for network in (generator, discriminator):
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name


def test_a_white_hint_differs_from_no_hint() -> None:
    torch.manual_seed(0)
    network = CompactGenerator(SMALL)
    lines, hints = torch.ones(1, 1, 32, 32), torch.zeros(1, 4, 32, 32)
    white = hints.clone()
    white[:, :, 8:12, 8:12] = 1
    assert not torch.allclose(network(lines, hints), network(lines, white))


def test_drawings_of_a_batch_do_not_influence_each_other() -> None:
    torch.manual_seed(0)
    network = CompactGenerator(SMALL)
    lines, hints = torch.rand(3, 1, 32, 32), torch.rand(3, 4, 32, 32)
    alone = network(lines[:1], hints[:1])
    assert torch.allclose(network(lines, hints)[:1], alone, atol=1e-5)


def test_eight_pairs_are_learned_by_heart() -> None:
    torch.manual_seed(0)
    network = CompactGenerator(SMALL)
    lines = (torch.rand(8, 1, 8, 8) > 0.3).float().repeat_interleave(4, 2).repeat_interleave(4, 3)
    colors = torch.rand(8, 3, 2, 2).repeat_interleave(16, 2).repeat_interleave(16, 3)
    hints = torch.zeros(8, 4, 32, 32)
    optimizer = torch.optim.Adam(network.parameters(), 4e-3)
    losses = []
    for _ in range(120):
        loss = F.l1_loss(network(lines, hints)[:, :3], colors)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.03 < losses[0]


def test_config_survives_the_metadata_of_a_weights_file() -> None:
    assert CompactConfig.from_dict(SMALL.to_dict()) == SMALL
