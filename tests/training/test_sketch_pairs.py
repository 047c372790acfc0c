"""What retrieval is trained on: views of one drawing, of one subject, the same when resumed."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_set import circle

from s2i_training.data.build import build_set
from s2i_training.data.drawing import Drawing
from s2i_training.data.published import Package
from s2i_training.data.sketch_pairs import SketchPairs
from s2i_training.data.sources import Source
from s2i_training.held_out_hand import on_canvas, redrawn
from s2i_training.lines import over_paper
from s2i_training.rough_hand import HELD_OUT_STYLES, TRAINED_PRESETS, leave_out, overshoot

SIZE = 48


@pytest.fixture(scope="module")
def two_hands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty subjects, two thirds of them drawn by a second hand too."""

    def read(count: int, _archives: object):
        for number in range(count):
            name = f"d{number}"
            yield Drawing(name, f"name:{number}", name.encode(), partial(circle, number), name)

    folder = tmp_path_factory.mktemp("hands")
    sources = [
        Source(name, (Package("npm", name, "1", ""),), "CC0-1.0", "", partial(read, count))
        for name, count in (("first", 30), ("second", 20))
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("s2i_training.data.build.fetch", lambda package, _folder: package)
        build_set(sources, folder)
    return folder


def test_items_have_three_views_and_their_subject(two_hands: Path) -> None:
    pairs = SketchPairs([two_hands], "train", SIZE)
    for index in range(4):
        item = pairs[index]
        assert set(item) == {"sketch", "picture", "other", "subject"}
        for name in ("sketch", "picture", "other"):
            assert item[name].shape == (3, SIZE, SIZE)
            assert item[name].dtype == torch.float32
            assert 0 <= float(item[name].min()) <= float(item[name].max()) <= 1
        gray = item["sketch"]
        assert torch.equal(gray[0], gray[1])
        assert float(gray.min()) < 0.7  # there is ink


def test_items_follow_from_seed_epoch_and_index(two_hands: Path) -> None:
    first, again = (
        SketchPairs([two_hands], "train", SIZE, 3),
        SketchPairs([two_hands], "train", 48, 3),
    )
    first.set_epoch(2)
    again.set_epoch(2)
    assert all(torch.equal(first[1][name], again[1][name]) for name in first[1])
    again.set_epoch(3)
    assert not torch.equal(first[1]["sketch"], again[1]["sketch"])


def test_another_is_by_another_hand_where_there_is_one(two_hands: Path) -> None:
    pairs = SketchPairs([two_hands], "train", SIZE)
    rng = np.random.default_rng(0)
    alone = 0
    for index, item in enumerate(pairs.items):
        other = pairs.items[pairs.another(index, rng)]
        assert other.subject == item.subject
        alone += other.source == item.source
    subjects = {item.subject for item in pairs.items if item.source == "second"}
    assert alone == sum(i.subject not in subjects for i in pairs.items)


def test_only_the_split_is_seen(two_hands: Path) -> None:
    pairs = SketchPairs([two_hands], "train", SIZE)
    assert {item.split for item in pairs.items} == {"train"}
    with pytest.raises(ValueError, match="no drawing"):
        SketchPairs([], "train", SIZE)


def test_styles_to_measure_with_are_not_trained() -> None:
    assert not set(HELD_OUT_STYLES) & {*TRAINED_PRESETS, "true", "outline"}


def test_faults_add_and_take_ink() -> None:
    lines = np.ones((96, 96), np.float32)
    lines[20:76, 30:32] = 0
    rng = np.random.default_rng(1)
    assert overshoot(lines, rng).sum() < lines.sum()
    taken = min(
        (leave_out(lines, np.random.default_rng(seed)) for seed in range(8)),
        key=lambda left: -left.sum(),
    )
    assert taken.sum() > lines.sum()
    assert (taken >= lines).all()


def test_the_held_out_hand_draws_borders_somewhere_on_a_canvas() -> None:
    picture = circle(5)
    drawing = over_paper(picture.color.astype(np.float32) / 255)
    large = np.kron(drawing, np.ones((4, 4, 1), np.float32))
    lines = redrawn(large, np.random.default_rng(0))
    rows, columns = np.nonzero(lines < 0.6)
    away = np.hypot(rows - 128, columns - 128)
    assert 55 < np.median(away) < 80  # the circle's radius is 68
    assert away.max() < 100  # and the rim of the sheet is not drawn
    places = set()
    for seed in range(4):
        canvas = on_canvas(lines, np.random.default_rng(seed))
        assert canvas.shape == (384, 384)
        rim = np.concatenate([canvas[0], canvas[-1], canvas[:, 0], canvas[:, -1]])
        assert rim.min() > 0.5
        places.add(tuple(np.argwhere(canvas < 0.5).mean(axis=0).round().astype(int)))
    assert len(places) == 4
