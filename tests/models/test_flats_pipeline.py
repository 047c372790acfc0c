"""The pipeline: layers, depths, origins, stable colors, and cancelling."""

import cv2
import numpy as np
import pytest

from s2i_client.declaration import InvalidRequest
from s2i_models import catalog
from s2i_models.pipeline import Cancelled, Progress, Request


def drawing(size: int = 300, extra: str = "") -> np.ndarray:
    """RGB, black on white: a circle and a box; `extra` names the one that a stroke halves."""
    picture = np.full((size, size, 3), 255, np.uint8)
    cv2.circle(picture, (90, 90), 60, (0, 0, 0), 4, cv2.LINE_AA)
    cv2.rectangle(picture, (170, 170), (280, 280), (0, 0, 0), 4, cv2.LINE_AA)
    left, right, y = {"": (0, 0, 0), "circle": (30, 150, 95), "box": (170, 280, 225)}[extra]
    if extra:
        cv2.line(picture, (left, y), (right, y), (0, 0, 0), 4, cv2.LINE_AA)
    return picture


def in_depth(picture: np.ndarray, dtype: type) -> np.ndarray:
    if np.dtype(dtype).kind == "u":
        return (picture.astype(np.uint32) * (np.iinfo(dtype).max // 255)).astype(dtype)
    return (picture / 255).astype(dtype)


@pytest.fixture
def flats():
    return catalog.load("flats")


def run(pipeline, sketch, memory=None, origins=None, hints=None, outputs=("flats",), **settings):
    images = {"sketch": sketch} | ({} if hints is None else {"hints": hints})
    parameters, names = pipeline.declaration.check(images, settings, list(outputs))
    request = Request(images, parameters, names, origins=origins or {}, memory=memory or {})
    if memory is not None:
        request.memory = memory
    return {layer.name: layer for layer in pipeline.run(request)}


def test_default_layers_are_flats_and_lines_in_the_declared_order(flats):
    assert list(flats(sketch=drawing())) == ["flats", "lines"]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32])
def test_layers_come_in_the_depth_of_the_sketch_with_the_exact_hint(flats, dtype):
    hints = np.zeros((300, 300, 4), np.uint8)
    hints[80:90, 80:90] = (200, 30, 60, 255)
    hints = in_depth(hints, dtype)
    result = flats(sketch=in_depth(drawing(), dtype), hints=hints)
    assert {layer.dtype for layer in result.values()} == {np.dtype(dtype)}
    assert (result["flats"][120, 100] == hints[85, 85]).all()
    assert result["flats"][5, 5, 3] == 0
    assert result["flats"][200, 200, 3] == hints[85, 85, 3]


def test_flats_reach_under_the_lines_unless_told_not_to(flats):
    under = flats(sketch=drawing())["flats"]
    beside = flats(sketch=drawing(), grow=False)["flats"]
    assert under[90, 31, 3] == 255
    assert beside[90, 30, 3] == 0
    assert beside[90, 90, 3] == 255


def test_a_hinted_background_is_painted(flats):
    hints = np.zeros((300, 300, 4), np.uint8)
    hints[5:9, 5:9] = (1, 2, 3, 255)
    assert (flats(sketch=drawing(), hints=hints)["flats"][290, 10] == (1, 2, 3, 255)).all()


@pytest.mark.parametrize("halved", ["circle", "box"])
def test_regions_keep_number_and_color_when_a_stroke_comes_elsewhere(flats, halved):
    memory = {}
    outputs = ("flats", "regions")
    before = run(flats, drawing(), memory, outputs=outputs)
    after = run(flats, drawing(extra=halved), memory, outputs=outputs)
    other = {"circle": (240, 240), "box": (80, 80)}[halved]
    numbers = [int(r["regions"].pixels[other][0]) for r in (before, after)]
    assert numbers[0] == numbers[1] > 0
    assert (before["flats"].pixels[other] == after["flats"].pixels[other]).all()
    x, rows = {"circle": (90, (70, 120)), "box": (225, (200, 250))}[halved]
    old = int(before["regions"].pixels[rows[0], x, 0])
    halves = {int(after["regions"].pixels[y, x, 0]) for y in rows}
    assert old in halves
    assert max(halves) > before["regions"].pixels.max()
    assert after["regions"].pixels[5, 5, 0] == 0
    again = run(flats, drawing(), memory, outputs=outputs)
    assert int(again["regions"].pixels[other][0]) == numbers[0]


def test_hints_lie_at_their_place_on_the_canvas(flats):
    hints = np.full((4, 4, 4), (9, 8, 7, 255), np.uint8)
    origins = {"sketch": (1000, 500), "hints": (1088, 588)}
    layer = run(flats, drawing(), hints=hints, origins=origins)["flats"]
    assert layer.origin == (1000, 500)
    assert (layer.pixels[100, 90] == (9, 8, 7, 255)).all()
    assert (layer.pixels[200, 200, :3] != (9, 8, 7)).any()


def test_gaps_leak_only_when_closing_is_switched_off(flats):
    sketch = drawing()
    sketch[88:91, 26:36] = 255
    assert flats(sketch=sketch, gap=6.0)["flats"][90, 90, 3] == 255
    assert flats(sketch=sketch, close_gaps=False)["flats"][90, 90, 3] == 0


def test_solid_blacks_become_regions_only_when_asked(flats):
    sketch = drawing()
    cv2.rectangle(sketch, (190, 190), (250, 250), (0, 0, 0), -1)
    outputs = ["flats", "regions", "blacks"]
    as_lines = flats(sketch=sketch, outputs=outputs)
    as_regions = flats(sketch=sketch, outputs=outputs, blacks="regions")
    assert as_lines["blacks"][220, 220, 0] == 255
    assert as_lines["blacks"][90, 30, 0] == 0
    assert as_lines["regions"][220, 220, 0] == as_lines["regions"][180, 180, 0]
    assert as_regions["regions"][220, 220, 0] != as_regions["regions"][180, 180, 0]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("content", ["empty", "black", "stroke"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (64, 40)])
def test_every_kind_of_layer_gives_layers(flats, channels, content, shape):
    sketch = np.full((*shape, channels), 255, np.uint8)
    if channels in (2, 4) and content == "empty":
        sketch[:] = 0
    if content == "black":
        sketch[..., : 1 if channels < 3 else 3] = 0
    if content == "stroke":
        sketch[shape[0] // 2, :, : 1 if channels < 3 else 3] = 0
    result = flats(sketch=sketch, outputs=["flats", "lines", "regions", "blacks"])
    assert {layer.shape[:2] for layer in result.values()} == {shape}
    if content == "empty":
        assert not result["flats"].any()
        assert not result["lines"][..., -1].any()


def test_a_cancelled_job_stops_at_its_next_step(flats):
    steps = []

    class Stop(Progress):
        def step(self, fraction, name, preview=None):
            steps.append(name)
            if len(steps) == 2:
                raise Cancelled

    parameters, names = flats.declaration.check(["sketch"], {}, ["flats"])
    with pytest.raises(Cancelled):
        flats.run(Request({"sketch": drawing()}, parameters, names, progress=Stop()))
    assert len(steps) == 2


def test_a_wrong_setting_is_named(flats):
    with pytest.raises(InvalidRequest, match="gap: got -1"):
        flats(sketch=drawing(), gap=-1)
