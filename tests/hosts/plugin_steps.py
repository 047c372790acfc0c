"""What a user does with the s2i plugin, as functions to be sent into Krita."""

from __future__ import annotations

import hashlib
from typing import Any

from inside_krita import Krita, QtCore, QtGui
from krita_steps import open_document, show_document


def workspace() -> Any:
    """The plugin's model, that of the docker which the user sees."""
    import s2i_krita.extension  # type: ignore[import-not-found]  # inside Krita

    return s2i_krita.extension.workspace()


def model() -> Any:
    return workspace().active_model()


def connected() -> Any:
    """Wait until the plugin has found the daemon."""
    yield lambda: workspace().connection.is_ready


def add_lines(document: Any, image: Any) -> None:
    """A layer of black lines, as opaque as the picture, a QImage of the canvas's size, is dark."""
    gray = image.convertToFormat(QtGui.QImage.Format.Format_Grayscale8)
    width, height = gray.width(), gray.height()
    rows = []
    for y in range(height):
        bits = gray.constScanLine(y)
        bits.setsize(width)
        row = bytearray(4 * width)
        row[3::4] = bytes(bits).translate(bytes(range(255, -1, -1)))
        rows.append(bytes(row))
    lines = document.createNode("Lines", "paintlayer")
    lines.setPixelData(QtCore.QByteArray(b"".join(rows)), 0, 0, width, height)
    document.rootNode().addChildNode(lines, None)
    document.setActiveNode(lines)
    document.waitForDone()


def make_line_art(png: str, path: str) -> Any:
    """Save a .kra as an artist has it: white paper, and black lines on a layer of their own."""
    image = QtGui.QImage(png)
    width, height = image.width(), image.height()
    document = Krita.instance().createDocument(width, height, "art", "RGBA", "U8", "", 120.0)
    yield from show_document(document)
    add_lines(document, image)
    document.waitForDone()
    document.saveAs(path)
    document.setModified(False)
    yield 0.2
    document.close()
    yield 0.2


def open_line_art(path: str) -> Any:
    """Open it and wait for the plugin to be ready for it."""
    yield from open_document(path)
    yield from connected()
    yield lambda: model() is not None and model().pipeline is not None


def finished() -> Any:
    """Wait until the plugin's job has ended and its preview is shown; what it told the user."""
    yield lambda: not model().is_busy
    yield lambda: model()._preview_task is None
    yield 0.3  # until Krita's dockers show it too
    return told()


def told() -> Any:
    message = model().message
    return [message.text, message.fix] if message is not None else None


def dab(x: int, y: int, color: list[int], side: int = 24) -> Any:
    """A square of color on the active layer, as fast as a test wants it."""
    document = Krita.instance().activeDocument()
    red, green, blue = color
    data = bytes((blue, green, red, 255)) * (side * side)
    node = document.activeNode()
    node.setPixelData(QtCore.QByteArray(data), x - side // 2, y - side // 2, side, side)
    document.refreshProjection()
    document.waitForDone()
    yield 0.1


def fingerprint(names: list[str]) -> dict[str, str]:
    """What the layers of these names have in them, to see that nothing changed them."""
    document = Krita.instance().activeDocument()
    found = {}
    for name in names:
        node = document.nodeByName(name)
        data = node.pixelData(0, 0, document.width(), document.height()).data()
        found[name] = hashlib.sha256(data).hexdigest()
    return found


def undo_text() -> list[str]:
    """What undo and redo would do now; nothing more than their names when there is nothing."""
    texts = []
    for name in ("edit_undo", "edit_redo"):
        action = Krita.instance().action(name)
        texts.append(action.text().strip())
    return texts
