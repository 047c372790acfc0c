"""Votes for the colors of a palette, and what becomes of them."""

from __future__ import annotations

import numpy as np
import torch

from s2i_models.coloring.snap import region_means, voted_color
from s2i_models.coloring.view import View
from s2i_models.reference_colorization.reference import GridReference
from s2i_models.reference_colorization.voting import colors_of_tokens, votes_on_grid

RED, GREEN = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)
PALETTE = np.array([RED, GREEN], np.float32)
VIEW = View(0, 0, 16, 16, 16, 16, 16, 16)


def halves() -> GridReference:
    """Two cells by two: red above, green below; the last cell may not be used."""
    taken = np.zeros((16, 16, 3), np.float32)
    taken[:8], taken[8:] = RED, GREEN
    used = np.ones((16, 16), np.float32)
    used[8:, 8:] = 0
    return GridReference(taken, taken, used)


def test_a_token_stands_for_the_colors_of_its_cell() -> None:
    found = colors_of_tokens([halves(), halves()], PALETTE, 8)
    assert found[:4].tolist() == [[1, 0], [1, 0], [0, 1], [0, 0]]
    assert np.array_equal(found[:4], found[4:])


def test_a_part_votes_for_what_it_looks_at() -> None:
    logits = torch.full((1, 4, 4), -20.0)
    for token, seen in enumerate((2, 0, 0, 0)):
        logits[0, token, seen] = 20.0
    votes = votes_on_grid(logits, colors_of_tokens([halves()], PALETTE, 8), VIEW, 8)
    assert votes.shape == (16, 16, 2)
    assert votes[1, 1].argmax() == 1  # the first token looks at green
    assert votes[14, 14].argmax() == 0


def test_votes_win_over_a_mean_that_no_part_has() -> None:
    between = np.array([[0.45, 0.55, 0.0]], np.float32)  # nearer to green
    votes = np.array([[0.7, 0.3]], np.float32)
    assert voted_color(between, PALETTE, np.zeros((1, 2), np.float32)).tolist() == [1]
    assert voted_color(between, PALETTE, votes).tolist() == [0]


def test_a_region_has_the_mean_of_its_free_pixels() -> None:
    labels = np.array([[0, 0], [1, 2]])
    planes = np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.5], [9.0, 9.0]]], np.float32)
    free = np.array([[True, True], [True, False]])
    assert region_means(labels, planes, free, 4).tolist() == [
        [0.5, 0.5],
        [0.5, 0.5],
        [0, 0],
        [0, 0],
    ]
