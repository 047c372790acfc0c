"""Whether attention that looks at the right place is told from attention that does not."""

import math

import numpy as np
import pytest
import torch
from positional import Positional

from s2i_models.reference_colorization.compact import HIDDEN
from s2i_training.correspondence import (
    attention_accuracy,
    attention_of,
    count_near,
    inside_drawing,
)
from s2i_training.warp import random_thin_plate

SIDE = 8  # tokens
NUMBERS = torch.arange(SIDE * SIDE)
OWN_PLACE = torch.stack([NUMBERS % SIDE, NUMBERS // SIDE], dim=1).float().view(1, SIDE, SIDE, 2)
EVERY = torch.ones(1, SIDE * SIDE, dtype=torch.bool)


def looking_at(targets: torch.Tensor) -> torch.Tensor:
    """Logits (1, n, n) whose largest is at `targets` (n,)."""
    return torch.nn.functional.one_hot(targets, SIDE * SIDE)[None].float()


def test_tokens_are_right_within_two_tokens_of_the_counterpart_and_no_further():
    for shift, share in ((0, 1.0), (2, 1.0), (3, 0.0)):
        counted = EVERY.view(1, SIDE, SIDE).clone()
        counted[..., SIDE - 3 :] = False  # shifted beyond the edge they would begin a new row
        counted = counted.flatten(1)
        sums = count_near(looking_at((NUMBERS + shift) % 64), OWN_PLACE, counted)
        assert (sums[0] / sums[3]).item() == share
        assert sums[3] == SIDE * (SIDE - 3)


def test_distance_is_along_both_axes_and_of_fractions():
    place = torch.full((1, SIDE, SIDE, 2), math.nan)
    place[0, 0, 0] = torch.tensor([3.0, 4.5])  # x, y
    counted = torch.zeros(1, SIDE * SIDE, dtype=torch.bool)
    counted[0, 0] = True
    for x, y, right in (
        (3, 3, 1),
        (3, 6, 1),
        (3, 2, 0),
        (5, 4, 0),
        (4, 6, 1),
        (4, 3, 1),
        (5, 6, 0),
    ):
        at = torch.zeros(SIDE * SIDE, dtype=torch.long)
        at[0] = y * SIDE + x
        assert count_near(looking_at(at), place, counted)[0] == right, (x, y)


def test_chance_is_the_share_of_visible_tokens_nearby():
    counted = torch.zeros(1, SIDE * SIDE, dtype=torch.bool)
    counted[0, 0] = True  # the corner: itself, 2 right, 2 down, 1 diagonal are within 2
    logits = looking_at(NUMBERS)
    assert count_near(logits, OWN_PLACE, counted)[1].item() == pytest.approx(6 / 64)
    logits[..., 32:] = HIDDEN
    logits[..., 1] = HIDDEN
    assert count_near(logits, OWN_PLACE, counted)[1].item() == pytest.approx(5 / 31)
    assert count_near(logits, OWN_PLACE, counted)[2] == 1  # its own place is right here


def test_only_painted_tokens_with_a_counterpart_are_counted():
    painted = torch.zeros(1, 1, 64, 64)
    painted[..., :32] = 1
    painted[..., 32:36] = 1  # half of a column of cells
    place = OWN_PLACE.clone()
    place[0, 3] = math.nan
    inside = inside_drawing(painted, place).view(SIDE, SIDE)
    assert inside[0].tolist() == [True] * 5 + [False] * 3
    assert not inside[3].any()


def test_grids_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="8×8"):
        count_near(torch.zeros(1, 60, 64), OWN_PLACE, EVERY)


class Bent:
    """Pictures of noise and themselves bent, as triples."""

    def __init__(self, count: int, size: int = 64):
        self.count, self.size = count, size

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        rng = np.random.default_rng(index)
        warp = random_thin_plate(self.size, rng, reach=0.2)
        color = rng.random((self.size, self.size, 3)).astype(np.float32)
        reference = np.dstack([warp.apply(color), warp.valid.astype(np.float32)])
        return {
            "lines": torch.from_numpy(color[..., :1].transpose(2, 0, 1).copy()),
            "hints": torch.zeros(4, self.size, self.size),
            "reference": torch.from_numpy(reference.transpose(2, 0, 1).copy()),
            "painted": torch.ones(1, self.size, self.size),
            "place": torch.from_numpy((warp.correspondence(8) + 0.5) / 8 - 0.5),
        }


def test_an_attention_that_knows_the_warp_is_right_and_a_blind_one_is_chance():
    def knowing(batch):
        at = batch["place"].nan_to_num().round().clamp(0, SIDE - 1).long()
        return torch.nn.functional.one_hot(at[..., 1] * SIDE + at[..., 0], 64).flatten(1, 2).float()

    def blind(batch):
        return torch.rand(len(batch["place"]), 64, 64, generator=generator)

    generator = torch.Generator().manual_seed(1)
    perfect = attention_accuracy(knowing, Bent(20), batch_size=8)
    assert perfect.near == 1
    assert 0 < perfect.chance < 0.3
    guessed = attention_accuracy(blind, Bent(20), batch_size=8)
    assert guessed.tokens == perfect.tokens
    assert guessed.near == pytest.approx(guessed.chance, abs=0.04)
    assert attention_accuracy(knowing, Bent(20), indices=[]).tokens == 0


def test_scrambled_tokens_lose_what_the_network_knows():
    """On unbent pictures position is all there is to know."""

    class Straight(Bent):
        def __getitem__(self, index):
            item = dict(super().__getitem__(index))
            item["place"] = OWN_PLACE[0]
            item["reference"] = torch.ones(4, self.size, self.size)
            return item

    network = Positional().train()
    right = attention_accuracy(network, Straight(4))
    assert right.near == right.in_place == 1
    shuffled = attention_accuracy(attention_of(network, "shuffled"), Straight(4))
    assert shuffled.near < 0.35
    reshaped = attention_accuracy(attention_of(network, "reshape"), Straight(4))
    assert reshaped.near < 0.35
    assert attention_accuracy(network, Straight(4)).near == 1  # nothing stays scrambled
    assert network.training
