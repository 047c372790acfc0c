"""Hints as training samples them."""

import numpy as np
import pytest

from s2i_training.hints import HintSampler

Planes = tuple[np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture
def drawing() -> Planes:
    """Red and blue halves, painted in the middle, with a line between them."""
    color = np.ones((96, 96, 3), np.float32)
    color[20:76, 20:48] = (0.9, 0.1, 0.1)
    color[20:76, 48:76] = (0.1, 0.2, 0.9)
    painted = np.zeros((96, 96), np.float32)
    painted[20:76, 20:76] = 1
    lines = np.ones((96, 96), np.float32)
    lines[20:76, 47:49] = 0
    return color, painted, lines


def test_a_hint_never_leaves_the_color_it_was_taken_from(drawing: Planes) -> None:
    color, painted, lines = drawing
    sampler = HintSampler(none=0, background=0)
    for seed in range(40):
        hints = sampler(color, painted, lines, np.random.default_rng(seed))
        marked = hints[..., 3] > 0
        assert marked.any()
        assert np.abs(hints[marked][:, :3] - color[marked]).max() <= 0.1 + 1e-6
        assert not hints[~marked].any()


def test_numbers_run_from_one_hint_to_many_and_none(drawing: Planes) -> None:
    sampler = HintSampler()
    areas = [
        (sampler(*drawing, np.random.default_rng(seed))[..., 3] > 0).sum() for seed in range(200)
    ]
    assert 0.15 < np.mean(np.array(areas) == 0) < 0.4
    assert min(a for a in areas if a) < 20
    assert max(areas) > 500


def test_hints_stay_on_painted_pixels_unless_background_is_wanted(drawing: Planes) -> None:
    color, painted, lines = drawing
    for seed in range(30):
        rng = np.random.default_rng(seed)
        hints = HintSampler(none=0, strokes=0, background=0)(color, painted, lines, rng)
        assert not hints[painted == 0].any()
    everywhere = HintSampler(none=0, background=1)
    assert any(
        everywhere(*drawing, np.random.default_rng(seed))[painted == 0].any() for seed in range(20)
    )


def test_a_drawing_that_is_all_ink_has_no_hints(drawing: Planes) -> None:
    color, painted, _ = drawing
    hints = HintSampler(none=0)(color, painted, np.zeros((96, 96)), np.random.default_rng(0))
    assert not hints.any()


def test_the_same_seed_gives_the_same_hints(drawing: Planes) -> None:
    sampler = HintSampler(none=0)
    first, second = (sampler(*drawing, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first, second)
