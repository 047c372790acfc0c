"""PI-REC in the real Krita: painted, refined by a second press, and from some colors to others."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from backend_process import BackendProcess
from inside_krita import QtWidgets
from krita_session import KritaSession
from krita_steps import click, close_all, docker, layer_tree, pixel, undo, widget
from plugin_steps import dab, finished, make_line_art, model, open_line_art

from s2i_backend.model_store import ModelStore
from s2i_models import catalog
from s2i_models.pi_rec.compact import CompactConfig, CompactGenerator
from s2i_training.export import write_weights

DRAWING = Path(__file__).parents[2] / "docs" / "demo" / "drawings" / "burger.png"
BUN = (480, 240)
SYSTEM = "Paint edges and colors"
SHIPPED = catalog.SHIPPED_WEIGHTS / "pi_rec.safetensors"


@pytest.fixture(scope="module")
def daemon(backend_folder: Path) -> Iterator[BackendProcess]:
    """With the weights that ship or, in a checkout without them, with a network of random ones:
    what is looked at here is where pictures go, not how good they are."""
    if not SHIPPED.is_file():
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("S2I_MODELS_DIR", str(backend_folder / "models"))
            store = ModelStore()
            store.use(store.import_file(random_weights(backend_folder)).name)
    process = BackendProcess(backend_folder)
    yield process
    process.stop()


def random_weights(folder: Path) -> Path:
    """A network whose every layer says something: untrained it would give its colors back."""
    torch.manual_seed(1)
    config = CompactConfig()
    state = {}
    for phase in ("generate", "refine"):
        network = CompactGenerator(config)
        for parameter in network.parameters():
            if parameter.ndim == 4:
                torch.nn.init.normal_(parameter, 0, 0.1)
        state |= {f"{phase}.{name}": value for name, value in network.state_dict().items()}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "random.safetensors"
    write_weights(path, state, "pi_rec", "compact", config.to_dict())
    return path


@pytest.fixture
def opened(krita: KritaSession, daemon: BackendProcess, tmp_path: Path) -> Any:
    """White paper, a layer of lines and one of colors, at the quickest size, and the docker."""
    png, kra = krita.folder / "burger.png", krita.folder / f"{tmp_path.name}.kra"
    shutil.copy(DRAWING, png)
    krita.run(make_line_art, str(png), str(kra))
    krita.run(open_line_art, str(kra))
    krita.run(choose_system)
    krita.run(paint_colors, "colors", [220, 60, 30])
    yield kra
    krita.run(close_all)


def choose_system() -> None:
    docker("s2i_docker")
    model().choose("pi_rec")
    model().reset_parameters()
    model().set_parameter("detail", "work size")


def set_steps(count: int) -> None:
    model().set_parameter("steps", count)


def paint_colors(name: str, color: list[int]) -> Any:
    """Press the brush beside an input and paint on the layer that it makes."""
    if name == "colors":
        yield from click("s2i_docker", "add_color_layer")
    else:
        yield from click("s2i_docker", "more_inputs_heading")
        yield from click("s2i_docker", f"add_{name}_layer")
        yield from click("s2i_docker", "more_inputs_heading")
    source = model().sources[name]
    yield lambda: model().document.active_layer.id == source.layer
    yield from dab(480, 240, color, 200)


def pressed(name: str) -> Any:
    yield from click("s2i_docker", name)
    return (yield from finished())


def results() -> list[str]:
    """The layers of all results, the newest first, as they are kept."""
    return [
        "/".join(layer.info.title for layer in entry.layers) for entry in model().history.entries
    ]


def refine_button() -> list[Any]:
    """What the button says and whether it is in sight."""
    button = widget("s2i_docker", "again")
    return [button.text(), button.isVisible()]


def shown_pictures() -> Any:
    """The titles in the docker, once all of their pictures can be seen."""
    yield lambda: all(image is not None for image in model().found.thumbnails)
    found = widget("s2i_docker", "found")
    return [found.item(row).text() for row in range(found.count())] if found.isVisible() else []


def pick(row: int) -> Any:
    QtWidgets.QListWidget.setCurrentRow(widget("s2i_docker", "found"), row)
    yield from finished()


def difference() -> float:
    """Of the newest result to the one before it, in levels from 0 to 255."""
    newest, before = (entry.layers[0].unpack().data[::97] for entry in model().history.entries[:2])
    return sum(abs(a - b) for a, b in zip(newest, before, strict=True)) / len(newest)


def test_a_picture_is_painted_and_refined_by_a_second_press(
    krita: KritaSession, opened: Path
) -> None:
    before = krita.run(layer_tree)
    assert not krita.run(refine_button)[1], "there is nothing to refine yet"
    assert krita.run(pressed, "generate", timeout=120) is None
    assert krita.run(refine_button) == ["Refine", True]
    krita.screenshot("pi-rec-1-painted")
    assert krita.run(pressed, "again", timeout=120) is None
    assert len(krita.run(results)) == 2
    assert krita.run(difference) > 0.5, "the first was looked at again"
    krita.screenshot("pi-rec-2-refined")
    assert krita.run(pressed, "apply", timeout=120) is None
    [made] = [layer for layer in krita.run(layer_tree) if layer["name"] == SYSTEM]
    assert [layer["visible"] for layer in made["children"]] == [True]
    krita.run(undo)
    assert krita.run(layer_tree) == before


def test_of_the_steps_between_two_color_layers_the_picked_one_is_seen(
    krita: KritaSession, opened: Path
) -> None:
    krita.run(paint_colors, "colors_2", [30, 60, 220])
    krita.run(set_steps, 3)
    assert krita.run(pressed, "generate", timeout=120) is None
    titles = krita.run(shown_pictures)
    assert len(titles) == 3
    first = krita.run(pixel, *BUN)
    krita.run(pick, 2)
    assert krita.run(pixel, *BUN) != first, "the preview is that of the picked one"
    krita.screenshot("pi-rec-3-steps")
    assert krita.run(pressed, "apply", timeout=120) is None
    [made] = [layer for layer in krita.run(layer_tree) if layer["name"] == SYSTEM]
    shown = {layer["name"]: layer["visible"] for layer in made["children"]}
    assert shown == {titles[0]: False, titles[1]: False, titles[2]: True}
    krita.screenshot("pi-rec-4-applied")
