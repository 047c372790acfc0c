"""Samples for training: right ranges, one geometry, and the same after a resumed epoch."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from s2i_training.data.build import build_set
from s2i_training.data.drawing import Drawing, Picture
from s2i_training.data.lineart import LineArtDataset
from s2i_training.data.manifest import split_of
from s2i_training.data.published import Package
from s2i_training.data.sources import Source

SIDE = 128


def _picture(number: int, inked: bool) -> Picture:
    """A colored block off the middle; its ink is a filled half, so geometry can be compared."""
    color = np.zeros((SIDE, SIDE, 4), np.uint8)
    color[20:100, 30:90] = (200, 40 + 5 * number, 60, 255)
    lines = np.full((SIDE, SIDE), 255, np.uint8)
    lines[20:100, 30:90] = 0
    return Picture(color, lines if inked else None)


def _read(_archives: object):
    for number in range(40):
        yield Drawing(
            id=f"d{number}",
            subject=f"name:{number}",
            text=str(number).encode(),
            render=partial(_picture, number, number % 2 == 0),
            variant_of=f"d{number}",
        )


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("s2i_training.data.build.fetch", lambda package, _folder: package)
        source = Source("made", (Package("npm", "made", "1", ""),), "CC0-1.0", "", _read)
        build_set([source], folder)
    return folder


def _values(item: dict[str, torch.Tensor | int], name: str) -> np.ndarray:
    return np.asarray(item[name])


def test_items_have_the_promised_shapes_and_ranges(root: Path):
    dataset = LineArtDataset(root, "train", 64, seed=1)
    assert {item.split for item in dataset.items} == {"train"}
    for index in range(len(dataset)):
        item = dataset[index]
        assert set(item) == {"lines", "color", "painted", "index"}
        assert item["index"] == index
        for name, channels in (("lines", 1), ("color", 3), ("painted", 1)):
            values = _values(item, name)
            assert values.shape == (channels, 64, 64)
            assert values.dtype == np.float32
            assert values.min() >= 0
            assert values.max() <= 1
        unpainted = _values(item, "painted")[0] == 0
        assert (_values(item, "color")[:, unpainted] > 0.99).all()


def test_samples_follow_from_seed_epoch_and_index(root: Path):
    first = LineArtDataset(root, "train", 64, seed=1)
    first.set_epoch(3)
    straight = [first[index] for index in range(6)]
    resumed = LineArtDataset(root, "train", 64, seed=1)
    resumed.set_epoch(3)
    for index in (5, 2, 0):
        for name in ("lines", "color", "painted"):
            np.testing.assert_array_equal(
                _values(resumed[index], name), _values(straight[index], name)
            )
    resumed.set_epoch(4)
    other_seed = LineArtDataset(root, "train", 64, seed=2)
    other_seed.set_epoch(3)
    for other in (resumed, other_seed):
        assert np.abs(_values(other[0], "color") - _values(straight[0], "color")).max() > 0.1


def test_lines_color_and_coverage_move_together(root: Path):
    dataset = LineArtDataset(root, "train", 128, seed=5, style="true")
    moved = set()
    for index in range(len(dataset)):
        item = dataset[index]
        lines, painted = _values(item, "lines")[0], _values(item, "painted")[0]
        np.testing.assert_allclose(1 - lines, painted, atol=0.02)
        moved.add(tuple(int(n) for n in np.argwhere(painted > 0.5).min(axis=0)))
    assert len(moved) > 5


def test_evaluation_shows_each_drawing_as_it_is(root: Path):
    dataset = LineArtDataset(root, "test", 128, seed=1, true_lines_only=True)
    item = dataset[0]
    dataset.set_epoch(9)
    np.testing.assert_array_equal(_values(item, "lines"), _values(dataset[0], "lines"))
    painted = _values(item, "painted")[0]
    assert painted[30, 40] == 1
    assert painted[10, 10] == 0
    np.testing.assert_allclose(1 - _values(item, "lines")[0], painted, atol=0.02)


def test_color_keeps_its_hue_in_most_samples(root: Path):
    dataset = LineArtDataset(root, "train", 64, seed=7)
    kept = []
    for epoch in range(6):
        dataset.set_epoch(epoch)
        for index in range(0, len(dataset), 2):
            item = dataset[index]
            inside = _values(item, "painted")[0] > 0.999
            red = np.median(_values(item, "color")[0][inside])
            kept.append(abs(red - 200 / 255) < 0.01)
    assert 0.6 < np.mean(kept) < 0.95


def test_selections_keep_what_they_name_and_empty_ones_say_so(root: Path):
    inked = LineArtDataset(root, "train", 64, true_lines_only=True)
    assert all(item.lines for item in inked.items)
    assert 0 < len(inked) < len(LineArtDataset(root, "train", 64))
    assert all(split_of(item.subject) == "train" for item in inked.items)
    with pytest.raises(ValueError, match="no drawing"):
        LineArtDataset(root, "train", 64, sources=("elsewhere",))
    with pytest.raises(FileNotFoundError, match="s2i-train data build lineart"):
        LineArtDataset(root / "nothing", "train", 64)


def test_worker_processes_read_the_same_samples(root: Path):
    dataset = LineArtDataset(root, "train", 32, seed=1)
    alone = next(iter(DataLoader(dataset, batch_size=4)))
    with_worker = next(iter(DataLoader(dataset, batch_size=4, num_workers=1)))
    for name in ("lines", "color", "painted", "index"):
        assert torch.equal(alone[name], with_worker[name])
