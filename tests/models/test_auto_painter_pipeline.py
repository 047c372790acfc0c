"""Auto-painter from request to layers, with a tiny network of random weights."""

import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from s2i_client.declaration import InvalidRequest
from s2i_models import catalog
from s2i_models.auto_painter.compact import CompactConfig, CompactGenerator
from s2i_models.coloring import drawing as drawing_module
from s2i_models.pipeline import Cancelled, Layer, Pipeline, Progress, Request
from s2i_training.export import write_weights

DEPTHS = [np.uint8, np.uint16, np.float16, np.float32]
ALL = ["flats", "shade", "lines", "color", "smooth"]
IN_CIRCLE, IN_BOX, OUTSIDE = (90, 90), (220, 220), (290, 10)


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    torch.manual_seed(0)
    config = CompactConfig(widths=(16, 24, 32), blocks=1)
    network = CompactGenerator(config)
    path: Path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    write_weights(path, network.state_dict(), "auto_painter", "compact", config.to_dict())
    return catalog.load("auto_painter", weights=path)


def full(dtype: type | np.dtype) -> float:
    return float(np.iinfo(dtype).max) if np.dtype(dtype).kind == "u" else 1.0


def drawing(channels: int = 1, dtype: type = np.uint8) -> np.ndarray:
    """A closed circle and a closed box, 300 × 300: black on white, or on nothing with alpha."""
    paper = np.full((300, 300), 255, np.uint8)
    cv2.circle(paper, (90, 90), 60, 0, 4, cv2.LINE_AA)
    cv2.rectangle(paper, (170, 170), (280, 280), 0, 4, cv2.LINE_AA)
    if channels in (2, 4):
        planes = [np.zeros_like(paper)] * (channels - 1) + [255 - paper]
    else:
        planes = [paper] * channels
    return (np.dstack(planes) / 255 * full(dtype)).astype(dtype)


def dabs(
    at: dict[tuple[int, int], tuple[float, float, float]],
    shape: tuple[int, int] = (300, 300),
    dtype: type = np.uint8,
) -> np.ndarray:
    """A hint layer with a square of 10 px of each color (0 to 1) around its (y, x)."""
    layer = np.zeros((*shape, 4), dtype)
    for (y, x), color in at.items():
        square = np.array([*color, 1.0]) * full(dtype)
        layer[max(0, y - 5) : y + 5, max(0, x - 5) : x + 5] = square.astype(dtype)
    return layer


def run(painter: Pipeline, progress: Progress | None = None, **wanted) -> list[Layer]:
    """Run a request as the daemon does: `images`, `origins`, `settings`, `outputs`, `memory`."""
    images = wanted["images"]
    settings = {"quality": "fast", **wanted.get("settings", {})}
    parameters, names = painter.declaration.check(images, settings, wanted.get("outputs"))
    request = Request(images, parameters, names, origins=wanted.get("origins", {}))
    request.progress = progress or Progress()
    request.memory = wanted.get("memory", {})
    return painter.run(request)


def test_flats_shade_lines_and_color_come_in_this_order(painter: Pipeline) -> None:
    assert list(painter(sketch=drawing())) == ["flats", "shade", "lines", "color"]
    assert list(painter(sketch=drawing(), outputs=["color", "flats"])) == ["flats", "color"]


@pytest.mark.parametrize("quality", ["fast", "best"])
@pytest.mark.parametrize("dtype", DEPTHS)
def test_every_layer_comes_in_the_depth_of_the_sketch(
    painter: Pipeline, dtype: type, quality: str
) -> None:
    result = painter(sketch=drawing(3, dtype), outputs=ALL, quality=quality)
    assert {layer.dtype for layer in result.values()} == {np.dtype(dtype)}
    assert {layer.shape for layer in result.values()} == {(300, 300, 4)}
    plain = painter(sketch=drawing(3), outputs=ALL, quality=quality)
    for name, layer in result.items():
        seen = layer.astype(float) / full(dtype)
        expected = plain[name].astype(float) / 255
        assert np.abs(seen[IN_CIRCLE] - expected[IN_CIRCLE]).max() < 0.02, name


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_kind_of_sketch_gives_the_same_colors(painter: Pipeline, channels: int) -> None:
    result = painter(sketch=drawing(channels), quality="fast", outputs=ALL)
    plain = painter(sketch=drawing(1), quality="fast", outputs=ALL)
    for name in ALL:
        assert result[name].shape == (300, 300, 4)
        assert np.abs(result[name].astype(int) - plain[name])[IN_CIRCLE].max() <= 3, name
    assert result["lines"][90, 30].tolist() == [0, 0, 0, 255]
    assert result["lines"][IN_CIRCLE][3] == 0


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_hints_own_region_shows_exactly_its_color(painter: Pipeline, dtype: type) -> None:
    hints = dabs({IN_CIRCLE: (0.1234, 0.5678, 0.9012)}, dtype=dtype)
    flats = painter(sketch=drawing(1, dtype), hints=hints, quality="fast", keep_to_hints=0.0)[
        "flats"
    ]
    inside = np.hypot(*(np.mgrid[:300, :300] - 90)) < 55
    assert (flats[inside] == hints[IN_CIRCLE]).all()
    assert (flats[IN_BOX][:3] != hints[IN_CIRCLE][:3]).any()


def test_hints_of_another_size_lie_at_their_place_on_the_canvas(painter: Pipeline) -> None:
    hints = np.full((4, 6, 4), (9, 8, 7, 255), np.uint8)
    layers = run(
        painter,
        images={"sketch": drawing(), "hints": hints},
        origins={"sketch": (1000, 500), "hints": (1218, 718)},
        settings={"keep_to_hints": 0.0},
    )
    assert {layer.origin for layer in layers} == {(1000, 500)}
    flats = layers[0].pixels
    assert flats[IN_BOX].tolist() == [9, 8, 7, 255]
    assert flats[IN_CIRCLE][:3].tolist() != [9, 8, 7]


def test_the_background_is_transparent_unless_a_hint_lies_on_it(painter: Pipeline) -> None:
    plain = painter(sketch=drawing(), quality="fast", outputs=ALL)
    for name in ALL:
        assert plain[name][OUTSIDE][3] == 0, name
    assert plain["flats"][IN_BOX][3] == 255
    hints = dabs({OUTSIDE: (0.2, 0.4, 0.6)})
    hinted = painter(sketch=drawing(), hints=hints, quality="fast")
    assert (hinted["flats"][5, 295] == hints[OUTSIDE]).all()
    assert hinted["color"][5, 295][3] == 255


def test_color_is_the_other_layers_laid_over_each_other(painter: Pipeline) -> None:
    result = painter(sketch=drawing(), quality="fast", shading=1.0)
    flats, shade, lines, color = (layer / 255 for layer in result.values())
    cover = lines[..., 3:]
    shown = lines[..., :3] * cover + flats[..., :3] * shade[..., :3] * (1 - cover)
    painted = flats[..., 3] == 1
    assert np.abs(shown - color[..., :3])[painted].max() < 1.5 / 255


@pytest.mark.parametrize("shape", [(1, 1), (1, 60), (90, 1), (300, 40), (40, 300)])
@pytest.mark.parametrize("content", ["empty", "stroke", "black"])
@pytest.mark.parametrize("channels", [1, 4])
def test_odd_sketches_give_layers_of_their_size(
    painter: Pipeline, shape: tuple[int, int], content: str, channels: int
) -> None:
    sketch = np.full((*shape, channels), 255, np.uint8)
    if content == "empty" and channels == 4:
        sketch[:] = 0
    if content == "stroke":
        sketch[shape[0] // 2, :, : min(channels, 3)] = 0
    if content == "black":
        sketch[..., : min(channels, 3)] = 0
    result = painter(sketch=sketch, quality="fast", outputs=ALL)
    assert {layer.shape for layer in result.values()} == {(*shape, 4)}
    if content == "empty":
        assert not result["flats"].any()
        assert not result["lines"][..., 3].any()
        assert not result["color"].any()


def test_an_unknown_setting_is_named(painter: Pipeline) -> None:
    with pytest.raises(InvalidRequest, match="speed"):
        painter(sketch=drawing(), speed=3)
    with pytest.raises(InvalidRequest, match="saturation: got 5"):
        painter(sketch=drawing(), saturation=5)


class StopAt(Progress):
    """Cancels at the step with a number, and keeps the names of the steps before."""

    def __init__(self, number: int):
        self.number = number
        self.names: list[str] = []

    def step(self, fraction: float, name: str, preview: np.ndarray | None = None) -> None:
        if len(self.names) == self.number:
            raise Cancelled
        self.names.append(name)


def test_a_job_stops_at_whichever_step_it_is_cancelled_and_leaves_nothing_half(
    painter: Pipeline,
) -> None:
    images = {"sketch": drawing(), "hints": dabs({IN_CIRCLE: (0.9, 0.1, 0.1)})}
    settings = {"quality": "best"}
    whole = StopAt(-1)
    expected = run(painter, whole, images=images, settings=settings)
    assert whole.names.count("painting") == 4
    for number in range(len(whole.names)):
        stop, memory = StopAt(number), {}
        with pytest.raises(Cancelled):
            run(painter, stop, images=images, settings=settings, memory=memory)
        assert stop.names == whole.names[:number]
        assert same(run(painter, images=images, settings=settings, memory=memory), expected)


def same(some: list[Layer], others: list[Layer]) -> bool:
    return all(np.array_equal(a.pixels, b.pixels) for a, b in zip(some, others, strict=True))


def test_what_is_remembered_of_a_document_changes_no_result(painter: Pipeline) -> None:
    other = drawing(4)
    other[150:153, 30:250] = (0, 0, 0, 255)
    red, blue = (
        dabs({IN_CIRCLE: (0.9, 0.1, 0.1)}),
        dabs({IN_BOX: (0.1, 0.1, 0.9), (5, 5): (1, 1, 0)}),
    )
    jobs = [
        ({"sketch": drawing(4)}, 0.0),
        ({"sketch": drawing(4), "hints": red}, 0.0),
        ({"sketch": drawing(4), "hints": blue}, 0.0),
        ({"sketch": drawing(4), "hints": blue}, 40.0),
        ({"sketch": other, "hints": blue}, 40.0),
        ({"sketch": drawing(4, np.uint16), "hints": blue}, 40.0),
        ({"sketch": drawing(4), "hints": red}, 0.0),
    ]
    memory = {}
    for images, gap in jobs:
        wanted = {"images": images, "settings": {"gap": gap}, "outputs": ALL}
        assert same(run(painter, memory=memory, **wanted), run(painter, **wanted))


def test_an_unchanged_sketch_is_not_segmented_again(
    painter: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    find = drawing_module.find_canvas_pieces
    monkeypatch.setattr(
        drawing_module, "find_canvas_pieces", lambda *a: calls.append(a) or find(*a)
    )
    memory, sketch = {}, drawing(4)
    run(painter, images={"sketch": sketch}, memory=memory)
    run(
        painter, images={"sketch": sketch.copy(), "hints": dabs({IN_BOX: (1, 0, 0)})}, memory=memory
    )
    assert len(calls) == 1
    sketch[150, 150, 3] += 1  # in the array that came: what is remembered must not change with it
    run(painter, images={"sketch": sketch}, memory=memory)
    assert len(calls) == 2


def test_large_sketches_are_not_remembered(
    painter: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing_module, "MOST_PIXELS", 300 * 300 - 1)
    memory = {}
    run(painter, images={"sketch": drawing()}, memory=memory)
    assert memory == {}


def test_the_networks_own_time_is_told(painter: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters, outputs = painter.declaration.check(["sketch"], {"quality": "best"})
    request = Request({"sketch": drawing()}, parameters, outputs)
    forward, passes = painter.network.forward, []  # type: ignore[attr-defined]

    def slow(*given):
        passes.append(given)
        time.sleep(0.02)
        return forward(*given)

    monkeypatch.setattr(painter.network, "forward", slow)  # type: ignore[attr-defined]
    painter.run(request)
    assert len(passes) == 4
    assert request.timing.keys() == {"network"}
    assert request.timing["network"] >= 4 * 0.02


def opaque_colors(layer: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(pixel) for pixel in layer[layer[..., 3] > 0][:, :3].tolist()}


def strip(*colors: tuple[int, ...], dtype: type = np.uint8) -> np.ndarray:
    """A palette as Krita sends one: 1 pixel high, and one pixel that is not opaque."""
    pixels = np.array([[(*color, 255) for color in colors] + [(9, 9, 9, 128)]], np.uint8)
    return (pixels / 255 * full(dtype)).round().astype(dtype)


def test_with_a_palette_only_its_colors_and_the_hints_are_used(painter: Pipeline) -> None:
    hints = dabs({IN_CIRCLE: (0.9, 0.1, 0.1)})
    palette = strip((10, 20, 200), (250, 240, 230), (40, 60, 20))
    images = {"sketch": drawing(), "hints": hints, "palette": palette}
    flats, shade = run(painter, images=images, outputs=["flats", "shade"])
    hint = tuple(hints[IN_CIRCLE][:3].tolist())
    allowed = {tuple(color) for color in palette[0, :3, :3].tolist()}
    assert opaque_colors(flats.pixels) <= allowed | {hint}
    assert tuple(flats.pixels[IN_BOX][:3].tolist()) in allowed
    assert tuple(flats.pixels[IN_CIRCLE][:3].tolist()) == hint
    del images["palette"]
    free_flats, free_shade = run(painter, images=images, outputs=["flats", "shade"])
    assert tuple(free_flats.pixels[IN_BOX][:3].tolist()) not in allowed
    assert (shade.pixels == free_shade.pixels).all()
    assert (flats.pixels[..., 3] == free_flats.pixels[..., 3]).all()


def test_a_region_takes_the_nearest_color_of_the_palette(painter: Pipeline) -> None:
    painted = painter(sketch=drawing(), quality="fast")["flats"][IN_BOX][:3]
    near = tuple((painted + np.where(painted < 128, 3, -3)).tolist())
    far = tuple((painted + np.where(painted < 128, 60, -60)).tolist())
    for palette in (strip(near, far), strip(far, near), strip(far, near)[..., :3][:, :2]):
        flats = painter(sketch=drawing(), palette=palette, quality="fast")["flats"]
        assert tuple(flats[IN_BOX][:3].tolist()) == near


@pytest.mark.parametrize("dtype", DEPTHS)
def test_colors_of_a_palette_are_exact_in_the_palettes_own_depth(
    painter: Pipeline, dtype: type
) -> None:
    palette = strip((10, 20, 200), (251, 241, 231), dtype=dtype)
    flats = painter(sketch=drawing(1, dtype), palette=palette, quality="fast")["flats"]
    assert opaque_colors(flats) <= {tuple(color) for color in palette[0, :2, :3].tolist()}


def test_a_gray_palette_allows_grays(painter: Pipeline) -> None:
    palette = np.array([[0], [90], [200]], np.uint8)
    flats = painter(sketch=drawing(), palette=palette, quality="fast")["flats"]
    assert opaque_colors(flats) <= {(v, v, v) for v in (0, 90, 200)}


def test_a_palette_without_colors_or_with_too_many_says_what_to_send(painter: Pipeline) -> None:
    with pytest.raises(InvalidRequest, match=r"palette: .* without an opaque pixel.* 1 to 256"):
        painter(sketch=drawing(), palette=np.full((4, 4, 4), 127, np.uint8))
    ramp = np.arange(257, dtype=np.uint16).reshape(1, 257, 1)
    with pytest.raises(InvalidRequest, match=r"palette: .* more than 256 colors.* 1 to 256"):
        painter(sketch=drawing(), palette=ramp)
    painter(sketch=drawing(), palette=ramp[:, 1:], quality="fast")
