"""find_reference from request to layers, with a network of random weights."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from picture_folders import fill, shape_picture, write

from s2i_client.declaration import MAX_TITLE, InvalidRequest
from s2i_models import catalog
from s2i_models.find_reference import library as library_module
from s2i_models.find_reference.index import index_path
from s2i_models.find_reference.library import Hit
from s2i_models.find_reference.network import NETWORK, Embedder
from s2i_models.find_reference.pipeline import PipelineImpl, title_of
from s2i_models.pipeline import Cancelled, Layer, Progress, Request
from s2i_training.export import write_weights


def random_weights(path: Path, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    write_weights(path, Embedder().state_dict(), "find_reference", NETWORK, Embedder.config())
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_weights(tmp_path_factory.mktemp("weights") / "random.safetensors")


@pytest.fixture
def finder(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PipelineImpl:
    monkeypatch.setenv("S2I_INDEX_DIR", str(tmp_path / "index"))
    loaded = catalog.load("find_reference", weights=weights)
    assert isinstance(loaded, PipelineImpl)
    return loaded


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill(tmp_path / "pictures", 6)


def find(
    finder: PipelineImpl,
    images: dict[str, np.ndarray],
    progress: Progress | None = None,
    **more: Any,
) -> list[Layer]:
    more = {name: str(value) if isinstance(value, Path) else value for name, value in more.items()}
    parameters, outputs = finder.declaration.check(images, more)
    return finder.run(Request(images, parameters, outputs, progress=progress or Progress()))


def names(layers: list[Layer]) -> list[str]:
    return [layer.title.split(" ", 1)[1] for layer in layers]


class Told(Progress):
    def __init__(self) -> None:
        self.steps: list[tuple[float, str]] = []

    def step(self, fraction: float, name: str, preview: np.ndarray | None = None) -> None:
        self.steps.append((fraction, name))


def test_a_picture_finds_itself_first_and_comes_back_as_it_is(
    finder: PipelineImpl, folder: Path
) -> None:
    layers = find(finder, {"picture": shape_picture(4)}, folder=folder, count=3)
    assert [layer.name for layer in layers] == ["result"] * 3
    assert layers[0].title == "1.00 004.png"
    np.testing.assert_array_equal(layers[0].pixels, shape_picture(4))
    assert {layer.origin for layer in layers} == {(0, 0)}
    numbers = [float(layer.title[:4]) for layer in layers]
    assert numbers == sorted(numbers, reverse=True)


def test_as_many_are_found_as_there_are(finder: PipelineImpl, folder: Path) -> None:
    assert len(find(finder, {"picture": shape_picture(4)}, folder=folder, count=24)) == 6
    assert len(find(finder, {"picture": shape_picture(4)}, folder=folder, count=1)) == 1


def test_results_are_at_most_1024_pixels_and_may_be_transparent(
    finder: PipelineImpl, tmp_path: Path
) -> None:
    large = np.full((1000, 3000, 4), 255, np.uint8)
    large[:, :1500, 3] = 0
    write(tmp_path / "one" / "large.png", large)
    (layer,) = find(finder, {"picture": large}, folder=tmp_path / "one")
    assert layer.pixels.shape == (341, 1024, 4)
    assert layer.pixels[100, 100, 3] == 0


def test_a_sketch_finds_by_the_sketch(finder: PipelineImpl, tmp_path: Path) -> None:
    sketch = np.full((200, 200, 3), 255, np.uint8)
    cv2.circle(sketch, (100, 100), 60, (0, 0, 0), 5)
    write(tmp_path / "two" / "circle.png", sketch)
    write(tmp_path / "two" / "night.png", np.full((90, 90, 3), (10, 10, 60), np.uint8))
    ink = np.zeros((300, 300, 4), np.uint8)
    ink[40:240, 40:240, 3] = 255 - sketch[..., 0]
    assert names(find(finder, {"sketch": ink}, folder=tmp_path / "two"))[0] == "circle.png"


def test_the_weight_decides_between_sketch_and_picture(finder: PipelineImpl, folder: Path) -> None:
    images = {"sketch": shape_picture(2), "picture": shape_picture(4)}

    def titles(**more: Any) -> list[str]:
        return [
            layer.title for layer in find(finder, more.pop("given", images), folder=folder, **more)
        ]

    sketch, picture = ({name: images[name]} for name in images)
    assert titles(sketch_weight=1.0) == titles(given=sketch)
    assert (
        titles(sketch_weight=0.0)
        == titles(given=picture)
        == titles(given=picture, sketch_weight=1.0)
    )
    each = [{t[5:]: float(t[:5]) for t in titles(given=one)} for one in (sketch, picture)]
    both = {t[5:]: float(t[:5]) for t in titles(sketch_weight=0.25)}
    for name, likeness in both.items():
        assert likeness == pytest.approx(0.25 * each[0][name] + 0.75 * each[1][name], abs=0.011)


def test_without_sketch_and_picture_it_is_told_what_to_give(
    finder: PipelineImpl, folder: Path
) -> None:
    with pytest.raises(InvalidRequest, match="a sketch, a picture, or both"):
        find(finder, {}, folder=folder)


@pytest.mark.parametrize("name", ["sketch", "picture"])
def test_an_empty_layer_is_told_by_its_name(name: str, finder: PipelineImpl, folder: Path) -> None:
    with pytest.raises(InvalidRequest) as caught:
        find(finder, {name: np.zeros((30, 30, 4), np.uint8)}, folder=folder)
    assert caught.value.field == name


@pytest.mark.parametrize(("name", "weight"), [("sketch", 0.0), ("picture", 1.0)])
def test_what_has_no_weight_beside_the_other_may_be_empty(
    name: str, weight: float, finder: PipelineImpl, folder: Path
) -> None:
    images = {"sketch": shape_picture(2), "picture": shape_picture(4)}
    images[name] = np.zeros((30, 30, 4), np.uint8)
    layers = find(finder, images, folder=folder, sketch_weight=weight)
    alone = {other: images[other] for other in images if other != name}
    assert [x.title for x in layers] == [x.title for x in find(finder, alone, folder=folder)]
    with pytest.raises(InvalidRequest):
        find(finder, images, folder=folder, sketch_weight=0.5)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("", "the whole path"),
        ("pictures", "the whole path"),
        ("/nowhere/at/all", "a folder that is there"),
        (__file__, "a folder that is there"),
        (str(Path(__file__).parent), "a folder with PNG"),
    ],
)
def test_what_is_no_folder_of_pictures_is_told(given: str, told: str, finder: PipelineImpl) -> None:
    with pytest.raises(InvalidRequest, match=told) as caught:
        find(finder, {"picture": shape_picture(1)}, folder=given)
    assert (caught.value.field, caught.value.given) == ("folder", given)


def test_the_home_folder_has_its_short_name(
    finder: PipelineImpl, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setenv("USERPROFILE", str(folder.parent))
    assert len(find(finder, {"picture": shape_picture(1)}, folder="~/pictures")) == 6


def test_a_folder_of_nothing_but_broken_files_names_them(
    finder: PipelineImpl, tmp_path: Path
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").touch()
    with pytest.raises(InvalidRequest, match=r"1 picture could not be read: a\.png"):
        find(finder, {"picture": shape_picture(1)}, folder=tmp_path / "broken")


@pytest.mark.parametrize(
    "error",
    [sqlite3.OperationalError("database or disk is full"), OSError(errno.EACCES, "Permission")],
)
def test_an_index_that_can_not_be_kept_is_told(
    error: Exception, finder: PipelineImpl, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(library_module, "open_index", fail)
    with pytest.raises(InvalidRequest, match="room for its index") as caught:
        find(finder, {"picture": shape_picture(1)}, folder=folder)
    assert str(error) in caught.value.allowed


def test_steps_tell_how_far_the_first_look_is_and_what_could_not_be_read(
    finder: PipelineImpl, folder: Path
) -> None:
    (folder / "broken.png").touch()
    first, second = Told(), Told()
    find(finder, {"picture": shape_picture(1)}, first, folder=folder)
    fractions = [fraction for fraction, _ in first.steps]
    assert fractions == sorted(fractions)
    told = [name for _, name in first.steps]
    assert {"0 of 7 pictures", "7 of 7 pictures"} <= set(told)
    notice = "1 picture could not be read: broken.png"
    assert notice in told
    find(finder, {"picture": shape_picture(1)}, second, folder=folder)
    told = [name for _, name in second.steps]
    assert notice in told
    assert not any("of 7" in name for name in told)


def test_what_could_not_be_read_is_noted_with_each_result(
    finder: PipelineImpl, folder: Path
) -> None:
    parameters, outputs = finder.declaration.check({"picture"}, {"folder": str(folder)})

    def notes() -> list[str]:
        request = Request({"picture": shape_picture(1)}, parameters, outputs)
        finder.run(request)
        return request.notes

    assert notes() == []
    (folder / "broken.png").touch()
    for _search in range(2):
        assert notes() == ["1 picture could not be read: broken.png."]


def test_a_job_can_be_cancelled_at_each_step_and_the_next_one_is_whole(
    finder: PipelineImpl, tmp_path: Path
) -> None:
    class Stop(Progress):
        def __init__(self, number: int):
            self.left = number

        def step(self, fraction: float, name: str, preview: np.ndarray | None = None) -> None:
            self.left -= 1
            if not self.left:
                raise Cancelled

    told = Told()
    images = {"picture": shape_picture(1)}
    find(finder, images, told, folder=fill(tmp_path / "all", 4))
    assert len(told.steps) > 8
    for number in range(1, len(told.steps) + 1):
        folder = fill(tmp_path / str(number), 4)
        with pytest.raises(Cancelled):
            find(finder, images, Stop(number), folder=folder)
        assert len(find(finder, images, folder=folder)) == 4


def test_a_hit_whose_file_is_gone_makes_room_for_the_next(
    finder: PipelineImpl, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = {"picture": shape_picture(4)}
    whole = names(find(finder, images, folder=folder, count=6))
    before = library_module.pictures_in(folder, True)
    monkeypatch.setattr(library_module, "pictures_in", lambda *_: before)
    (folder / whole[1]).unlink()
    assert names(find(finder, images, folder=folder, count=3)) == [whole[0], *whole[2:4]]


def test_other_weights_do_not_use_each_other_s_index(
    finder: PipelineImpl, folder: Path, tmp_path: Path
) -> None:
    other = catalog.load("find_reference", weights=random_weights(tmp_path / "b.safetensors", 1))
    assert isinstance(other, PipelineImpl)
    images = {"picture": shape_picture(4)}
    for one in (finder, other, finder):
        assert find(one, images, folder=folder, count=1)[0].title == "1.00 004.png"
    with sqlite3.connect(index_path(folder)) as connection:
        assert connection.execute("SELECT count(*) FROM pictures").fetchone() == (12,)
    connection.close()


def test_titles_keep_the_end_of_long_names_and_have_only_characters_that_travel() -> None:
    assert title_of(Hit("cats/sitting.png", 0.834)) == "0.83 cats/sitting.png"
    long = title_of(Hit("a" * 80 + "/the end.png", -0.12))
    assert len(long) == MAX_TITLE
    assert long.startswith("-0.12 …aaa")
    assert long.endswith("/the end.png")
    exact = "b" * (MAX_TITLE - 5)
    assert title_of(Hit(exact, 0.5)) == "0.50 " + exact
    odd = title_of(Hit("caf\udce9\n.png", 0.5))
    assert odd == "0.50 caf??.png"
    odd.encode()
