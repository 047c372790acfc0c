"""What PI-REC is trained on: edges and color domains of the paper's ranges, anew each epoch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from s2i_training.data.edges_and_colors import (
    SIDE,
    Confusion,
    EdgesAndColors,
    Preparation,
    open_pictures,
)

PLAIN = Confusion(hyperparameters=False, dropped=0.0, drawn=0.0, no_edges=0.0, no_colors=0.0)


class _Disks:
    """A red disk on white, with its line."""

    def __init__(self, size: int = 256, lines: bool = True):
        self.size = size
        self._lines = lines

    def __len__(self) -> int:
        return 200

    def set_epoch(self, epoch: int) -> None:
        pass

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        color = np.full((self.size, self.size, 3), 1, np.float32)
        lines = np.full((self.size, self.size), 1, np.float32)
        middle, radius = (self.size // 2,) * 2, self.size // 4
        cv2.circle(color, middle, radius, (0.9, 0.1, 0.2), -1)
        cv2.circle(lines, middle, radius // 2, 0, 5)
        item = {"color": torch.from_numpy(color).permute(2, 0, 1)}
        return {**item, "lines": torch.from_numpy(lines[None])} if self._lines else item


def _radius(edges: torch.Tensor) -> float:
    rows, columns = np.nonzero(edges[0].numpy())
    middle = (edges.shape[1] - 1) / 2
    return float(np.hypot(rows - middle, columns - middle).mean())


def test_items_have_the_shapes_and_ranges_that_are_said() -> None:
    item = EdgesAndColors(_Disks(), Confusion())[0]
    shapes = {name: tuple(value.shape) for name, value in item.items()}
    assert shapes == {
        "picture": (3, 256, 256),
        "small": (3, SIDE, SIDE),
        "edges": (1, 256, 256),
        "small_edges": (1, SIDE, SIDE),
        "domain": (3, SIDE, SIDE),
        "mask": (1, SIDE, SIDE),
    }
    for name, value in item.items():
        assert value.dtype == torch.float32 and value.min() >= 0 and value.max() <= 1, name
    for name in ("edges", "small_edges", "mask"):
        assert set(item[name].unique().tolist()) <= {0.0, 1.0}, name


def test_edges_are_where_the_picture_changes_at_both_sizes() -> None:
    item = EdgesAndColors(_Disks(), PLAIN)[0]
    assert _radius(item["edges"]) == pytest.approx(64, abs=3)
    assert _radius(item["small_edges"]) == pytest.approx(32, abs=1.5)


def test_a_drawings_own_lines_may_be_its_edges() -> None:
    item = EdgesAndColors(_Disks(), replace(PLAIN, drawn=1.0))[0]
    assert _radius(item["edges"]) == pytest.approx(32, abs=1.5)
    assert _radius(item["small_edges"]) == pytest.approx(16, abs=1.5)
    item = EdgesAndColors(_Disks(lines=False), replace(PLAIN, drawn=1.0))[0]
    assert _radius(item["small_edges"]) == pytest.approx(32, abs=1.5)


def test_the_color_domain_has_the_pictures_colors() -> None:
    domain = EdgesAndColors(_Disks(), PLAIN)[0]["domain"]
    middle = domain[:, SIDE // 2, SIDE // 2]
    assert torch.allclose(middle, torch.tensor([0.9, 0.1, 0.2]), atol=0.02)
    assert torch.allclose(domain[:, 2, 2], torch.ones(3), atol=0.02)


def test_the_share_of_edge_pixels_is_dropped() -> None:
    whole, less = (
        sum(float(EdgesAndColors(_Disks(), c)[i]["edges"].sum()) for i in range(12))
        for c in (PLAIN, replace(PLAIN, dropped=0.08))
    )
    assert less / whole == pytest.approx(0.92, abs=0.02)


def test_now_and_then_there_are_no_edges_or_no_colors() -> None:
    item = EdgesAndColors(_Disks(), replace(PLAIN, no_edges=1.0, no_colors=1.0))[0]
    assert not item["edges"].any() and not item["small_edges"].any()
    assert (item["domain"] == 1).all()


def test_items_follow_from_seed_epoch_and_index_alone() -> None:
    first, again = EdgesAndColors(_Disks(), Confusion()), EdgesAndColors(_Disks(), Confusion())
    for name, value in first[3].items():
        assert torch.equal(value, again[3][name]), name
    again.set_epoch(1)
    assert any(not torch.equal(value, again[3][name]) for name, value in first[3].items())


def test_confusion_draws_from_the_papers_ranges() -> None:
    rng = np.random.default_rng(0)
    drawn = [Preparation.confused(rng) for _ in range(2000)]
    assert {p.colors for p in drawn} == {2, 3, 4, 5}
    assert {p.blur for p in drawn} == set(range(15, 36, 2))
    assert {p.soften for p in drawn} == {1, 3, 5}
    assert {round(10 * p.sigma) for p in drawn} == set(range(25, 55))


def test_a_set_with_lines_opens_as_drawings(tiny_set: Path) -> None:
    pictures = open_pictures(tiny_set, "train", 64)
    assert pictures[0]["lines"].shape == (1, 64, 64)
