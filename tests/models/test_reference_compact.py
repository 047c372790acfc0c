"""The generator that colors after a reference: attention, masks, and what it begins as."""

from __future__ import annotations

import pytest
import torch

from s2i_models.reference_colorization.compact import (
    HIDDEN,
    CompactConfig,
    CompactGenerator,
    ReferenceTokens,
    colors_of_cells,
)

SMALL = CompactConfig(widths=(8, 16, 24), token_width=16, blocks=1)


def network() -> CompactGenerator:
    torch.manual_seed(0)
    return CompactGenerator(SMALL).eval()


def reference(color: tuple[float, float, float], side: int = 32) -> torch.Tensor:
    planes = torch.tensor(color).view(1, 3, 1, 1).expand(1, 3, side, side)
    return torch.cat([planes, torch.ones(1, 1, side, side)], dim=1)


def sketch(height: int = 32, width: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.rand(1, 1, height, width), torch.zeros(1, 4, height, width)


def test_the_reference_may_have_another_size_than_the_sketch() -> None:
    tokens = network().read_reference(torch.rand(1, 4, 48, 16))
    made, logits = network().paint(*sketch(32, 64), tokens)
    assert made.shape == (1, 4, 32, 64)
    assert logits.shape == (1, 4 * 8, 6 * 2)


def test_untrained_it_hands_over_the_references_color() -> None:
    made, _ = network().paint(*sketch(), network().read_reference(reference((0.2, 0.4, 0.9))))
    assert torch.allclose(made[0, :3].mean(dim=(1, 2)), torch.tensor([0.2, 0.4, 0.9]), atol=1e-5)


def test_a_token_is_a_position_row_by_row() -> None:
    picture = reference((0.0, 0.0, 0.0))
    picture[0, 0, 8:16, 24:32] = 1  # the second row's last cell is red
    tokens = network().read_reference(picture)
    red = tokens.colors[0, :, 0]
    assert red.argmax() == 1 * 4 + 3
    assert red.sum() == pytest.approx(1)


def test_nothing_is_taken_from_what_is_not_valid() -> None:
    picture = reference((1.0, 0.0, 0.0))
    picture[:, :3, :, 16:] = torch.tensor([0.0, 1.0, 0.0]).view(1, 3, 1, 1)
    picture[:, 3, :, :16] = 0
    tokens = network().read_reference(picture)
    assert (tokens.bias.view(4, 4)[:, :2] == HIDDEN).all()
    made, logits = network().paint(*sketch(), tokens)
    assert torch.allclose(made[0, :3].mean(dim=(1, 2)), torch.tensor([0.0, 1.0, 0.0]), atol=1e-5)
    assert logits.softmax(dim=2).view(16, 4, 4)[..., :2].max() < 1e-6


def test_cells_count_by_what_may_be_used_of_them() -> None:
    color, valid = torch.rand(1, 3, 8, 32), torch.zeros(1, 1, 8, 32)
    valid[..., 8:10], valid[..., 16:20], valid[..., 24] = 1.0, 1.0, 0.5
    colors, bias = colors_of_cells(color, valid, 8)
    assert bias[0].exp().tolist() == pytest.approx([0, 0.25, 0.5, 0])
    assert torch.allclose(colors[0, 1], color[0, :, :, 8:10].mean(dim=(1, 2)), atol=1e-5)
    _, bias = colors_of_cells(color, valid, 8, relative=True)
    assert bias[0].exp().tolist() == pytest.approx([0, 0.5, 1, 0.125])


def test_a_reference_of_which_nothing_is_valid_gives_numbers() -> None:
    picture = reference((1.0, 0.0, 0.0))
    picture[:, 3] = 0
    made, _ = network().paint(*sketch(), network().read_reference(picture))
    assert torch.isfinite(made).all()


def test_references_blend_by_their_weights() -> None:
    red, blue = (
        network().read_reference(reference(color)) for color in ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    )
    # The same keys, so that attention differs by the weights alone.
    blue = ReferenceTokens(red.keys, blue.values, blue.colors, blue.bias)
    made, _ = network().paint(*sketch(), ReferenceTokens.join([red, blue], [1.0, 3.0]))
    assert torch.allclose(made[0, :3].mean(dim=(1, 2)), torch.tensor([0.25, 0, 0.75]), atol=1e-4)


def test_pictures_of_a_batch_do_not_influence_each_other() -> None:
    net = network()
    lines, hints, seen = (
        torch.rand(3, 1, 32, 32),
        torch.rand(3, 4, 32, 32),
        torch.rand(3, 4, 32, 32),
    )
    together = net(lines, hints, seen).output[:1]
    assert torch.allclose(together, net(lines[:1], hints[:1], seen[:1]).output, atol=1e-5)


def test_eight_triples_are_learned_by_heart() -> None:
    torch.manual_seed(0)
    net = CompactGenerator(SMALL)
    lines = (torch.rand(8, 1, 4, 4) > 0.5).float().repeat_interleave(8, 2).repeat_interleave(8, 3)
    seen = torch.cat([torch.rand(8, 3, 1, 1).expand(-1, -1, 32, 32), torch.ones(8, 1, 32, 32)], 1)
    wanted = torch.where(lines > 0.5, seen[:, :3], 0.0)
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    losses = []
    for _ in range(150):
        loss = (net(lines, torch.zeros(8, 4, 32, 32), seen).output[:, :3] - wanted).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.35 * losses[0]


def test_a_config_survives_the_metadata_of_a_file() -> None:
    assert CompactConfig.from_dict(SMALL.to_dict()) == SMALL
