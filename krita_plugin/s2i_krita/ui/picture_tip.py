"""A tooltip with a picture in it."""

from __future__ import annotations

from html import escape

from ..qt import QtCore, QtGui


def picture_tip(image: QtGui.QImage, *lines: str) -> str:
    """Rich text for `setToolTip`: the picture, and below it the lines."""
    data = QtCore.QByteArray()
    buffer = QtCore.QBuffer(data)
    buffer.open(QtCore.QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    encoded = bytes(data.toBase64().data()).decode()
    text = "<br>".join(escape(line) for line in lines)
    return f'<p><img src="data:image/png;base64,{encoded}"></p><p>{text}</p>'
