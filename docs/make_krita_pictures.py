"""The pictures of docs/krita.md, made in the real Krita: `python docs/make_krita_pictures.py`.

Needs what the host tests need. Each picture is what the screen shows at that step, with a daemon
that colors for real.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "hosts"))

from backend_process import BackendProcess, backend_environment  # noqa: E402
from inside_krita import Krita, QtCore, QtGui  # noqa: E402
from krita_session import KritaSession  # noqa: E402
from krita_steps import canvas, docker, open_document, widget  # noqa: E402
from plugin_steps import finished, make_line_art, model, workspace  # noqa: E402

PICTURES = HERE / "images" / "krita"
# What the demo's references show: there they are called as the drawings that they are for.
REFERENCES = {
    "burger": "pancakes",
    "fairy": "reading",
    "halloween": "tigers",
    "pie": "cake",
    "robot": "shoe",
}
WIDTH = 1280  # pixels, as large as a page shows them


def make_room() -> Any:
    """Leave the s2i docker, layers and colors on the right."""
    for name in ("PresetDocker", "sharedtooldocker", "ColorSelectorNg"):
        for found in Krita.instance().dockers():
            if found.objectName() == name:
                found.hide()
    shown = docker("s2i_docker")
    window = Krita.instance().activeWindow().qwindow()
    window.resizeDocks([shown], [340], QtCore.Qt.Orientation.Horizontal)
    layers = docker("KisLayerBox")
    # All layers of the last picture can be seen.
    window.resizeDocks([shown, layers], [575, 325], QtCore.Qt.Orientation.Vertical)
    yield 0.5


def settle() -> Any:
    yield 2.0  # until Krita's note about the zoom is gone
    QtCore.QCoreApplication.sendEvent(canvas(), QtCore.QEvent(QtCore.QEvent.Type.Leave))
    yield 0.2  # until the brush's outline is gone


def paint_hints(png: str) -> Any:
    """The demo's hints on a hint layer, as if dabbed with a brush."""
    model().add_hint_layer()
    yield 0.2
    image = QtGui.QImage(png).convertToFormat(QtGui.QImage.Format.Format_ARGB32)
    bits = image.constBits()
    bits.setsize(image.bytesPerLine() * image.height())
    document = Krita.instance().activeDocument()
    pixels = QtCore.QByteArray(bytes(bits))
    document.activeNode().setPixelData(pixels, 0, 0, image.width(), image.height())
    document.refreshProjection()
    document.waitForDone()
    yield 0.5


def generate() -> Any:
    model().generate()
    return (yield from finished())


def search(folder: str) -> Any:
    model().choose("find_reference")
    model().set_parameter("folder", folder)
    told = yield from generate()
    yield lambda: all(image is not None for image in model().found.thumbnails)
    yield 0.5
    return told


def use(name: str) -> Any:
    """Take one of the pictures that were found as the reference."""
    titles = model().found.titles
    model().found.pick(next(i for i, title in enumerate(titles) if title.endswith(name)))
    widget("s2i_docker", "use_found").click()
    told = yield from finished()
    yield lambda: not model().sources["reference"].loading
    return told


def apply() -> Any:
    model().apply()
    message = yield from finished()
    yield 1.0
    return message


def wait_for_daemon() -> Any:
    yield lambda: workspace().connection.is_ready
    yield lambda: model() is not None and model().pipeline is not None
    yield 0.5


def make(krita: KritaSession, folder: Path) -> None:
    shutil.copy(HERE / "demo" / "drawings" / "burger.png", krita.folder)
    shutil.copy(HERE / "demo" / "hints" / "burger.png", krita.folder / "hints.png")
    art = str(krita.folder / "Burger.kra")
    krita.run(make_line_art, str(krita.folder / "burger.png"), art)
    krita.run(make_room)
    backend = folder / "backend"
    daemon = None
    try:
        krita.run(open_without_daemon, art)
        krita.run(settle)
        save(krita, "1-start")
        daemon = BackendProcess(backend)
        krita.run(wait_for_daemon)
        save(krita, "2-line-art")
        krita.run(paint_hints, str(krita.folder / "hints.png"))
        save(krita, "3-hints")
        told = krita.run(generate, timeout=120)
        assert told is None, told
        save(krita, "4-result")
        told = krita.run(apply)
        assert told is None, told
        save(krita, "5-layers")
        krita.quit()
    finally:
        if daemon is not None:
            daemon.stop()


def make_references(krita: KritaSession, folder: Path) -> None:
    """A folder is searched, and the drawing is colored like what was found."""
    shutil.copy(HERE / "demo" / "drawings" / "burger.png", krita.folder)
    references = krita.folder / "References"
    references.mkdir()
    for there, shown in REFERENCES.items():
        shutil.copy(HERE / "demo" / "references" / f"{there}.png", references / f"{shown}.png")
    art = str(krita.folder / "Burger.kra")
    krita.run(make_line_art, str(krita.folder / "burger.png"), art)
    krita.run(make_room)
    daemon = BackendProcess(folder / "backend")
    try:
        krita.run(open_document, art)
        krita.run(wait_for_daemon)
        krita.run(settle)
        told = krita.run(search, str(references), timeout=120)
        assert told is None, told
        save(krita, "7-found")
        told = krita.run(use, "pancakes.png")
        assert told is None, told
        told = krita.run(generate, timeout=120)
        assert told is None, told
        save(krita, "6-reference")
        krita.quit()
    finally:
        daemon.stop()


def open_without_daemon(path: str) -> Any:
    yield from open_document(path)
    yield 0.5


def save(krita: KritaSession, name: str) -> None:
    image = Image.open(krita.screenshot(name)).convert("RGB")
    image.thumbnail((WIDTH, WIDTH), Image.Resampling.LANCZOS)
    PICTURES.mkdir(parents=True, exist_ok=True)
    # Median cut would gray out what is small, such as dabs of color.
    image = image.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    image.save(PICTURES / f"{name}.png", optimize=True)


def main() -> None:
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    with tempfile.TemporaryDirectory(prefix="s2i-pictures-") as name:
        folder = Path(name)
        plugin = Path(sys.argv[1]) if len(sys.argv) > 1 else build(folder)
        # Without a backend that the plugin would find, so that it offers to install one.
        environment = backend_environment(folder / "backend")
        for pictures in (make, make_references):
            with KritaSession(folder, plugins=[plugin], environment=environment) as krita:
                pictures(krita, folder)


def build(folder: Path) -> Path:
    command = [sys.executable, "-m", "s2i_backend", "addons", "build", "krita", "-o", str(folder)]
    subprocess.run([*command, "--platform=this"], check=True)
    (built,) = folder.glob("*.zip")
    return built


if __name__ == "__main__":
    main()
