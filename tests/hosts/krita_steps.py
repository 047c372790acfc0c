"""What a user does in Krita, as functions to be sent: by themselves or within others.

Generators are used as `yield from paint_stroke(...)` inside a sent function. Coordinates are
pixels of the image.
"""

from __future__ import annotations

import itertools
from typing import Any

from inside_krita import Krita, ManagedColor, QtCore, QTest, QtWidgets, Selection


def create_document(
    width: int,
    height: int,
    name: str = "test",
    model: str = "RGBA",
    depth: str = "U8",
    profile: str = "",
) -> Any:
    """Make a document with a white background, show it, and wait until it is the active one."""
    document = Krita.instance().createDocument(width, height, name, model, depth, profile, 72.0)
    if document is None:
        raise ValueError(f"Krita makes no document of {model} {depth} {profile}")
    yield from show_document(document)


def open_document(path: str) -> Any:
    """Open a file, show it, and wait until it is the active document."""
    document = Krita.instance().openDocument(path)
    if document is None:
        raise ValueError(f"Krita can not open {path}")
    yield from show_document(document)


def show_document(document: Any) -> Any:
    document.setBatchmode(True)  # No dialogs when it is saved or closed.
    Krita.instance().activeWindow().addView(document)
    Krita.instance().setActiveDocument(document)
    yield lambda: Krita.instance().activeDocument() == document
    yield canvas
    document.waitForDone()


def canvas() -> Any:
    """The widget that shows the active document, None while there is none."""
    window = Krita.instance().activeWindow().qwindow()
    in_front = window.findChild(QtWidgets.QMdiArea).activeSubWindow()
    for found in in_front.findChildren(QtWidgets.QWidget) if in_front else ():
        if found.metaObject().className() == "KisQPainterCanvas" and found.isVisible():
            return found
    return None


def use_brush(size: float = 8, color: tuple[int, int, int] = (0, 0, 0)) -> Any:
    """Take the freehand brush with a hard round preset, opaque, `size` pixels wide."""
    Krita.instance().action("KritaShape/KisToolBrush").trigger()
    yield 0.2
    view = Krita.instance().activeWindow().activeView()
    presets = Krita.instance().resources("preset")
    view.setCurrentBrushPreset(presets["b) Basic-1"])
    view.setBrushSize(size)
    view.setPaintingOpacity(1.0)
    shade = ManagedColor("RGBA", "U8", "sRGB-elle-V2-srgbtrc.icc")
    shade.setComponents([component / 255 for component in (*reversed(color), 255)])
    view.setForeGroundColor(shade)
    yield 0.2


def paint_stroke(
    points: list[list[float]], size: float = 8, color: tuple[int, int, int] = (0, 0, 0)
) -> Any:
    """Paint along `points` [[x, y], …] on the active layer with a real brush and mouse events."""
    yield from use_brush(size, color)
    target = canvas()
    places = [_on_canvas(target, x, y) for x, y in points]
    button = QtCore.Qt.MouseButton.LeftButton
    none = QtCore.Qt.KeyboardModifier.NoModifier
    QTest.mouseMove(target, places[0])
    yield 0.05
    QTest.mousePress(target, button, none, places[0])
    yield 0.02
    for start, end in itertools.pairwise(places):
        for step in range(1, 11):
            place = start + (end - start) * (step / 10)
            QTest.mouseMove(target, place)
            yield 0.005
    QTest.mouseRelease(target, button, none, places[-1])
    yield 0.1
    Krita.instance().activeDocument().waitForDone()


def _on_canvas(target: Any, x: float, y: float) -> Any:
    """Where a pixel lies on the canvas widget when the whole image is fit into it."""
    document = Krita.instance().activeDocument()
    width, height = document.width(), document.height()
    scale = min(target.width() / width, target.height() / height)
    left = target.width() / 2 + (x - width / 2) * scale
    top = target.height() / 2 + (y - height / 2) * scale
    return QtCore.QPoint(round(left), round(top))


def add_layer(name: str, kind: str = "paintlayer") -> None:
    """Add a layer above all others and make it the active one. Can be undone."""
    document = Krita.instance().activeDocument()
    node = document.createNode(name, kind)
    document.rootNode().addChildNode(node, None)
    document.setActiveNode(node)
    document.waitForDone()


def activate_layer(name: str) -> None:
    """Make the layer with this name the active one."""
    document = Krita.instance().activeDocument()
    node = document.nodeByName(name)
    if node is None:
        raise LookupError(f"no layer {name}; there are: {layer_tree()}")
    document.setActiveNode(node)
    document.waitForDone()


def select(x: int, y: int, width: int, height: int) -> None:
    """Select a rectangle of the active document; with no width, nothing."""
    chosen = None
    if width:
        chosen = Selection()
        chosen.select(x, y, width, height, 255)
    document = Krita.instance().activeDocument()
    document.setSelection(chosen)
    document.waitForDone()


def save_as(path: str) -> None:
    """Save the active document; the file's suffix says in which format."""
    document = Krita.instance().activeDocument()
    document.setBatchmode(True)
    if not document.saveAs(path):
        raise OSError(f"Krita could not write {path}")


def undo() -> Any:
    yield from _trigger("edit_undo")


def redo() -> Any:
    yield from _trigger("edit_redo")


def _trigger(name: str) -> Any:
    action = Krita.instance().action(name)
    if not action.isEnabled():
        raise RuntimeError(f"{name} is disabled: there is nothing to take back or do again")
    # Krita ignores it while it computes anything, since 5.3 also what it does when nobody works.
    Krita.instance().activeDocument().waitForDone()
    action.trigger()
    yield 0.05
    Krita.instance().activeDocument().waitForDone()


def pixel(x: int, y: int) -> list[int]:
    """[red, green, blue, alpha], 0…255, of what the active document shows at a place."""
    document = Krita.instance().activeDocument()
    document.waitForDone()
    color = document.projection(x, y, 1, 1).pixelColor(0, 0)
    return [color.red(), color.green(), color.blue(), color.alpha()]


def layer_tree(parent: Any = None) -> list[dict[str, Any]]:
    """Layers from bottom to top: name, type, visible, blending, opacity, children."""
    parent = parent or Krita.instance().activeDocument().rootNode()
    return [
        {
            "name": node.name(),
            "type": node.type(),
            "visible": node.visible(),
            "blending": node.blendingMode(),
            "opacity": node.opacity(),
            "children": layer_tree(node),
        }
        for node in parent.childNodes()
    ]


def docker(object_name: str) -> Any:
    """The docker with this object name, shown and in front."""
    for found in Krita.instance().dockers():
        if found.objectName() == object_name:
            found.show()
            found.raise_()
            return found
    known = ", ".join(sorted(found.objectName() for found in Krita.instance().dockers()))
    raise LookupError(f"no docker {object_name}; there are: {known}")


def widget(docker_name: str, object_name: str) -> Any:
    """A widget of a docker, by its object name."""
    found = docker(docker_name).findChild(QtWidgets.QWidget, object_name)
    if found is None:
        raise LookupError(f"docker {docker_name} has no widget {object_name}")
    return found


def click(docker_name: str, object_name: str) -> Any:
    """Click a widget of a docker as a user does: once it is visible and enabled."""
    target = widget(docker_name, object_name)
    yield target.isVisible
    for _ in range(200):  # Krita enables some a moment after what they wait for.
        if target.isEnabled():
            break
        yield 0.01
    else:
        raise RuntimeError(f"{object_name} is disabled, so a user could not click it")
    QTest.mouseClick(target, QtCore.Qt.MouseButton.LeftButton)


def open_windows() -> list[str]:
    """Titles of all windows that are open, dialogs too."""
    return [
        f"{window.windowTitle()} ({window.metaObject().className()})"
        for window in QtWidgets.QApplication.topLevelWidgets()
        if window.isVisible()
    ]


def save_picture_of(object_name: str, path: str) -> None:
    """A PNG of a widget; "window" is Krita's main window."""
    window = Krita.instance().activeWindow().qwindow()
    target = window
    if object_name != "window":
        target = window.findChild(QtWidgets.QWidget, object_name)
    if target is None:
        raise LookupError(f"Krita's window has no widget {object_name}")
    if not target.grab().save(path, "PNG"):
        raise OSError(f"can not write {path}")


def close_all() -> Any:
    """Close all documents without saving them."""
    for _ in Krita.instance().documents():
        # Asked anew: with one document a plugin may close another, a hidden one that it drew with.
        for document in Krita.instance().documents()[:1]:
            document.waitForDone()
            document.setModified(False)
            document.close()
    yield lambda: not Krita.instance().documents()


def quit_krita() -> None:
    action = Krita.instance().action("file_quit")
    QtCore.QTimer.singleShot(0, action.trigger)
