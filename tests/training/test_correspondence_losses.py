"""What teaches attention where to look, on logits set by hand."""

from __future__ import annotations

import math

import pytest
import torch

from s2i_training.correspondence_losses import (
    MARGIN,
    contrastive,
    counterparts,
    elsewhere,
    in_neighbor,
    triplet,
)

HIDDEN = -1e4
SIDE = 4  # tokens
COUNT = SIDE * SIDE


def same_place() -> torch.Tensor:
    """Every token's counterpart is at its own place, (1, SIDE, SIDE, 2)."""
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    return torch.stack([x, y], dim=-1)[None].float()


def no_bias() -> torch.Tensor:
    return torch.zeros(1, COUNT)


def all_tokens() -> torch.Tensor:
    return torch.ones(1, COUNT, dtype=torch.bool)


def logits_right(by: float) -> torch.Tensor:
    """Attention that prefers the right token by `by` over every other."""
    return by * torch.eye(COUNT)[None]


def test_between_tokens_counts_by_distance():
    place = torch.full((1, 1, 1, 2), float("nan"))
    place[0, 0, 0] = torch.tensor([1.25, 2.5])
    found = counterparts(place, SIDE, SIDE, no_bias())
    logits = torch.arange(COUNT).float()[None, None]
    assert found.of(logits).item() == pytest.approx(1.25 + SIDE * 2.5)


def test_hidden_tokens_have_no_share():
    bias = no_bias()
    bias[0, 0] = HIDDEN
    place = torch.tensor([0.5, 0.0]).view(1, 1, 1, 2)
    found = counterparts(place, SIDE, SIDE, bias)
    logits = torch.zeros(1, 1, COUNT)
    logits[..., 0], logits[..., 1] = HIDDEN, 7.0
    assert found.known.all()
    assert found.of(logits).item() == pytest.approx(7.0)
    bias[0, 1] = HIDDEN
    assert not counterparts(place, SIDE, SIDE, bias).known.any()


def test_the_triplet_is_zero_from_the_margin_on():
    place = same_place()
    found = counterparts(place, SIDE, SIDE, no_bias())
    for by, loss in ((0.0, MARGIN), (5.0, MARGIN - 5), (MARGIN, 0.0), (20.0, 0.0)):
        logits = logits_right(by)
        against = elsewhere(logits, place, SIDE, no_bias())
        assert triplet(logits, found, against, all_tokens()).item() == pytest.approx(loss)


def test_a_negative_is_never_near_nor_hidden():
    place = same_place()
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    at = torch.stack([x, y], dim=-1).view(COUNT, 2)
    far = ((at[:, None] - at[None]).abs().amax(dim=2) >= 2)[None]
    bias = no_bias()
    bias[0, 5] = HIDDEN
    allowed = far & (bias[:, None] == 0)
    for seed in range(20):
        torch.manual_seed(seed)
        assert elsewhere(allowed.float(), place, SIDE, bias).min() == 1


def test_the_negative_of_the_batch_is_the_next_item():
    query = torch.zeros(2, COUNT, 4)
    query[..., 0] = 1
    key = torch.zeros(2, COUNT, 4)
    key[0, :, 0], key[1, :, 0] = 3.0, 8.0
    place = same_place().repeat(2, 1, 1, 1)
    found = counterparts(place, SIDE, SIDE, no_bias().repeat(2, 1))
    against = in_neighbor(query, key, found)
    assert torch.allclose(against[0], torch.tensor(8.0 / 2))  # √d = 2
    assert torch.allclose(against[1], torch.tensor(3.0 / 2))


def test_the_contrastive_form_is_the_entropy_of_chance_and_falls_to_zero():
    found = counterparts(same_place(), SIDE, SIDE, no_bias())
    even = contrastive(logits_right(0.0), found, all_tokens())
    assert even.item() == pytest.approx(math.log(COUNT), rel=1e-5)
    assert contrastive(logits_right(30.0), found, all_tokens()).item() < 1e-6


def test_tokens_without_a_counterpart_and_paper_count_nowhere():
    place = same_place()
    place[0, 0, 0] = float("nan")
    found = counterparts(place, SIDE, SIDE, no_bias())
    logits = logits_right(30.0)
    logits[0, 0, 9] = 100.0  # would be very wrong
    logits[0, 1, 9] = 100.0
    counted = all_tokens()
    counted[0, 1] = False
    assert contrastive(logits, found, counted).item() < 1e-6


def test_losses_of_nothing_are_zero_not_undefined():
    place = torch.full((1, SIDE, SIDE, 2), float("nan"))
    found = counterparts(place, SIDE, SIDE, no_bias())
    logits = logits_right(1.0).requires_grad_()
    loss = triplet(logits, found, logits[..., 0], all_tokens())
    loss = loss + contrastive(logits, found, all_tokens())
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None and torch.isfinite(logits.grad).all()
