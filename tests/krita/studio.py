"""The plugin's model on a fake Krita, with a scripted daemon behind it and no widgets before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from fake_krita import Document as KritaDocument
from fake_krita import testing
from fake_krita.application import Krita
from pytestqt.qtbot import QtBot
from scripted_client import ScriptedClient, ScriptedInstallation, ScriptedLauncher

from s2i_client.declaration import Declaration, Input, Output, Parameter
from s2i_client.jobs import Job
from s2i_client.pixels import Picture, ResultLayer
from s2i_krita.backend.connection import Connection
from s2i_krita.backend.daemon import Daemon
from s2i_krita.backend.offer import Offer
from s2i_krita.host.document import Document
from s2i_krita.host.layer import PREVIEW_NAME, is_preview
from s2i_krita.model.document_model import SPLIT, DocumentModel
from s2i_krita.model.palette import Palette
from s2i_krita.model.settings import Settings
from s2i_krita.model.workspace import Workspace
from s2i_krita.qt import QtCore

SIDE = 16
RED, BLUE = (200, 30, 20), (10, 40, 220)

SKETCH = Input("sketch", "Sketch", "Lines.", required=True)
FLATS = Output("flats", "Flats", "Colors.", "flats")
PAINTER = Declaration(
    "painter",
    "Painter",
    "",
    (
        SKETCH,
        Input("hints", "Hints", "Strokes."),
        Input("reference", "Reference", "A picture of the colors.", off_canvas=True),
        Input("palette", "Palette", "The only colors.", off_canvas=True),
    ),
    (
        Parameter("detail", "Detail", "", "float", 0.5, minimum=0, maximum=1),
        Parameter("steps", "Steps", "", "int", 8, minimum=1, maximum=50, live=2),
        Parameter("way", "Way", "", "choice", "calm", choices=("calm", "wild")),
    ),
    (FLATS, Output("lines", "Lines", "Lines.", "lines", "multiply")),
)
FLATTER = Declaration(
    "flatter",
    "Flatter",
    "",
    (SKETCH,),
    (Parameter("detail", "Detail", "", "float", 0.25, minimum=0, maximum=1),),
    (FLATS,),
    whole=True,
)
SPLITTER = Declaration(
    SPLIT, "", "", (SKETCH,), (), (Output("layer", "Color", "", "flats", many=True),), hidden=True
)


class Studio:
    """All that the plugin has but widgets; `kept` is what Krita's settings file has."""

    def __init__(self, bot: QtBot, kept: Mapping[str, str] | None = None):
        self.bot = bot
        self.kept = dict(kept or {})
        self.client = ScriptedClient((PAINTER, FLATTER, SPLITTER))
        self.connection = Connection(self.client)
        self.launcher, self.installation = ScriptedLauncher(), ScriptedInstallation()
        self.daemon = Daemon(
            self.launcher, self.installation, Offer("2.0", Path("wheel"), Path("constraints"))
        )
        self.settings = Settings(self.kept.get, self.kept.__setitem__)
        self.palette = Palette(self.kept.get, self.kept.__setitem__)
        self.workspace = Workspace(self.connection, self.daemon, self.settings, self.palette)

    # The daemon.

    def connect(self) -> None:
        self.client.connect()
        self.connection.poll()

    def lose(self) -> None:
        self.client.lose()
        self.connection.poll()

    def submitted(self, count: int = 1) -> Job:
        """Wait until so many jobs were handed over in all; the last one."""
        self.bot.waitUntil(lambda: len(self.client.submitted) >= count)
        assert len(self.client.submitted) == count
        return self.client.submitted[-1]

    def finish(self, job: Job, *layers: ResultLayer, **timing: float) -> None:
        self.client.finish(job, *(layers or painted()), **timing)
        self.connection.poll()

    # The document.

    def open(self, *names: str) -> tuple[KritaDocument, DocumentModel]:
        """A document with these layers above its background, bottom first; the top one is active.

        Without names it has "lines" and "other".
        """
        raw = testing.show_document(SIDE, SIDE)
        for seed, name in enumerate(names or ("lines", "other")):
            testing.add_layer(raw, name, noise(seed))
        return raw, self.model_of(raw)

    def model_of(self, raw: KritaDocument) -> DocumentModel:
        model = self.workspace.model_of(Document(raw))
        assert model is not None
        return model

    def until_idle(self, model: DocumentModel) -> None:
        """Wait until nothing runs, not even what draws the preview."""
        self.bot.waitUntil(lambda: not model.is_busy and model._preview_task is None)

    def generate(self, model: DocumentModel, *layers: ResultLayer) -> Job:
        """Let Generate bring a result."""
        model.generate()
        job = self.submitted(len(self.client.submitted) + 1)
        self.finish(job, *layers)
        self.until_idle(model)
        assert model.message is None
        return job

    def close(self) -> None:
        self.workspace.close()
        self.workspace.deleteLater()
        self.connection.deleteLater()
        self.daemon.deleteLater()
        settle()


def settle() -> None:
    """Let Qt do what it put off: deliver, and delete."""
    QtCore.QCoreApplication.processEvents()
    QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)


def noise(seed: int) -> bytes:
    """A layer's pixels, opaque at its edge."""
    pixels = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 4))
    pixels[..., 3] = 255
    return pixels.astype(np.uint8).tobytes()


def painted(color: tuple[int, int, int] = RED) -> tuple[ResultLayer, ...]:
    """What the painter brings back, in Krita's order of channels."""
    data = bytes((*reversed(color), 255)) * SIDE**2
    flats = ResultLayer(
        name="flats", width=SIDE, height=SIDE, order="bgra", kind="flats", data=data
    )
    lines = replace(flats, name="lines", kind="lines", blend="multiply", data=noise(9))
    return flats, lines


def preview_of(raw: KritaDocument) -> Any | None:
    """The preview's layer, if it is there."""
    found = [node for node in nodes(raw.rootNode()) if is_preview(node)]
    assert len(found) <= 1, f"{PREVIEW_NAME} is there {len(found)} times"
    return found[0] if found else None


def nodes(parent: Any) -> Iterator[Any]:
    for child in parent.childNodes():
        yield child
        yield from nodes(child)


def users_layers(raw: KritaDocument) -> list[tuple[object, ...]]:
    """All about the layers but the preview, bit for bit, from bottom to top."""
    return [
        (
            node.uniqueId().toString(),
            node.name(),
            node.parentNode().uniqueId().toString(),
            node.visible(),
            node.locked(),
            node.opacity(),
            node.blendingMode(),
            node.bounds().getRect(),
            node.pixelData(-2, -2, SIDE + 4, SIDE + 4).data(),
        )
        for node in nodes(raw.rootNode())
        if not is_preview(node)
    ]


def no_scratch(krita: Krita) -> bool:
    """Whether no hidden document was left open."""
    settle()
    shown = [view.document() for view in krita.views()]
    return all(document in shown for document in krita.documents())


def small_picture(side: int = 8) -> Picture:
    return Picture(name="preview", width=side, height=side, data=bytes((*BLUE, 255)) * side**2)
