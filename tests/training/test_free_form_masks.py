"""Free-form masks: strokes that hide a share of a picture, evenly from nothing to the most."""

import cv2
import numpy as np
import pytest

from s2i_training.free_form_masks import free_form_mask


def masks(count: int, height: int = 128, width: int = 128, most: float = 0.7) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.stack([free_form_mask(height, width, rng, most) for _ in range(count)])


def test_a_mask_is_one_where_it_hides_and_zero_elsewhere() -> None:
    made = free_form_mask(40, 70, np.random.default_rng(0))
    assert made.shape == (40, 70) and made.dtype == np.float32
    assert set(np.unique(made)) <= {0, 1}


@pytest.mark.parametrize("most", [0.3, 0.7])
def test_covered_shares_are_spread_evenly_and_stay_within_the_most(most: float) -> None:
    covered = np.sort(masks(300, most=most).mean(axis=(1, 2))) / most
    assert covered.max() <= 1
    assert covered[0] < 0.05 and covered[-1] > 0.93
    even = (np.arange(300) + 0.5) / 300
    assert np.abs(covered - even).max() < 0.1


@pytest.mark.parametrize("shape", [(128, 128), (64, 256), (256, 64), (8, 8)])
def test_any_shape_is_covered_as_wanted(shape: tuple[int, int]) -> None:
    covered = masks(150, *shape).mean(axis=(1, 2))
    assert covered.max() <= 0.7
    assert covered.mean() == pytest.approx(0.35, abs=0.06)


def test_what_is_hidden_lies_everywhere() -> None:
    often = masks(400).mean(axis=0)
    assert often.min() > 0.15 and often.max() < 0.6


def test_masks_are_strokes_and_not_dust() -> None:
    for mask in masks(30):
        if mask.mean() > 0.1:
            opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
            assert opened.sum() > 0.8 * mask.sum()


def test_the_same_seed_hides_the_same() -> None:
    assert (masks(5) == masks(5)).all()
    assert not (masks(2)[0] == masks(2)[1]).all()


def test_nothing_is_hidden_when_nothing_may_be() -> None:
    assert not masks(5, most=0.0).any()
