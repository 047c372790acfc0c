"""Training triples: the reference shows the target's colors, where `place` says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from s2i_training.data.augmented_self import AugmentedSelfDataset, change_colors, shift_intensity
from s2i_training.data.lineart import LineArtDataset

CELL = 8


def triples(tiny_set: Path, **options) -> AugmentedSelfDataset:
    return AugmentedSelfDataset(LineArtDataset(tiny_set, "train", 64), CELL, **options)


@pytest.mark.parametrize("index", range(6))
def test_the_reference_has_the_targets_color_at_the_counterpart(tiny_set: Path, index: int) -> None:
    item = triples(tiny_set)[index]
    color, reference, place = item["color"], item["reference"], item["place"]
    inside = torch.nn.functional.avg_pool2d(item["painted"], CELL)[0] == 1
    compared = 0
    for row, column in inside.nonzero().tolist():
        x, y = ((place[row, column] + 0.5) * CELL - 0.5).round().tolist()
        if np.isnan(x) or reference[3, int(y), int(x)] < 1:
            continue
        expected = color[:, row * CELL + 3, column * CELL + 3]
        assert torch.allclose(reference[:3, int(y), int(x)], expected, atol=0.05)
        compared += 1
    assert compared > 0


def test_paper_stays_white_when_colors_change(tiny_set: Path) -> None:
    for index in range(8):
        item = triples(tiny_set)[index]
        paper = (item["painted"][0] == 0).expand(3, -1, -1)
        assert item["color"][paper].min() > 0.99


def test_without_change_the_target_is_the_drawing(tiny_set: Path) -> None:
    drawings = LineArtDataset(tiny_set, "train", 64)
    item = triples(tiny_set, change=False)[3]
    assert np.array_equal(item["color"], drawings[3]["color"])


def test_without_harder_colors_change_by_the_papers_shift_alone(tiny_set: Path) -> None:
    drawings = LineArtDataset(tiny_set, "train", 64)

    def change(index: int, harder: bool) -> float:
        before, after = drawings[index]["color"], triples(tiny_set, harder=harder)[index]["color"]
        return float((after - before).abs().max())

    most = 50 / 255 + 1e-4
    assert all(0 < change(index, harder=False) <= most for index in range(12))
    assert any(change(index, harder=True) > most for index in range(12))


def test_everything_random_follows_from_seed_epoch_and_index(tiny_set: Path) -> None:
    first = triples(tiny_set, hinted=1.0)
    again = triples(tiny_set, hinted=1.0)[2]
    assert all(torch.equal(v.nan_to_num(), again[k].nan_to_num()) for k, v in first[2].items())
    first.set_epoch(1)
    assert not torch.equal(first[2]["reference"], again["reference"])


def test_hints_come_as_often_as_asked_for(tiny_set: Path) -> None:
    assert all(not triples(tiny_set, hinted=0.0)[i]["hints"].any() for i in range(5))
    assert all(triples(tiny_set, hinted=1.0)[i]["hints"].any() for i in range(5))


def test_the_shift_is_one_number_for_each_channel() -> None:
    gray = np.full((4, 4, 3), 0.5, np.float32)
    shifts = shift_intensity(gray, np.random.default_rng(0)) - gray
    assert np.ptp(shifts.reshape(-1, 3), axis=0).max() == 0
    assert np.ptp(shifts[0, 0]) > 0
    assert np.abs(shifts).max() <= 50 / 255 + 1e-6


def test_changed_colors_stay_in_range() -> None:
    color = np.random.default_rng(1).random((16, 16, 3), np.float32)
    for seed in range(20):
        changed = change_colors(color, np.random.default_rng(seed))
        assert changed.dtype == np.float32
        assert changed.min() >= 0 and changed.max() <= 1
