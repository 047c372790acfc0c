"""Reference-based colorization from request to layers, with a tiny network whose colors are known.

Untrained, it returns the colors that its attention takes from the reference; the paint covers
whatever is closed.
"""

from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest
import torch

from s2i_client.declaration import InvalidRequest
from s2i_models import catalog
from s2i_models.pipeline import Cancelled, Layer, Pipeline, Progress, Request
from s2i_models.reference_colorization import reading
from s2i_models.reference_colorization.compact import (
    CompactConfig,
    CompactGenerator,
    ReferenceTokens,
)
from s2i_models.reference_colorization.network import PaperConfig, PaperGenerator
from s2i_models.reference_colorization.pipeline import PipelineImpl
from s2i_training.export import write_weights

DEPTHS = [np.uint8, np.uint16, np.float16, np.float32]
LAYERS = ["flats", "shade", "lines", "color", "smooth"]
IN_CIRCLE, IN_BOX, OUTSIDE = (90, 90), (220, 220), (290, 10)
RED, GREEN, BLUE = (200, 30, 40), (30, 160, 70), (40, 50, 190)
AS_PAINTED = {"palette_colors": 0, "quality": "fast"}


def write_network(path: Path, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    config = CompactConfig(widths=(8, 16, 16), token_width=16, blocks=1)
    network = CompactGenerator(config)
    bias = network.get_parameter("head.2.bias")
    with torch.no_grad():
        bias.zero_()
        bias[3 * 16 :] = -0.4  # of the coverage: enough for closed regions, not for others
        network.query.weight *= 4  # attention that differs from place to place
    write_weights(path, network.state_dict(), "reference_colorization", "compact", config.to_dict())
    return path


@pytest.fixture(scope="module")
def colorizer(tmp_path_factory: pytest.TempPathFactory) -> PipelineImpl:
    path = write_network(tmp_path_factory.mktemp("weights") / "tiny.safetensors")
    pipeline = catalog.load("reference_colorization", weights=path)
    assert isinstance(pipeline, PipelineImpl)
    return pipeline


def full(dtype: type | np.dtype) -> float:
    return float(np.iinfo(dtype).max) if np.dtype(dtype).kind == "u" else 1.0


def drawing(dtype: type = np.uint8) -> np.ndarray:
    """A closed circle and a closed box, 300 × 300, black on white."""
    paper = np.full((300, 300), 255, np.uint8)
    cv2.circle(paper, (90, 90), 60, 0, 4, cv2.LINE_AA)
    cv2.rectangle(paper, (170, 170), (280, 280), 0, 4, cv2.LINE_AA)
    return (paper[..., None] / 255 * full(dtype)).astype(dtype)


def plain(color: tuple[int, ...], shape: tuple[int, int] = (40, 40)) -> np.ndarray:
    return np.full((*shape, len(color)), color, np.uint8)


def halves(left: tuple[int, ...], right: tuple[int, ...]) -> np.ndarray:
    """160 × 160, of two colors."""
    return np.hstack([plain(left, (160, 80)), plain(right, (160, 80))])


def stripes(count: int) -> np.ndarray:
    """160 px high, a stripe of 8 px for each of `count` colors that are easy to tell apart."""
    hue = np.linspace(0, 170, count).astype(np.uint8)
    hsv = np.stack([hue, np.full_like(hue, 180), np.full_like(hue, 220)], axis=1)[None]
    return np.repeat(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), 8, axis=1).repeat(160, axis=0)


def dab(y: int, x: int, color: tuple[int, ...] = (255, 0, 0)) -> np.ndarray:
    layer = np.zeros((300, 300, 4), np.uint8)
    layer[y - 5 : y + 5, x - 5 : x + 5] = (*color, 255)
    return layer


def run(pipeline: Pipeline, images: dict[str, np.ndarray], **wanted) -> list[Layer]:
    """Run a request as the daemon does: `settings`, `outputs`, `memory`, `progress`."""
    settings = {**AS_PAINTED, **wanted.get("settings", {})}
    parameters, names = pipeline.declaration.check(images, settings, wanted.get("outputs"))
    request = Request(images, parameters, names)
    request.progress = wanted.get("progress") or Progress()
    request.memory = wanted.get("memory", {})
    return pipeline.run(request)


def opaque_colors(layer: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(pixel) for pixel in layer[layer[..., 3] > 0][:, :3].tolist()}


def near(color: np.ndarray, expected: tuple[int, ...], most: int = 3) -> bool:
    return bool(np.abs(color[:3].astype(int) - expected).max() <= most)


@pytest.mark.parametrize("quality", ["fast", "best"])
def test_a_reference_of_one_color_colors_everything_in_it(
    colorizer: Pipeline, quality: str
) -> None:
    settings = {"quality": quality, "palette_colors": 0}
    result = colorizer(sketch=drawing(), reference=plain(GREEN), outputs=LAYERS, **settings)
    assert list(result) == LAYERS
    for at in (IN_CIRCLE, IN_BOX):
        assert near(result["flats"][at], GREEN) and near(result["smooth"][at], GREEN)
    assert result["flats"][OUTSIDE][3] == 0


@pytest.mark.parametrize("dtype", DEPTHS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_references_of_every_depth_and_kind_color_alike(
    colorizer: Pipeline, dtype: type, channels: int
) -> None:
    color = {1: (90,), 2: (90, 255), 3: BLUE, 4: (*BLUE, 255)}[channels]
    reference = (plain(color) / 255 * full(dtype)).astype(dtype)
    flats = colorizer(sketch=drawing(), reference=reference, **AS_PAINTED)["flats"]
    assert near(flats[IN_CIRCLE], (90, 90, 90) if channels <= 2 else BLUE)


@pytest.mark.parametrize("dtype", DEPTHS)
def test_every_layer_comes_in_the_depth_of_the_sketch(colorizer: Pipeline, dtype: type) -> None:
    result = colorizer(sketch=drawing(dtype), reference=plain(RED), outputs=LAYERS, **AS_PAINTED)
    assert {layer.dtype for layer in result.values()} == {np.dtype(dtype)}
    assert {layer.shape for layer in result.values()} == {(300, 300, 4)}
    assert near(result["flats"][IN_BOX].astype(float) / full(dtype) * 255, RED)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (700, 1), (3, 4000), (2500, 2000)])
def test_references_of_any_size_work(colorizer: Pipeline, shape: tuple[int, int]) -> None:
    flats = colorizer(sketch=drawing(), reference=plain(RED, shape), **AS_PAINTED)["flats"]
    assert near(flats[IN_CIRCLE], RED)


def test_transparent_parts_of_a_reference_are_not_used(colorizer: Pipeline) -> None:
    reference = halves((*RED, 255), (*BLUE, 0))
    flats = colorizer(sketch=drawing(), reference=reference, **AS_PAINTED)["flats"]
    assert near(flats[IN_CIRCLE], RED) and near(flats[IN_BOX], RED)


@pytest.mark.parametrize("light", [(255,), (255, 255), (255, 255, 255), (255, 255, 255, 255)])
@pytest.mark.parametrize("size", [2, 160, 333])
def test_only_what_is_light_in_the_mask_is_used(
    colorizer: Pipeline, light: tuple[int, ...], size: int
) -> None:
    dark = (*(0 for _ in light[1:]), 255) if len(light) in (2, 4) else (0,) * len(light)
    left, right = plain(dark, (size, size // 2)), plain(light, (size, size - size // 2))
    reference = halves(RED, BLUE)
    images = {"sketch": drawing(), "reference": reference}
    images["reference_mask"] = np.hstack([left, right])
    settings = {"palette_colors": 8}
    flats = run(colorizer, images, settings=settings, outputs=["flats"])[0].pixels
    for color in opaque_colors(flats):
        assert near(np.array(color), BLUE, most=25)


def test_what_is_transparent_in_the_mask_is_not_used(colorizer: Pipeline) -> None:
    mask = halves((255, 255, 255, 255), (255, 255, 255, 0))
    images = {"sketch": drawing(), "reference": halves(RED, BLUE), "reference_mask": mask}
    assert near(run(colorizer, images)[0].pixels[IN_BOX], RED, most=12)


def test_a_mask_smaller_than_a_token_still_finds_its_color(colorizer: Pipeline) -> None:
    reference, mask = halves(RED, BLUE), np.zeros((160, 160, 1), np.uint8)
    reference[80:83, 30:33], mask[80:83, 30:33] = GREEN, 255
    images = {"sketch": drawing(), "reference": reference, "reference_mask": mask}
    assert near(run(colorizer, images)[0].pixels[IN_BOX], GREEN, most=40)


def test_a_mask_that_leaves_only_the_paper_around_a_figure_is_refused(colorizer: Pipeline) -> None:
    sheet, mask = plain((255, 255, 255), (400, 400)), np.zeros((400, 400, 1), np.uint8)
    sheet[20:120, 20:120] = RED
    mask[300:] = 255
    images = {"sketch": drawing(), "reference": sheet, "reference_mask": mask}
    with pytest.raises(InvalidRequest, match=r"reference_mask: .*blank paper.*light"):
        run(colorizer, images)


def test_references_blend_by_their_shares(colorizer: Pipeline) -> None:
    images = {"sketch": drawing(), "reference": plain(RED), "reference_2": plain(BLUE)}

    def blue_with(share: float) -> int:
        layers = run(colorizer, images, settings={"blend_2": share}, outputs=["smooth"])
        return int(layers[0].pixels[IN_BOX][2])

    assert blue_with(0.0) <= RED[2] + 3
    assert RED[2] + 3 < blue_with(0.2) < blue_with(1.0) < BLUE[2]
    images["reference_3"] = plain(GREEN)
    three = run(colorizer, images, outputs=["smooth"])[0].pixels[IN_BOX]
    assert RED[1] + 20 < three[1] < GREEN[1]


def test_hints_win_over_the_reference(colorizer: Pipeline) -> None:
    images = {"sketch": drawing(), "reference": plain(RED), "hints": dab(*IN_CIRCLE, (1, 2, 250))}
    flats = run(colorizer, images, settings={"palette_colors": 4})[0].pixels
    assert flats[IN_CIRCLE].tolist() == [1, 2, 250, 255]
    assert near(flats[IN_BOX], RED)


def test_areas_near_a_hint_keep_to_it(colorizer: Pipeline) -> None:
    close = tuple(value + 6 for value in RED)
    images = {"sketch": drawing(), "reference": plain(RED), "hints": dab(*IN_CIRCLE, close)}
    kept = run(colorizer, images)[0].pixels
    assert kept[IN_BOX][:3].tolist() == list(close)
    free = run(colorizer, images, settings={"keep_to_hints": 0.0})[0].pixels
    assert free[IN_BOX][:3].tolist() != list(close)


def test_flats_have_only_colors_of_the_references_palette(colorizer: Pipeline) -> None:
    reference = stripes(12)
    own = opaque_colors(np.dstack([reference, np.full(reference.shape[:2], 255, np.uint8)]))
    for most in (1, 2, 12):
        images = {"sketch": drawing(), "reference": reference}
        flats = run(colorizer, images, settings={"palette_colors": most})[0].pixels
        colors = opaque_colors(flats)
        assert 1 <= len(colors) <= most
        assert all(any(near(np.array(c), o, 1) for o in own) for c in colors)


def test_pages_colored_after_one_reference_share_their_palette(colorizer: Pipeline) -> None:
    used: set[tuple[int, ...]] = set()
    for angle in range(4):
        images = {"sketch": np.rot90(drawing(), angle).copy(), "reference": stripes(16)}
        made = run(colorizer, images, settings={"palette_colors": 3}, memory={})[0].pixels
        again = run(colorizer, images, settings={"palette_colors": 3}, memory={})[0].pixels
        assert np.array_equal(made, again)
        used |= opaque_colors(made)
    assert len(used) <= 3


def test_a_gray_reference_gives_grays(colorizer: Pipeline) -> None:
    ramp = np.tile(np.linspace(0, 255, 160).astype(np.uint8), (160, 1))[..., None]
    flats = run(colorizer, {"sketch": drawing(), "reference": ramp})[0].pixels
    assert all(max(color) - min(color) <= 2 for color in opaque_colors(flats))


def test_spots_show_where_their_colors_come_from(colorizer: Pipeline) -> None:
    reference = halves((*RED, 255), (*GREEN, 255))
    mask = halves((0,), (255,))
    images = {"sketch": drawing(), "reference": reference, "reference_mask": mask}
    assert [layer.name for layer in run(colorizer, images)] == ["flats", "shade", "lines", "color"]
    images |= {"spots": dab(*IN_CIRCLE), "reference_2": plain(BLUE, (2048, 512))}
    layers = run(colorizer, images)
    shown = [layer for layer in layers if layer.name == "attention"]
    assert [layer.title for layer in shown] == ["Reference", "Second reference"]
    first, second = (layer.pixels for layer in shown)
    assert first.shape == (160, 160, 3) and second.shape == (1024, 256, 3)
    assert first[:, :60].max() < 0.3 * RED[0]  # masked: nothing comes from there
    assert max(first[:, 100:].max() / GREEN[1], second.max() / BLUE[2]) > 0.95
    only = run(colorizer, images, outputs=["attention"])
    assert np.array_equal(only[0].pixels, first)


def test_without_dabs_there_is_no_attention(colorizer: Pipeline) -> None:
    images = {"sketch": drawing(), "reference": plain(RED), "spots": np.zeros((300, 300, 4), "u1")}
    assert run(colorizer, images, outputs=["attention"]) == []


def test_attention_of_a_point_is_a_map_over_the_reference(colorizer: PipelineImpl) -> None:
    reference = halves(RED, BLUE)
    here = colorizer.attention(drawing(), reference, 90, 90)
    assert here.shape == (160, 160) and here.dtype == np.float32
    assert here.min() >= 0 and here.max() > 0
    assert not np.allclose(here, colorizer.attention(drawing(), reference, 30, 90), atol=1e-5)
    masked = colorizer.attention(drawing(), reference, 90, 90, reference_mask=halves((255,), (0,)))
    assert masked[:, 95:].max() < 1e-6 < masked[:, :70].max()
    with pytest.raises(ValueError, match=r"\(300, 0\) lies outside of the sketch"):
        colorizer.attention(drawing(), reference, 300, 0)


@pytest.mark.parametrize(
    ("images", "match"),
    [
        ({"reference": plain((*RED, 0))}, "reference: .*transparent everywhere.*visible"),
        ({"reference": plain(RED, (0, 9))}, "reference: .*without pixels"),
        (
            {"reference": plain(RED), "reference_2": plain((9, 0))},
            "reference_2: .*transparent everywhere",
        ),
        (
            {"reference": plain(RED), "reference_mask": plain((0,))},
            "reference_mask: .*leaves nothing.*light",
        ),
        (
            {"reference": halves((*RED, 255), (*BLUE, 0)), "reference_mask": halves((0,), (255,))},
            "reference_mask: .*leaves nothing",
        ),
        ({}, "reference: got 'nothing'"),
    ],
)
def test_a_reference_of_which_nothing_can_be_used_says_what_to_do(
    colorizer: Pipeline, images: dict[str, np.ndarray], match: str
) -> None:
    with pytest.raises(InvalidRequest, match=match):
        run(colorizer, {"sketch": drawing(), **images})


def test_numbers_that_are_none_count_as_black(colorizer: Pipeline) -> None:
    reference = np.full((30, 30, 3), np.nan, np.float32)
    flats = run(colorizer, {"sketch": drawing(), "reference": reference})[0].pixels
    assert near(flats[IN_CIRCLE], (0, 0, 0))


@pytest.mark.parametrize("shape", [(1, 1), (1, 60), (300, 40)])
def test_empty_sketches_give_empty_layers(colorizer: Pipeline, shape: tuple[int, int]) -> None:
    images = {"sketch": np.full((*shape, 1), 255, np.uint8), "reference": plain(RED)}
    layers = run(colorizer, images, outputs=LAYERS)
    assert {layer.pixels.shape for layer in layers} == {(*shape, 4)}
    assert not any(layer.pixels[..., 3].any() for layer in layers)


def same(some: list[Layer], others: list[Layer]) -> bool:
    return len(some) == len(others) and all(
        np.array_equal(a.pixels, b.pixels) for a, b in zip(some, others, strict=True)
    )


def test_what_is_remembered_of_a_document_changes_no_result(colorizer: Pipeline) -> None:
    red, two = plain(RED), halves(GREEN, BLUE)
    jobs = [
        {"reference": red},
        {"reference": two},
        {"reference": two, "reference_2": red},
        {"reference": red, "reference_2": two},
        {"reference": two, "reference_mask": halves((255,), (0,))},
        {"reference": two, "reference_mask": halves((0,), (255,))},
        {"reference": two.astype(np.uint16)},
        {"reference": two},
    ]
    memory = {}
    for images in jobs:
        wanted = {"images": {"sketch": drawing(), "spots": dab(*IN_BOX), **images}}
        assert same(run(colorizer, memory=memory, **wanted), run(colorizer, **wanted))


def test_an_unchanged_reference_is_not_read_again(
    colorizer: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    read = reading.read_reference
    monkeypatch.setattr(reading, "read_reference", lambda *a: calls.append(a[0]) or read(*a))
    memory, images = {}, {"sketch": drawing(), "reference": plain(RED)}
    run(colorizer, images, memory=memory)
    run(colorizer, {**images, "hints": dab(*IN_BOX)}, memory=memory)
    assert calls == ["reference"]
    run(colorizer, {**images, "reference_2": plain(BLUE)}, memory=memory)
    assert calls == ["reference", "reference_2"]
    other = catalog.load("reference_colorization", weights=write_network(tmp_path / "other", 1))
    images["reference"] = halves(RED, BLUE)
    expected = run(other, images)
    calls.clear()
    run(colorizer, images, memory=memory)
    assert same(run(other, images, memory=memory), expected)  # what another network read is not its
    assert calls == ["reference", "reference"]


class StopAt(Progress):
    """Cancels at the step with a number."""

    def __init__(self, number: int):
        self.number = number
        self.seen = 0

    def step(self, fraction: float, name: str, preview: np.ndarray | None = None) -> None:
        if self.seen == self.number:
            raise Cancelled
        self.seen += 1


def test_a_job_that_was_cancelled_leaves_nothing_half(colorizer: Pipeline) -> None:
    images = {"sketch": drawing(), "reference": halves(RED, BLUE)}
    whole = StopAt(-1)
    expected = run(colorizer, images, progress=whole)
    for number in range(whole.seen):
        memory = {}
        with pytest.raises(Cancelled):
            run(colorizer, images, progress=StopAt(number), memory=memory)
        assert same(run(colorizer, images, memory=memory), expected)


def test_the_networks_own_time_is_told(colorizer: Pipeline) -> None:
    images = {"sketch": drawing(), "reference": plain(RED)}
    parameters, outputs = colorizer.declaration.check(images, {})
    request = Request(images, parameters, outputs)
    colorizer.run(request)
    assert request.timing.keys() == {"network"} and request.timing["network"] > 0


@pytest.mark.parametrize("layout", ["positions", "reshape"])
def test_the_papers_networks_color_too(
    tmp_path: Path, layout: Literal["positions", "reshape"]
) -> None:
    config = PaperConfig(preset="snailpong", width=2, token_layout=layout)
    network, path = PaperGenerator(config), tmp_path / "paper.safetensors"
    write_weights(
        path, network.state_dict(), "reference_colorization", "snailpong", config.to_dict()
    )
    painter = catalog.load("reference_colorization", weights=path)
    images = {"sketch": drawing(), "reference": plain(RED, (50, 120)), "hints": dab(*IN_BOX)}
    images |= {"reference_2": plain(BLUE), "reference_mask": plain((255,))}
    for quality in ("fast", "best"):
        flats = run(painter, images, settings={"quality": quality})[0].pixels
        assert flats[IN_BOX].tolist() == [255, 0, 0, 255] and flats[IN_CIRCLE][3] == 255
    images["spots"] = dab(*IN_BOX)
    if layout == "positions":
        assert len(run(painter, images, outputs=["attention"])) == 2
    else:
        with pytest.raises(InvalidRequest, match=r"spots: .*places.*shipped weights"):
            run(painter, images, outputs=["attention"])


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_imported_weights_refuse_shares_that_they_cannot_heed(tmp_path: Path, share: float) -> None:
    config = PaperConfig(preset="snailpong", width=2, token_layout="reshape")
    network, path = PaperGenerator(config), tmp_path / "paper.safetensors"
    write_weights(
        path, network.state_dict(), "reference_colorization", "snailpong", config.to_dict()
    )
    painter = catalog.load("reference_colorization", weights=path)
    images = {"sketch": drawing(), "reference": plain(RED), "reference_2": plain(BLUE)}
    settings = {"blend_2": share, "blend_3": 0.5}  # there is no third
    if share in (0, 1):
        assert run(painter, images, settings=settings)
    else:
        with pytest.raises(InvalidRequest, match=r"blend_2: .*0\.5.*0 or 1"):
            run(painter, images, settings=settings)


def looks_of(colorizer: PipelineImpl, reference: np.ndarray, patch: pytest.MonkeyPatch) -> list:
    """The tokens that the network is given to paint a drawing after `reference`."""
    given, paint = [], colorizer.network.paint

    def spy(lines: torch.Tensor, hints: torch.Tensor, tokens: ReferenceTokens):
        given.append(tokens)
        return paint(lines, hints, tokens)

    patch.setattr(colorizer.network, "paint", spy)
    run(colorizer, {"sketch": drawing(), "reference": reference})
    return given


def test_a_reference_that_is_used_whole_is_painted_after_once(
    colorizer: PipelineImpl, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = plain((255, 255, 255), (300, 300))
    sheet[100:137, 50:250] = RED  # its window is far from filling whole cells of the grid
    (tokens,) = looks_of(colorizer, sheet, monkeypatch)
    assert len(tokens.bias) == 1


def test_what_fills_up_the_grid_is_never_seen(
    colorizer: PipelineImpl, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = plain((255, 255, 255, 255), (300, 300))
    sheet[80:170, 50:250] = (*RED, 255)
    sheet[80:170, 50:90, 3] = 0
    (tokens,) = looks_of(colorizer, sheet, monkeypatch)
    assert len(tokens.bias) == 2  # what is used, and all that there is
    rows = (tokens.bias[1] > -100).view(-1, 24).any(dim=1)  # 24 cells are 192 px
    view = colorizer.grid.view_of(reading.read_reference("reference", sheet).figure)
    assert rows.sum() == -(-view.inner_height // 8) < len(rows)


def test_paper_that_is_not_used_still_tells_where_paint_goes(
    colorizer: PipelineImpl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def paint(lines: torch.Tensor, hints: torch.Tensor, tokens: ReferenceTokens):
        """Red without paint where some tokens are hidden, black with paint where all are seen."""
        hidden = (tokens.bias < -100).any(dim=1)
        made = torch.zeros(len(lines), 4, *lines.shape[2:])
        made[hidden, 0], made[hidden, 3], made[~hidden, 3] = 1.0, -9.0, 9.0
        return made, torch.zeros(len(lines), 1, 1)

    monkeypatch.setattr(colorizer.network, "paint", paint)
    images = {"sketch": drawing(), "reference": halves((*RED, 255), (*BLUE, 0))}
    assert run(colorizer, images)[0].pixels[IN_CIRCLE].tolist() == [255, 0, 0, 255]
