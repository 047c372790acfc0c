"""Line art colored like a picture, and such a picture found, in the real Krita with a daemon."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from backend_process import BackendProcess
from inside_krita import QtWidgets
from krita_session import KritaSession
from krita_steps import click, close_all, docker, layer_tree, pixel, widget
from PIL import Image, ImageDraw
from plugin_steps import dab, fingerprint, finished, make_line_art, model, open_line_art

DRAWING = Path(__file__).parents[2] / "docs" / "demo" / "drawings" / "burger.png"
BUN = (480, 240)  # where it is in the drawing
PICTURES = {
    "apple": ((222, 50, 40), (70, 150, 60)),
    "sky": ((90, 160, 230), (250, 230, 120)),
    "plum": ((110, 50, 130), (230, 200, 220)),
}


@pytest.fixture(scope="module")
def pictures(krita: KritaSession) -> Path:
    """A folder of pictures of a few plain colors each."""
    folder = krita.folder / "pictures"
    folder.mkdir()
    for name, (first, second) in PICTURES.items():
        image = Image.new("RGB", (300, 240), second)
        draw = ImageDraw.Draw(image)
        draw.ellipse((40, 30, 220, 210), fill=first, outline=(20, 20, 20), width=5)
        image.save(folder / f"{name}.png")
    return folder


@pytest.fixture
def opened(krita: KritaSession, daemon: BackendProcess, tmp_path: Path) -> Any:
    """White paper and a layer of lines, in a document of its own, and the docker."""
    png, kra = krita.folder / "burger.png", krita.folder / f"{tmp_path.name}.kra"
    shutil.copy(DRAWING, png)
    krita.run(make_line_art, str(png), str(kra))
    krita.run(open_line_art, str(kra))
    krita.run(show_docker)
    yield kra
    krita.run(close_all)


def show_docker() -> None:
    docker("s2i_docker")


def use(system: str, parameters: dict[str, Any]) -> None:
    model().choose(system)
    for name, value in parameters.items():
        model().set_parameter(name, value)


def take_reference(path: str) -> Any:
    model().take_file("reference", path)
    yield lambda: not model().sources["reference"].loading
    return model().sources["reference"].label


def generated() -> Any:
    yield from click("s2i_docker", "generate")
    return (yield from finished())


def applied() -> Any:
    yield from click("s2i_docker", "apply")
    return (yield from finished())


def shown_titles() -> Any:
    """What the docker shows of the pictures that were found, once all of them can be seen."""
    yield lambda: all(image is not None for image in model().found.thumbnails)
    found = widget("s2i_docker", "found")
    return [found.item(row).text() for row in range(found.count())] if found.isVisible() else []


def pick(title: str) -> Any:
    """Pick a picture by its title, and use it."""
    found = widget("s2i_docker", "found")
    rows = [row for row in range(found.count()) if title in found.item(row).text()]
    found.setCurrentRow(rows[0])
    yield from click("s2i_docker", "use_found")
    yield lambda: model().pipeline.name != "find_reference" and not model().is_busy
    yield lambda: not model().sources["reference"].loading
    shown = widget("s2i_docker", "source_reference")
    return [model().pipeline.name, QtWidgets.QComboBox.currentText(shown)]


def is_one_of(found: list[int], colors: Any, most: int = 12) -> bool:
    return any(
        all(abs(a - b) <= most for a, b in zip(found[:3], color, strict=True)) for color in colors
    )


def test_a_sketch_is_colored_with_the_colors_of_a_picture(
    krita: KritaSession, opened: Path, pictures: Path
) -> None:
    untouched = krita.run(fingerprint, ["Background", "Lines"])
    krita.run(use, "reference_colorization", {"shading": 0.0})
    assert krita.run(generated) == [
        "Color like a picture needs an input: Reference. Choose a layer or a picture for it.", ""
    ]  # fmt: skip
    assert krita.run(take_reference, str(pictures / "apple.png")) == "apple.png"
    assert krita.run(generated, timeout=120) is None
    krita.screenshot("reference-1-colored")
    assert krita.run(applied, timeout=120) is None
    tree = krita.run(layer_tree)
    assert [layer["name"] for layer in tree] == ["Background", "Lines", "Color like a picture"]
    assert [layer["name"] for layer in tree[2]["children"]] == ["Flats", "Shade", "Lines"]
    assert is_one_of(krita.run(pixel, *BUN), PICTURES["apple"])
    assert krita.run(fingerprint, ["Background", "Lines"]) == untouched


def test_spots_show_where_the_colors_come_from(
    krita: KritaSession, opened: Path, pictures: Path
) -> None:
    def spot(x: int, y: int) -> Any:
        yield from click("s2i_docker", "more_inputs_heading")
        yield from click("s2i_docker", "add_spot_layer")
        yield lambda: model().document.active_layer.name == "Spots"
        yield from dab(x, y, [0, 0, 0])
        yield from click("s2i_docker", "more_inputs_heading")

    krita.run(use, "reference_colorization", {})
    krita.run(take_reference, str(pictures / "plum.png"))
    krita.run(spot, *BUN)
    assert krita.run(generated, timeout=120) is None
    assert len(krita.run(shown_titles)) == 1
    krita.screenshot("reference-2-attention")
    assert krita.run(applied, timeout=120) is None, "it can be applied all the same"
    assert len(krita.run(layer_tree)[3]["children"]) == 3


def test_what_is_found_in_a_folder_is_the_reference_at_once(
    krita: KritaSession, opened: Path, pictures: Path
) -> None:
    krita.run(use, "find_reference", {"folder": ""})
    assert krita.run(generated) == ["Choose a folder first.", ""]
    krita.run(use, "find_reference", {"folder": str(pictures)})
    before = krita.run(layer_tree)
    assert krita.run(generated, timeout=120) is None
    titles = krita.run(shown_titles)
    assert sorted(title.split(" ", 1)[1] for title in titles) == [
        f"{n}.png" for n in sorted(PICTURES)
    ]
    krita.screenshot("reference-3-found")
    assert krita.run(layer_tree) == before, "nothing is laid over the drawing"
    system, shown = krita.run(pick, "sky.png")
    assert system == "reference_colorization"
    assert shown.endswith("sky.png")
    krita.run(use, "reference_colorization", {"shading": 0.0})
    assert krita.run(generated, timeout=120) is None
    krita.screenshot("reference-4-used")
    assert krita.run(applied, timeout=120) is None
    assert is_one_of(krita.run(pixel, *BUN), PICTURES["sky"])
