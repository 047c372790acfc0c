"""The losses of retrieval: what counts as right, as wrong, and as neither."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from s2i_training.contrast import SketchContrast, contrast


def _points(count: int, width: int = 16, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(count, width, generator=generator), dim=1)


def test_the_loss_is_the_cross_entropy_of_finding_the_own_candidate() -> None:
    anchors, candidates = _points(3), _points(3, seed=1)
    loss = contrast(anchors, candidates, torch.arange(3), 5.0)
    chances = (5 * anchors @ candidates.T).softmax(dim=1).diagonal()
    assert float(loss) == pytest.approx(float(-chances.log().mean()), rel=1e-5)


def test_the_same_subject_is_never_a_mistake() -> None:
    anchors = _points(4)
    subjects = torch.tensor([7, 7, 8, 9])
    candidates = anchors.clone()
    confused = anchors.clone()
    confused[1] = anchors[0]  # another drawing of subject 7 in the very place of the first
    apart = contrast(anchors[:1], candidates[:1], subjects[:1], 10.0)
    together = contrast(anchors, confused, subjects, 10.0)
    own = (10 * (anchors @ confused.T))[0]
    expected = -float(own[0] - torch.logsumexp(own[[0, 2, 3]], dim=0))
    assert float(apart) == 0
    first = contrast(anchors, confused, subjects, 10.0) * 4 - sum(
        _row_loss(anchors, confused, subjects, row) for row in (1, 2, 3)
    )
    assert float(first) == pytest.approx(expected, abs=1e-4)
    # Were it told apart, the first anchor alone could do no better than a coin.
    assert float(together) < math.log(2)


def _row_loss(anchors, candidates, subjects, row: int) -> float:
    scores = 10 * anchors[row] @ candidates.T
    kept = [i for i in range(len(subjects)) if i == row or subjects[i] != subjects[row]]
    return -float(scores[row] - torch.logsumexp(scores[kept], dim=0))


def test_no_gradient_pushes_the_same_subject_apart() -> None:
    anchors = _points(2)
    candidates = _points(2, seed=1).requires_grad_()
    contrast(anchors, candidates, torch.tensor([5, 5]), 10.0).backward()
    assert candidates.grad is not None
    assert torch.equal(candidates.grad, torch.zeros_like(candidates))
    candidates.grad = None
    contrast(anchors, candidates, torch.tensor([5, 6]), 10.0).backward()
    gradient = candidates.grad
    assert gradient is not None
    assert float(gradient.abs().min()) > 0


def test_every_view_and_the_temperature_learn() -> None:
    loss_of = SketchContrast()
    views = [_points(4, seed=seed).requires_grad_() for seed in range(3)]
    losses = loss_of(*views, torch.tensor([0, 1, 1, 2]))
    assert set(losses) == {"drawing", "hands"}
    sum(losses.values()).backward()  # type: ignore[union-attr]
    for view in views:
        assert view.grad is not None
        assert bool((view.grad.abs().sum(dim=1) > 0).all())
    assert loss_of.log_scale.grad is not None
    assert loss_of.log_scale.grad != 0


def test_views_that_agree_cost_less() -> None:
    points = _points(6)
    subjects = torch.arange(6)
    right = SketchContrast()(points, points, points, subjects)
    wrong = SketchContrast()(points, points.roll(1, 0), points.roll(2, 0), subjects)
    assert all(right[name] < wrong[name] for name in right)
