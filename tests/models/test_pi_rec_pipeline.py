"""PI-REC from request to layers, with tiny networks of random weights."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from s2i_client.declaration import InvalidRequest
from s2i_models import catalog
from s2i_models.pi_rec import painting
from s2i_models.pi_rec.compact import CompactConfig, CompactGenerator
from s2i_models.pi_rec.network import PaperConfig, PaperGenerator
from s2i_models.pi_rec.painting import sizes_to_paint
from s2i_models.pi_rec.pipeline import PipelineImpl
from s2i_models.pipeline import Cancelled, Layer, Pipeline, Progress, Request
from s2i_training.export import write_weights

DEPTHS = [np.uint8, np.uint16, np.float16, np.float32]
CONFIG = CompactConfig(widths=(4, 6, 8), up_blocks=1, middle_blocks=1)
PAPER = PaperConfig(width=4, blocks=1)
RED, BLUE = (230, 30, 40), (30, 60, 220)


def network(seed: int, paper: bool = False) -> nn.Module:
    """One in which every layer says something."""
    torch.manual_seed(seed)
    made = PaperGenerator(PAPER) if paper else CompactGenerator(CONFIG)
    for parameter in made.parameters():
        if parameter.ndim == 4:
            nn.init.normal_(parameter, 0, 0.1)
    return made


def write(path: Path, seed: int = 0, *, refines: bool = True) -> Path:
    """A file of weights."""
    phases = {"generate": network(seed)} | ({"refine": network(seed + 1)} if refines else {})
    return write_phases(path, phases, "compact", CONFIG.to_dict())


def write_phases(path: Path, phases: dict[str, nn.Module], kind: str, config: dict) -> Path:
    state = {
        f"{phase}.{name}": value
        for phase, made in phases.items()
        for name, value in made.state_dict().items()
    }
    write_weights(path, state, "pi_rec", kind, config)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(scope="module")
def painter(folder: Path) -> Pipeline:
    return catalog.load("pi_rec", weights=write(folder / "random.safetensors"))


def full(dtype: type | np.dtype) -> float:
    return float(np.iinfo(dtype).max) if np.dtype(dtype).kind == "u" else 1.0


def sketch(
    shape: tuple[int, int] = (240, 300), channels: int = 1, dtype: type = np.uint8
) -> np.ndarray:
    """A circle and a line: black on white, or on nothing with alpha."""
    paper = np.full(shape, 255, np.uint8)
    cv2.circle(paper, (shape[1] // 2, shape[0] // 2), min(shape) // 3, 0, 3, cv2.LINE_AA)
    cv2.line(paper, (0, shape[0] // 5), (shape[1] - 1, shape[0] // 4), 0, 2, cv2.LINE_AA)
    if channels in (2, 4):
        planes = [np.zeros_like(paper)] * (channels - 1) + [255 - paper]
    else:
        planes = [paper] * channels
    return (np.dstack(planes) / 255 * full(dtype)).astype(dtype)


def blobs(shape: tuple[int, int] = (240, 300), *colors: tuple[int, int, int]) -> np.ndarray:
    """A disc of each color, side by side, on nothing: RGBA."""
    layer = np.zeros((*shape, 4), np.uint8)
    for number, color in enumerate(colors or (RED, BLUE)):
        x = round(shape[1] * (2 * number + 1) / (2 * len(colors or (RED, BLUE))))
        cv2.circle(layer, (x, shape[0] // 2), min(shape) // 5, (*color, 255), -1)
    return layer


def plain(color: tuple[int, int, int], shape: tuple[int, int] = (240, 300)) -> np.ndarray:
    return np.full((*shape, 3), color, np.uint8)


def run(painter: Pipeline, progress: Progress | None = None, **wanted) -> list[Layer]:
    """Run a request as the daemon does: `images`, `origins`, `settings`, `outputs`, `frugal`."""
    images = {"sketch": sketch(), "colors": blobs(), **wanted.get("images", {})}
    images = {name: pixels for name, pixels in images.items() if pixels is not None}
    parameters, names = painter.declaration.check(
        images, wanted.get("settings", {}), wanted.get("outputs")
    )
    request = Request(images, parameters, names, origins=wanted.get("origins", {}))
    request.progress = progress or Progress()
    request.frugal = wanted.get("frugal", False)
    request.memory = wanted.get("memory", {})
    request.timing = wanted.get("timing", {})
    return painter.run(request)


def picture(painter: Pipeline, progress: Progress | None = None, **wanted) -> np.ndarray:
    (layer,) = run(painter, progress, **wanted)
    assert layer.name == "picture"
    assert layer.title == ""
    return layer.pixels


def difference(some: np.ndarray, others: np.ndarray) -> float:
    """The largest, of values from 0 to 1."""
    return float(np.abs(some / full(some.dtype) - others / full(others.dtype)).max())


@pytest.mark.parametrize("dtype", DEPTHS)
def test_the_picture_has_the_sketchs_size_depth_and_place(painter: Pipeline, dtype: type) -> None:
    origins = {"sketch": (1000, 500), "colors": (1000, 500)}
    expected = picture(painter)
    for channels in (1, 3, 4):
        images = {"sketch": sketch(channels=channels, dtype=dtype)}
        (layer,) = run(painter, images=images, origins=origins)
        assert layer.pixels.dtype == dtype
        assert layer.pixels.shape == (240, 300, 4)
        assert layer.origin == (1000, 500)
        assert (layer.pixels[..., 3] == full(dtype)).all()
        assert np.abs(layer.pixels / full(dtype) - expected / 255).mean() < 0.01
    assert expected[..., :3].std() > 5


def test_edges_and_colors_both_matter_and_lie_where_their_origins_say(painter: Pipeline) -> None:
    known = picture(painter)
    assert difference(picture(painter, images={"sketch": sketch()[::-1]}), known) > 0.05
    assert difference(picture(painter, images={"colors": blobs((240, 300), BLUE)}), known) > 0.05
    part = blobs()[60:200, 20:290]
    origins = {"sketch": (7, 5), "colors": (27, 65)}
    assert np.array_equal(picture(painter, images={"colors": part}, origins=origins), known)
    elsewhere = {"sketch": (7, 5), "colors": (0, 0)}
    assert difference(picture(painter, images={"colors": part}, origins=elsewhere), known) > 0.05


class Sizes:
    """Notes the sizes of what networks are given: (height, width) each."""

    def __init__(self, painter: Pipeline):
        assert isinstance(painter, PipelineImpl)
        networks = painter.networks("drawings")
        self.generate = self._noted(networks.generate)
        self.refine = self._noted(networks.refine)

    @staticmethod
    def _noted(made: nn.Module | None) -> list[tuple[int, int]]:
        sizes: list[tuple[int, int]] = []
        if made is not None:
            made.register_forward_pre_hook(lambda _, given: sizes.append(given[0].shape[2:]))
        return sizes


@pytest.mark.parametrize(
    ("settings", "refined"),
    [
        ({}, [152, 304]),
        ({"detail": "512"}, [152, 304]),
        ({"detail": "canvas"}, [152, 304]),
        ({"detail": "work size"}, [128]),
        ({"refine": False}, []),
    ],
)
def test_the_work_size_comes_first_and_detail_after_it(
    folder: Path, settings: dict, refined: list[int]
) -> None:
    painter = catalog.load("pi_rec", weights=write(folder / "sizes.safetensors"))
    sizes = Sizes(painter)
    picture(painter, settings=settings)
    assert [size[1] for size in sizes.generate] == [128]
    assert [size[1] for size in sizes.refine] == refined  # 150 and 300, in strides of 8


def test_sizes_double_up_to_that_of_detail() -> None:
    assert sizes_to_paint((1000, 2000), 128, 1024) == [
        (64, 128),
        (128, 256),
        (256, 512),
        (512, 1024),
    ]
    assert sizes_to_paint((700, 700, 3), 128, 700) == [
        (128,) * 2,
        (175,) * 2,
        (350,) * 2,
        (700,) * 2,
    ]
    assert sizes_to_paint((30, 20), 128, 30) == [(128, 85)]
    assert sizes_to_paint((1, 8000), 128, 256) == [(1, 128), (1, 256)]


def test_steps_go_from_the_first_colors_to_the_second(painter: Pipeline) -> None:
    first, second = blobs((240, 300), RED), blobs((240, 300), BLUE, RED)
    images = {"colors": first, "colors_2": second}
    layers = run(painter, images=images, settings={"steps": 3})
    assert [layer.title for layer in layers] == ["0 %", "50 %", "100 %"]
    assert np.array_equal(layers[0].pixels, picture(painter, images={"colors": first}))
    assert np.array_equal(layers[2].pixels, picture(painter, images={"colors": second}))
    mixed = (np.array(RED) + BLUE) / 2  # along a straight line in sRGB, as the paper's script does
    images = {"colors": plain(RED), "colors_2": plain(BLUE)}
    half = run(painter, images=images, settings={"steps": 3})[1].pixels
    expected = picture(painter, images={"colors": plain(tuple(mixed.astype(int)))})
    assert difference(half, expected) < 2 / 255
    assert difference(layers[0].pixels, half) > 0.05
    titles = [layer.title for layer in run(painter, images=images, settings={"steps": 6})]
    assert titles == ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]


def test_second_colors_without_paint_change_nothing(painter: Pipeline) -> None:
    empty = np.zeros((240, 300, 4), np.uint8)
    assert np.array_equal(picture(painter, images={"colors_2": empty}), picture(painter))
    from_white = run(painter, images={"colors": None, "colors_2": blobs()}, settings={"steps": 2})
    assert np.array_equal(from_white[0].pixels, picture(painter, images={"colors": None}))
    assert np.array_equal(from_white[1].pixels, picture(painter))


def test_an_earlier_picture_is_refined_and_nothing_else_is_looked_at(folder: Path) -> None:
    painter = catalog.load("pi_rec", weights=write(folder / "again.safetensors", 4))
    earlier = picture(painter)
    sizes = Sizes(painter)
    again = picture(painter, images={"picture": earlier})
    assert sizes.generate == []
    assert [size[1] for size in sizes.refine] == [128, 152, 304]
    assert difference(again, earlier) > 0.02
    other = {"picture": earlier, "colors": None, "colors_2": blobs((240, 300), BLUE)}
    assert np.array_equal(picture(painter, images=other, settings={"refine": False}), again)
    empty = np.zeros_like(earlier)
    assert np.array_equal(picture(painter, images={"picture": empty}), earlier)


def test_what_is_fine_in_a_picture_outlasts_its_refinement(
    painter: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(painter, PipelineImpl)
    refiner = painter.networks("drawings").refine
    monkeypatch.setattr(refiner, "forward", lambda colors, edges: colors)  # leaves all as it is
    rng = np.random.default_rng(0)
    fine = rng.integers(0, 256, (240, 300, 3), np.uint8)
    assert difference(picture(painter, images={"picture": fine})[..., :3], fine) < 2 / 255
    torn = np.dstack([fine, np.full(fine.shape[:2], 255, np.uint8)])
    torn[100:140, 100:140] = 0
    mended = picture(painter, images={"picture": torn})
    assert (mended[..., 3] == 255).all()
    assert np.abs(mended[90, 90].astype(int) - torn[90, 90]).max() <= 2


def test_weights_without_refinement_paint_and_refuse_to_refine(
    folder: Path, painter: Pipeline
) -> None:
    path = write(folder / "generates.safetensors", refines=False)
    alone = catalog.load("pi_rec", weights=path)
    assert np.array_equal(picture(alone), picture(painter, settings={"refine": False}))
    with pytest.raises(InvalidRequest, match=r"picture: .* no refinement"):
        picture(alone, images={"picture": blobs()})
    empty = np.zeros((9, 9, 4), np.uint8)
    assert np.array_equal(picture(alone, images={"picture": empty}), picture(alone))


def test_faces_have_weights_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "SHIPPED_WEIGHTS", tmp_path)
    shipped = write(tmp_path / "pi_rec.safetensors", 10)
    painter = catalog.load("pi_rec")
    with pytest.raises(InvalidRequest, match=r"domain: .*faces.*pi_rec_faces\.safetensors"):
        picture(painter, settings={"domain": "faces"})
    alone = painter.memory_bytes()
    faces = write(tmp_path / "pi_rec_faces.safetensors", 20)
    as_faces = picture(painter, settings={"domain": "faces"})
    assert painter.memory_bytes() == 2 * alone > 0
    assert np.array_equal(as_faces, picture(catalog.load("pi_rec", weights=faces)))
    assert difference(as_faces, picture(painter)) > 0.05

    own = Path(shutil.copy(shipped, tmp_path / "mine.safetensors"))
    mine = catalog.load("pi_rec", weights=own)
    assert np.array_equal(picture(mine, settings={"domain": "faces"}), picture(mine))


EMPTY = np.full((240, 300, 1), 255, np.uint8)


def test_without_edges_the_colors_alone_are_painted(painter: Pipeline) -> None:
    known = picture(painter, images={"sketch": EMPTY})
    for nothing in (np.zeros((240, 300, 4), np.uint8), np.zeros((240, 300, 1), np.uint8)):
        assert np.array_equal(picture(painter, images={"sketch": nothing}), known)
    assert difference(known, picture(painter)) > 0.05
    assert known[..., :3].std() > 5
    (lines,) = run(painter, images={"sketch": EMPTY}, outputs=["edges"])
    assert not lines.pixels.any()


def test_without_colors_all_is_white_to_the_network(painter: Pipeline) -> None:
    known = picture(painter, images={"colors": plain((255, 255, 255))})
    for nothing in (None, np.zeros((240, 300, 4), np.uint8), np.zeros((0, 0, 4), np.uint8)):
        for unpainted in ("spread", "paper"):
            settings = {"unpainted": unpainted}
            images = {"colors": nothing}
            assert np.array_equal(picture(painter, images=images, settings=settings), known)
    images = {"sketch": EMPTY, "colors": None}
    assert picture(painter, images=images).shape == (240, 300, 4)


def test_one_color_is_all_there_is_or_lies_on_paper(painter: Pipeline) -> None:
    one = {"colors": blobs((240, 300), RED)}
    everywhere = picture(painter, images={"colors": plain(RED)})
    spread = picture(painter, images=one, settings={"unpainted": "spread"})
    assert difference(spread, everywhere) < 0.02  # rounded otherwise on the way
    assert (
        difference(picture(painter, images=one, settings={"unpainted": "paper"}), everywhere) > 0.1
    )


@pytest.mark.parametrize("shape", [(1, 1), (1, 60), (60, 1), (5, 7), (301, 200), (40, 333)])
@pytest.mark.parametrize("content", ["empty", "drawn", "black"])
def test_odd_canvases_are_painted(painter: Pipeline, shape: tuple[int, int], content: str) -> None:
    drawn = {"empty": np.zeros((*shape, 4), np.uint8), "drawn": sketch(shape, 3)}
    given = drawn.get(content, np.zeros((*shape, 3), np.uint8))
    colors = np.full((*shape, 4), (*RED, 255), np.uint8)
    for settings in ({}, {"detail": "work size"}, {"refine": False}):
        made = picture(painter, images={"sketch": given, "colors": colors}, settings=settings)
        assert made.shape == (*shape, 4)
    images = {"sketch": given, "colors": None, "picture": colors}
    assert picture(painter, images=images).shape == (*shape, 4)


@pytest.mark.parametrize("amount", [0.5, 1.0])
def test_lighten_is_the_papers(painter: Pipeline, amount: float) -> None:
    before = picture(painter, settings={"detail": "canvas"})[..., :3].astype(float)
    after = picture(painter, settings={"detail": "canvas", "lighten": amount})[..., :3]
    expected = (before + amount * (1.1 * before - 12.5 - before)).clip(0, 255)
    assert np.abs(after - expected).max() < 1.2
    assert np.abs(after - before).max() > 3


def test_large_canvases_are_painted_in_tiles_as_if_in_one(
    painter: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = {"sketch": sketch((300, 411)), "colors": blobs((300, 411))}
    whole = picture(painter, images=images)
    monkeypatch.setattr(painting, "WINDOW", 256)
    monkeypatch.setattr(painting, "FRUGAL_WINDOW", 200)
    told: list[float] = []
    assert difference(picture(painter, Telling(told), images=images), whole) < 1.5 / 255
    steps = len(told)
    assert (
        difference(picture(painter, Telling(told), images=images, frugal=True), whole) < 1.5 / 255
    )
    assert len(told) - steps > steps


def test_the_papers_networks_paint_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    phases = {"generate": network(1, paper=True), "refine": network(2, paper=True)}
    path = write_phases(folder / "paper.safetensors", phases, "paper", PAPER.to_dict())
    painter = catalog.load("pi_rec", weights=path)
    made = picture(painter)
    assert made[..., :3].std() > 2
    monkeypatch.setattr(painting, "PAPER_WINDOW", 128)
    told: list[float] = []
    tiled = picture(painter, Telling(told), images={"sketch": sketch((301, 299))})
    assert tiled.shape == (301, 299, 4)
    assert len(told) > 100


class Telling(Progress):
    """Keeps the fractions; may cancel at the step with a number."""

    def __init__(self, told: list[float], stop: int = -1):
        self.told = told
        self.stop = stop
        self.previews: list[np.ndarray] = []

    def step(self, fraction: float, name: str, preview: np.ndarray | None = None) -> None:
        if len(self.told) == self.stop:
            raise Cancelled
        self.told.append(fraction)
        if preview is not None:
            self.previews.append(preview)


def test_progress_goes_on_within_each_look_and_shows_the_first(painter: Pipeline) -> None:
    progress = Telling([])
    images = {"colors_2": blobs((240, 300), BLUE)}
    run(painter, progress, images=images, settings={"steps": 2})
    assert progress.told == sorted(progress.told)
    assert progress.told[0] == 0
    assert progress.told[-1] == pytest.approx(0.95)
    # The last look has more than half of the pixels of a layer, and many layers of a network.
    assert max(np.diff(progress.told)) < 0.1
    assert [shown.shape for shown in progress.previews] == [(102, 128, 3)] * 2
    assert progress.previews[0].dtype == np.uint8


def test_a_job_stops_at_whichever_step_it_is_cancelled(painter: Pipeline) -> None:
    told: list[float] = []
    expected = picture(painter, Telling(told))
    for stop in [0, 1, 3, len(told) // 2, len(told) - 1]:
        memory = {}
        with pytest.raises(Cancelled):
            run(painter, Telling([], stop), memory=memory)
        assert np.array_equal(picture(painter, memory=memory), expected)
    assert isinstance(painter, PipelineImpl)
    for layer in painter.networks("drawings").generate.modules():
        assert not layer._forward_pre_hooks


def test_the_networks_own_time_is_told(painter: Pipeline) -> None:
    timing: dict[str, float] = {}
    picture(painter, timing=timing)
    assert timing.keys() == {"network"}
    assert timing["network"] > 0


@pytest.mark.parametrize("dtype", DEPTHS)
def test_edges_come_as_they_were_read_when_asked_for(painter: Pipeline, dtype: type) -> None:
    images = {"sketch": sketch(dtype=dtype)}
    layers = run(painter, images=images, outputs=["picture", "edges"])
    assert [layer.name for layer in layers] == ["picture", "edges"]
    lines = layers[1].pixels
    assert lines.dtype == dtype
    assert not lines[..., :3].any()
    shown = lines[..., 3] == full(dtype)
    assert set(np.unique(lines[..., 3] / full(dtype))) == {0, 1}
    assert shown[:, 150].sum() == 3  # the circle twice, and the line
    assert 600 < shown.sum() < 1200


def test_the_networks_first_edges_do_not_depend_on_the_size_of_detail(
    painter: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(painter, PipelineImpl)
    generator, given = painter.networks("drawings").generate, []
    monkeypatch.setattr(
        generator, "forward", lambda colors, edges: given.append(edges.numpy().copy()) or colors
    )
    eyes = sketch((500, 500))
    cv2.circle(eyes, (230, 230), 14, 0, -1)  # 7 of 128 pixels: an outline and what it encloses
    for detail in ("work size", "canvas"):
        picture(painter, images={"sketch": eyes, "colors": None}, settings={"detail": detail})
    small, large = given
    assert np.array_equal(small, large)
    assert not small[0, 0, 58:60, 58:60].any()
    assert small[0, 0, 54:64, 54:64].any()
