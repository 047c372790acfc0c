"""Small pictures of large ones, without decoding all of their pixels."""

from __future__ import annotations

from s2i_client.pixels import Picture

from ..qt import QtCore, QtGui
from .eight_bit import eight_bit, sample

SIDE = 128
# Pixels sampled per side before Qt scales them down smoothly.
SAMPLES = 384


def thumbnail(picture: Picture, side: int = SIDE, samples: int = SAMPLES) -> QtGui.QImage:
    """The picture in at most `side` × `side` pixels, premultiplied ARGB."""
    small = image_of(sample(picture, samples))
    return small.scaled(
        side,
        side,
        QtCore.Qt.AspectRatioMode.KeepAspectRatio,
        QtCore.Qt.TransformationMode.SmoothTransformation,
    )


def image_of(picture: Picture) -> QtGui.QImage:
    """The picture as a `QImage` of its own bytes, straight 8-bit RGBA; meant for small ones."""
    rgba = eight_bit(picture)
    return QtGui.QImage(
        rgba, picture.width, picture.height, 4 * picture.width,
        QtGui.QImage.Format.Format_RGBA8888,
    ).copy()  # fmt: skip
