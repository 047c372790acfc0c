"""Where an input of a system comes from: a layer, the whole picture, a file, or the clipboard."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from s2i_client.pixels import Picture

from ..host.layer import Layer
from ..qt import QtGui
from ..texts import _

# What artists call the layer of their line art, in some languages.
LINE_NAMES = re.compile(r"line|ink|sketch|outline|draw|skizz|lini|zeichn|trait|encr|線|线", re.I)


class SourceKind(Enum):
    nothing = "nothing"
    layer = "layer"
    canvas = "canvas"  # all that is visible
    file = "file"
    picture = "picture"  # pasted or dropped
    palette = "palette"  # the colors of the palette


@dataclass(frozen=True)
class Source:
    """A choice for one input. Switched off, it is kept and not sent.

    `layer`: a layer's id. `picture` has the pixels of `file` and `picture`; `label` is its name.
    """

    kind: SourceKind = SourceKind.nothing
    layer: str = ""
    path: str = ""
    picture: Picture | None = None
    label: str = ""
    enabled: bool = True

    @property
    def is_sent(self) -> bool:
        return self.enabled and self.kind is not SourceKind.nothing

    def switched(self, enabled: bool) -> Source:
        return replace(self, enabled=enabled)


class UnreadablePicture(ValueError):
    """A file or the clipboard has no picture; the text says what to do."""


def from_layer(layer: Layer) -> Source:
    return Source(SourceKind.layer, layer=layer.id, label=layer.name)


def from_file(path: str | Path) -> Source:
    """Reads the file; raises `UnreadablePicture`."""
    reader = QtGui.QImageReader(str(path))
    reader.setAutoTransform(True)
    image = reader.read()
    if image.isNull():
        raise UnreadablePicture(
            _("{name} can not be read as a picture: {why}. Choose a PNG, JPEG or WebP file.",
              name=Path(path).name, why=reader.errorString())
        )  # fmt: skip
    return Source(SourceKind.file, path=str(path), picture=picture_of(image), label=Path(path).name)


def from_image(image: QtGui.QImage, label: str) -> Source:
    """Pixels that were pasted or dropped; raises `UnreadablePicture`."""
    if image.isNull():
        raise UnreadablePicture(_("The clipboard has no picture. Copy one first."))
    return Source(SourceKind.picture, picture=picture_of(image), label=label)


def picture_of(image: QtGui.QImage, name: str = "reference") -> Picture:
    """A `QImage` of any format as a picture: 8-bit rgba, straight alpha."""
    plain = image.convertToFormat(QtGui.QImage.Format.Format_RGBA8888)
    bits = plain.constBits()
    assert bits is not None
    # Four bytes a pixel: rows of this format have no padding.
    data = bits.asstring(plain.bytesPerLine() * plain.height())
    return Picture(name=name, width=plain.width(), height=plain.height(), data=data)


def guess_sketch(layers: list[Layer], active: Layer | None) -> Layer | None:
    """The layer that is most likely the line art: named so, else the active one, else the top."""
    paintable = [layer for layer in layers if layer.is_paintable and layer.visible]
    if active is not None and active in paintable and LINE_NAMES.search(active.name):
        return active
    named = [layer for layer in paintable if LINE_NAMES.search(layer.name)]
    for guess in (*named, active, *paintable):
        if guess is not None:
            return guess
    return None
