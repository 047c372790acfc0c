"""Small pictures of large ones, without decoding all of their pixels."""

from __future__ import annotations

from collections.abc import Sequence

from s2i_client.pixels import Picture

from ..qt import QtCore, QtGui
from .eight_bit import eight_bit, sample

SIDE = 128
# Pixels sampled per side before Qt scales them down smoothly.
SAMPLES = 384
SHEET = 4  # pictures that a contact sheet shows


def thumbnail(picture: Picture, side: int = SIDE, samples: int = SAMPLES) -> QtGui.QImage:
    """The picture in at most `side` × `side` pixels, premultiplied ARGB."""
    small = image_of(sample(picture, samples))
    return small.scaled(
        side,
        side,
        QtCore.Qt.AspectRatioMode.KeepAspectRatio,
        QtCore.Qt.TransformationMode.SmoothTransformation,
    )


def contact_sheet(images: Sequence[QtGui.QImage], side: int = SIDE) -> QtGui.QImage:
    """Up to `SHEET` pictures in two rows; a single one as it is. At least one is needed."""
    if len(images) == 1:
        return images[0]
    sheet = QtGui.QImage(side, side, QtGui.QImage.Format.Format_ARGB32_Premultiplied)
    sheet.fill(QtGui.QColor(0, 0, 0, 0))
    half = side // 2
    painter = QtGui.QPainter(sheet)
    for place, image in enumerate(images[:SHEET]):
        small = image.scaled(
            half - 2,
            half - 2,
            QtCore.Qt.AspectRatioMode.KeepAspectRatio,
            QtCore.Qt.TransformationMode.SmoothTransformation,
        )
        left = place % 2 * half + (half - small.width()) // 2
        top = place // 2 * half + (half - small.height()) // 2
        painter.drawImage(left, top, small)
    painter.end()
    return sheet


def image_of(picture: Picture) -> QtGui.QImage:
    """The picture as a `QImage` of its own bytes, straight 8-bit RGBA; large ones take long."""
    rgba = eight_bit(picture)
    return QtGui.QImage(
        rgba, picture.width, picture.height, 4 * picture.width,
        QtGui.QImage.Format.Format_RGBA8888,
    ).copy()  # fmt: skip
