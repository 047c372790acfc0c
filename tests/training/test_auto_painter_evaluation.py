"""How Auto-painter is measured: the hints it gets, and what is compared."""

import numpy as np
import pytest

from s2i_training.evaluations import auto_painter as evaluation


@pytest.fixture
def drawing() -> evaluation.Drawing:
    """A red square with a line around it, on 64 × 64."""
    sketch = np.full((64, 64), 255, np.uint8)
    color = np.full((64, 64, 3), 255, np.uint8)
    sketch[14:50, 14:50] = 0
    sketch[16:48, 16:48] = 255
    color[14:50, 14:50] = (200, 30, 40)
    painted = np.zeros((64, 64), bool)
    painted[14:50, 14:50] = True
    measured = np.zeros((64, 64), bool)
    measured[18:46, 18:46] = True
    return evaluation.Drawing(sketch, color, painted, measured, own_lines=True)


def test_dabs_carry_the_original_color_and_lie_on_measured_pixels(drawing) -> None:
    hints = evaluation.dabs(drawing, 5, seed=1)
    marked = hints[..., 3] > 0
    assert (hints[marked] == (200, 30, 40, 255)).all()
    assert (marked & drawing.measured).any()
    assert np.array_equal(hints, evaluation.dabs(drawing, 5, seed=1))
    assert not np.array_equal(hints, evaluation.dabs(drawing, 5, seed=2))
    assert not evaluation.dabs(drawing, 0, seed=1).any()


def test_more_hints_cover_more(drawing) -> None:
    covered = [(evaluation.dabs(drawing, n, seed=3)[..., 3] > 0).sum() for n in (1, 4, 16)]
    assert covered[0] < covered[1] < covered[2]


def test_baselines_are_compared_within_the_silhouette_and_with_lines(drawing) -> None:
    flooded = np.full((64, 64, 3), 100, np.uint8)
    finished = evaluation.finish(flooded, drawing, evaluation.WATERSHED)
    assert (finished[0, 0] == 255).all()
    assert (finished[32, 32] == 100).all()
    assert (finished[15, 15] == 0).all()
    assert evaluation.finish(flooded, drawing, evaluation.OURS["color"]) is flooded


def test_layers_are_laid_on_white_paper() -> None:
    layer = np.zeros((1, 3, 4), np.uint8)
    layer[0, 1] = (10, 20, 30, 255)
    layer[0, 2] = (0, 0, 0, 128)
    assert evaluation.on_white(layer)[0].tolist() == [[255] * 3, [10, 20, 30], [127] * 3]
