"""How retrieval is measured: what is asked, what counts as found, and what is not searched."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from s2i_models.find_reference.network import NETWORK, PIPELINE, Embedder
from s2i_training.data.build import build_set
from s2i_training.data.drawing import Drawing, Picture
from s2i_training.data.manifest import read_manifest, split_of
from s2i_training.data.published import Package
from s2i_training.data.sources import Source
from s2i_training.evaluations import sketch_retrieval as evaluation
from s2i_training.export import write_weights
from s2i_training.retrieval_baselines import HOG_SIZE, hog_features


def _star(number: int) -> Picture:
    """A figure of its own for each number."""
    color = np.zeros((96, 96, 4), np.uint8)
    rng = np.random.default_rng(number)
    corners = (48 + 40 * rng.uniform(-1, 1, (7, 2))).astype(np.int32)
    cv2.fillPoly(color, [corners], (200, 5 * number % 255, 60, 255))
    return Picture(color)


def _build(folder: Path, sources: dict[str, int]) -> Path:
    def read(count: int, _archives: object):
        for number in range(count):
            name = f"d{number}"
            yield Drawing(name, f"name:{number}", name.encode(), partial(_star, number), name)

    made = [
        Source(name, (Package("npm", name, "1", ""),), "CC0-1.0", "", partial(read, count))
        for name, count in sources.items()
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("s2i_training.data.build.fetch", lambda package, _folder: package)
        build_set(made, folder)
    return folder


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("sets")
    return {
        "data": _build(base / "data", {"emojione": 40, "noto": 40, "noto-v1": 40}),
        "renders": _build(base / "renders", {"fluent-3d": 30}),
        "queries": _build(base / "queries", {"emojione-monotone": 60}),
    }


@pytest.fixture
def gallery(sets: dict[str, Path]) -> list[evaluation.Picture]:
    return evaluation.held_out_gallery((sets["data"], sets["renders"]), least=60)


def test_the_gallery_is_held_out_and_filled_with_other_subjects(sets, gallery) -> None:
    held_out = [p for p in gallery if p.item.split == "test"]
    in_sets = [
        item
        for name in ("data", "renders")
        for item in read_manifest(sets[name])
        if item.split == "test"
    ]
    assert len(held_out) == len(in_sets) > 0
    assert len(gallery) == 60
    assert {p.item.split for p in gallery} == {"test", "train"}


def test_one_picture_is_right_for_a_drawing_in_each_held_out_style(gallery) -> None:
    rows = evaluation.drawing_queries(gallery, 3)
    assert len(rows) == len(evaluation.STYLES) == 3
    for queries in rows.values():
        assert len(queries) == 3
        for query in queries:
            (place,) = query.hits
            assert gallery[place].item.split == "test"
            lines = query.draw()
            assert lines.ndim == 2
            assert lines.min() < 0.9
            assert np.array_equal(lines, query.draw())


def test_drawings_of_a_set_find_their_own_picture_or_other_hands(sets, gallery) -> None:
    drawings = list(evaluation._pictures(sets["queries"], "test"))
    rows = evaluation.set_queries(drawings, gallery, 100)
    same = rows["same drawing, emojione-monotone to emojione"]
    others = rows["other hand, emojione-monotone"]
    known = [n for n in range(40) if split_of(f"name:{n}") == "test"]
    assert len(same) == len(others) == len(known) < len(drawings)  # unknown subjects are not asked
    for query in same:
        (place,) = query.hits
        assert gallery[place].item.source == "emojione"
    for query in others:
        sources = {gallery[place].item.source for place in query.hits}
        assert sources <= {"noto", "noto-v1", "fluent-3d"}
        assert {gallery[place].item.source for place in query.left_out} == {"emojione"}


def test_pictures_are_not_searched_among_those_by_the_same_hand(gallery) -> None:
    (queries,) = evaluation.picture_queries(gallery, 100).values()
    for query in queries:
        assert not query.hits & query.left_out
        families = {gallery[place].family for place in query.left_out}
        assert len(families) == 1
        assert families != {gallery[place].family for place in query.hits}


def test_ranks_count_wrong_pictures_before_the_first_right_one() -> None:
    def query(hits: set[int], left_out: set[int] | None = None) -> evaluation.Query:
        return evaluation.Query(lambda: np.zeros(0), frozenset(hits), frozenset(left_out or ()))

    scores = np.array([[0.9, 0.5, 0.7, 0.1]])
    assert evaluation.ranks(scores, [query({0})]) == [0]
    assert evaluation.ranks(scores, [query({1})]) == [2]
    assert evaluation.ranks(scores, [query({1, 2})]) == [1]
    assert evaluation.ranks(scores, [query({1}, {0})]) == [1]
    # A network that gives everything the same place has found nothing.
    assert evaluation.ranks(np.ones((1, 4)), [query({1})]) == [3]


def test_hog_knows_directions_and_not_brightness() -> None:
    squares = np.ones((3, HOG_SIZE, HOG_SIZE, 3), np.float32)
    squares[0, :, 40:60] = 0
    squares[1, :, 40:60] = 0.5
    squares[2, 40:60] = 0
    features = hog_features(squares)
    assert np.allclose(np.linalg.norm(features, axis=1), 1, atol=1e-4)
    assert features[0] @ features[1] > 0.95
    assert features[0] @ features[2] < 0.5


def test_a_report_has_all_rows_and_a_sheet(
    sets: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Embedder, "size", 32)
    monkeypatch.setattr(evaluation, "ensure_renders", lambda _data: sets["renders"])
    monkeypatch.setattr(evaluation, "ensure_queries", lambda _data: sets["queries"])
    monkeypatch.setattr(evaluation, "LEAST_GALLERY", 60)
    torch.manual_seed(0)
    weights = tmp_path / "weights.safetensors"
    write_weights(weights, Embedder().state_dict(), PIPELINE, NETWORK, Embedder.config())
    report = evaluation.evaluate(sets["data"], weights, 4, tmp_path, quick=True)
    rows = [line.split("|")[1].strip() for line in report.splitlines() if line.startswith("| ")]
    assert rows == [
        "asked with",
        "**same drawing, all held-out styles**",
        "same drawing, dark masses",
        "same drawing, pencil",
        "same drawing, redrawn",
        "same drawing, emojione-monotone to emojione",
        "other hand, emojione-monotone",
        "other hand, picture to picture",
    ]
    assert report.startswith("Gallery: 60 pictures")
    assert "Embedding a picture takes" in report
    with Image.open(tmp_path / "sheet.png") as sheet:
        size = sheet.size
    assert min(size) > 100
    evaluation.evaluate(sets["data"], weights, 4, tmp_path, quick=True)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == size  # nothing of the first time is left in it
