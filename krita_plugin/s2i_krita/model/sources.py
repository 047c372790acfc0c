"""Where an input of a system comes from: a layer, the whole picture, a file, or the clipboard."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from s2i_client.pixels import Picture

from ..host.layer import Layer
from ..qt import QtCore, QtGui
from ..texts import _

# What artists call the layer of their line art, in some languages. The short ones only where no
# letter is beside them: there is ink in pink, and trait in portrait.
LINE_NAMES = re.compile(
    r"sketch|outline|lineart|linework|drawing|skizz|linie|zeichnung|encrage|線|线"
    r"|(?<![^\W\d_])(lines?|ink(s|ed|ing)?|draw|tusche|traits?|encré)(?![^\W\d_])",
    re.IGNORECASE,
)
DRAWN_TYPES = ("paintlayer", "grouplayer", "vectorlayer", "filelayer", "clonelayer")
# A reference tells colors: more pixels would only take longer, at each request.
MOST_SIDE = 2048
# What was pasted is kept in the document, which should not grow much.
MOST_PASTED_SIDE = 1024


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

    `layer`: a layer's id. `picture` has the pixels of `file` and `picture`, None while they are
    `loading` and when a file could not be read; `label` is its name. `packed` has those of
    `picture` as a PNG, which is kept in the document.
    """

    kind: SourceKind = SourceKind.nothing
    layer: str = ""
    path: str = ""
    picture: Picture | None = None
    label: str = ""
    enabled: bool = True
    loading: bool = False
    packed: bytes = b""

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
    """The choice of a file, which is still to be read."""
    return Source(SourceKind.file, path=str(path), label=Path(path).name, loading=True)


def from_image(label: str) -> Source:
    """The choice of what was pasted or dropped, whose pixels are still to be taken."""
    return Source(SourceKind.picture, label=label, loading=True)


def from_packed(packed: bytes, label: str) -> Source:
    """The choice of what was pasted on another day, still to be unpacked."""
    return Source(SourceKind.picture, label=label, loading=True, packed=packed)


def read_file(path: str | Path, name: str = "reference") -> Picture:
    """The picture in a file, as `picture_of` makes it; raises `UnreadablePicture`.

    Takes long for a photograph; any thread may call it.
    """
    path = Path(path)
    if not path.is_file():
        raise UnreadablePicture(
            _("{path} is not there any more. Choose another picture, or switch this input off.",
              path=path)
        )  # fmt: skip
    reader = QtGui.QImageReader(str(path))
    reader.setAutoTransform(True)
    size = reader.size()
    if not size.isEmpty():  # some formats do not tell it before they are read
        reader.setScaledSize(_fitted(size, MOST_SIDE))
    image = reader.read()
    if image.isNull():
        raise UnreadablePicture(
            _("{name} can not be read as a picture: {why}. Choose a PNG, JPEG or WebP file.",
              name=path.name, why=reader.errorString())
        )  # fmt: skip
    return picture_of(image, name)


def pack(image: QtGui.QImage) -> tuple[Picture, bytes]:
    """A picture that is small enough to keep, and a PNG of just its pixels.

    Raises `UnreadablePicture`; any thread may call it.
    """
    picture = picture_of(image, most=MOST_PASTED_SIDE)
    plain = QtGui.QImage(
        bytes(picture.data),
        picture.width,
        picture.height,
        4 * picture.width,
        QtGui.QImage.Format.Format_RGBA8888,
    )
    packed = QtCore.QByteArray()
    buffer = QtCore.QBuffer(packed)
    buffer.open(QtCore.QIODevice.OpenModeFlag.WriteOnly)
    plain.save(buffer, "PNG")
    return picture, packed.data()


def unpack(packed: bytes) -> tuple[Picture, bytes]:
    """What `pack` returned, from the PNG; raises `UnreadablePicture`."""
    image = QtGui.QImage.fromData(packed, "PNG")
    return picture_of(image, most=MOST_PASTED_SIDE), packed


def picture_of(image: QtGui.QImage, name: str = "reference", most: int = MOST_SIDE) -> Picture:
    """A `QImage` of any format as a picture: 8-bit rgba in sRGB, straight alpha.

    No side is longer than `most`. Raises `UnreadablePicture` when it has no pixels.
    """
    if image.isNull():
        raise UnreadablePicture(_("The picture has no pixels. Choose another one."))
    size = _fitted(image.size(), most)
    if size != image.size():
        image = image.scaled(
            size,
            QtCore.Qt.AspectRatioMode.IgnoreAspectRatio,
            QtCore.Qt.TransformationMode.SmoothTransformation,
        )
    if image.colorSpace().isValid():
        srgb = QtGui.QColorSpace(QtGui.QColorSpace.NamedColorSpace.SRgb)
        converted = image.convertedToColorSpace(srgb)
        # There are profiles that Qt can not convert from: then as they are.
        image = image if converted.isNull() else converted
    plain = image.convertToFormat(QtGui.QImage.Format.Format_RGBA8888)
    bits = plain.constBits()
    assert bits is not None
    # Four bytes a pixel: rows of this format have no padding.
    data = bits.asstring(plain.bytesPerLine() * plain.height())
    return Picture(name=name, width=plain.width(), height=plain.height(), data=data)


def _fitted(size: QtCore.QSize, most: int) -> QtCore.QSize:
    """The size, or that of the same shape with a longer side of `most`."""
    longer = max(size.width(), size.height())
    if longer <= most:
        return size
    sides = (max(1, round(side * most / longer)) for side in (size.width(), size.height()))
    return QtCore.QSize(*sides)


def guess_sketch(layers: list[Layer], active: Layer | None) -> Layer | None:
    """The layer that is most likely the line art: named so, else the active one, else the top.

    Artists lock their lines, group them, and draw them as vectors.
    """
    drawn = [layer for layer in layers if layer.type in DRAWN_TYPES and layer.visible]
    # Of equals, the active one comes first.
    drawn.sort(key=lambda layer: layer != active)
    named = [layer for layer in drawn if LINE_NAMES.search(layer.name)]
    return next(iter(named or drawn), None)
