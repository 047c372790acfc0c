"""Documents and selections."""

# ruff: noqa: N802 - names are Krita's

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from .image import Image
from .node import KisNode, Node, picture
from .pixels import Rectangle, as_bytes, encode
from .qt import QtCore, QtGui

if TYPE_CHECKING:
    from .application import Krita


class InfoObject:
    """Options of exports, which the fake does not have."""


class Selection:
    """8 bit, of the rectangle that Krita gives: around what is selected."""

    def __init__(self) -> None:
        self._area: Rectangle = (0, 0, 0, 0)
        self._mask = b""

    def select(self, x: int, y: int, width: int, height: int, value: int) -> None:
        self._area, self._mask = (x, y, width, height), bytes([value]) * (width * height)

    def setPixelData(self, data: object, x: int, y: int, width: int, height: int) -> None:
        self._area, self._mask = (x, y, width, height), as_bytes(data)

    def x(self) -> int:
        return self._area[0]

    def y(self) -> int:
        return self._area[1]

    def width(self) -> int:
        return self._area[2]

    def height(self) -> int:
        return self._area[3]

    def pixelData(self, x: int, y: int, width: int, height: int) -> QtCore.QByteArray:
        left, top, columns, rows = self._area
        data = bytearray()
        for row in range(y, y + height):
            for column in range(x, x + width):
                inside = left <= column < left + columns and top <= row < top + rows
                place = (row - top) * columns + column - left
                data.append(self._mask[place] if inside else 0)
        return QtCore.QByteArray(bytes(data))


class KisDocument:
    """The real thing behind wrappers."""

    def __init__(self, application: Krita, image: Image, name: str):
        self.application = application
        self.image = image
        self.name = name
        self.file = ""
        self.is_open = True
        self.batch_mode = False


class Document:
    """A wrapper, equal to others of the same document. After `close` it gives empty answers."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, kis: KisDocument):
        self.kis = kis

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Document) and self.kis is other.kis

    @property
    def _image(self) -> Image:
        return self.kis.image

    def name(self) -> str:
        return self.kis.name if self.kis.is_open else ""

    def setName(self, name: str) -> None:
        self.kis.name = name

    def fileName(self) -> str:
        return self.kis.file if self.kis.is_open else ""

    def setFileName(self, file: str) -> None:
        self.kis.file = file

    def width(self) -> int:
        return self._image.width if self.kis.is_open else 0

    def height(self) -> int:
        return self._image.height if self.kis.is_open else 0

    def xOffset(self) -> int:
        return 0

    def yOffset(self) -> int:
        return 0

    def resolution(self) -> int:
        return int(self._image.resolution) if self.kis.is_open else 0

    def colorModel(self) -> str:
        return self._image.space[0] if self.kis.is_open else ""

    def colorDepth(self) -> str:
        return self._image.space[1] if self.kis.is_open else ""

    def colorProfile(self) -> str:
        return self._image.space[2] if self.kis.is_open else ""

    def modified(self) -> bool:
        return self._image.modified if self.kis.is_open else False

    def setModified(self, modified: bool) -> None:
        self._image.modified = modified

    def batchmode(self) -> bool:
        return self.kis.batch_mode

    def setBatchmode(self, batch_mode: bool) -> None:
        self.kis.batch_mode = batch_mode

    def rootNode(self) -> Any:
        return Node(self._image.root) if self.kis.is_open else None

    def topLevelNodes(self) -> list[Node]:
        return [Node(child) for child in self._image.root.children] if self.kis.is_open else []

    def activeNode(self) -> Node | None:
        active = self._image.active if self.kis.is_open else None
        return None if active is None else Node(active)

    def setActiveNode(self, node: Node) -> None:
        if self.kis.is_open and node.kis.parent is not None:
            self._image.active = node.kis

    def createNode(self, name: str, kind: str) -> Any:
        if not self.kis.is_open:
            return None
        space = ("A", "U8", "default") if kind.endswith("mask") else self._image.space
        return Node(KisNode(self._image, name, kind, space))

    def createGroupLayer(self, name: str) -> Any:
        return self.createNode(name, "grouplayer")

    def createTransparencyMask(self, name: str) -> Any:
        return self.createNode(name, "transparencymask")

    def pixelData(self, x: int, y: int, width: int, height: int) -> QtCore.QByteArray:
        if not self.kis.is_open:
            return QtCore.QByteArray()
        pixels = self._image.root.projection(x, y, width, height)
        return QtCore.QByteArray(encode(pixels, self._image.space))

    def projection(self, x: int, y: int, width: int, height: int) -> QtGui.QImage:
        return picture(self._image.root.projection(x, y, width, height), width, height)

    def thumbnail(self, width: int, height: int) -> QtGui.QImage:
        whole = self.projection(0, 0, self.width(), self.height())
        return whole.scaled(width, height, QtCore.Qt.AspectRatioMode.KeepAspectRatio)

    def refreshProjection(self) -> None:
        self._image.refreshed += 1

    def waitForDone(self) -> None:
        self._image.expect_unlocked()
        self._image.busy = 0

    def tryBarrierLock(self) -> bool:
        if not self.kis.is_open:
            return False
        if self._image.busy:
            self._image.busy -= 1
            return False
        self._image.locks += 1
        return True

    def lock(self) -> None:
        self._image.busy = 0
        self._image.locks += 1

    def unlock(self) -> None:
        if not self._image.locks:
            raise RuntimeError("Krita would crash: unlocked more often than locked")
        self._image.locks -= 1

    def selection(self) -> Selection | None:
        if not self.kis.is_open or self._image.selection is None:
            return None
        found = Selection()
        area, mask = self._image.selection
        found.setPixelData(mask, *area)
        return found

    def setSelection(self, selection: Selection | None) -> None:
        if selection is None:
            self._image.selection = None
            return
        area = selection.x(), selection.y(), selection.width(), selection.height()
        self._image.selection = area, selection.pixelData(*area).data()

    def annotationTypes(self) -> list[str]:
        return list(self._image.annotations) if self.kis.is_open else []

    def annotation(self, key: str) -> QtCore.QByteArray:
        found = self._image.annotations.get(key, ("", b"")) if self.kis.is_open else ("", b"")
        return QtCore.QByteArray(found[1])

    def annotationDescription(self, key: str) -> str:
        return self._image.annotations.get(key, ("", b""))[0]

    def setAnnotation(self, key: str, description: str, data: object) -> None:
        self._image.annotations[key] = description, as_bytes(data)

    def removeAnnotation(self, key: str) -> None:
        self._image.annotations.pop(key, None)

    def save(self) -> bool:
        return bool(self.kis.file) and self.saveAs(self.kis.file)

    def saveAs(self, file: str) -> bool:
        """Kept in memory, for `Krita.openDocument`."""
        self.kis.file = file
        self._image.modified = False
        self.kis.application.files[file] = _as_saved(self._image)
        self.kis.application.notifier().imageSaved.emit(file)
        return True

    def close(self) -> bool:
        """With all its views. Changes are lost; a dialog in batch mode's absence is not there."""
        if self.kis.is_open:
            self.kis.application.close_document(self)
        return True

    def clone(self) -> Document:
        image = _as_saved(self._image)
        return self.kis.application.add_document(KisDocument(self.kis.application, image, ""))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"this fake's Document has no {name}")


def _as_saved(image: Image) -> Image:
    """A copy as a file has it: no undo stack, no selection, and the layers keep their ids."""
    made = Image(image.width, image.height, image.space, image.resolution)
    made.replaces_all_children = image.replaces_all_children
    made.annotations = copy.deepcopy(image.annotations)
    made.root = image.root.duplicate()
    made.root.move_to(made)
    _keep_ids(image.root, made.root)
    made.active = made.root.children[-1] if made.root.children else None
    return made


def _keep_ids(source: KisNode, target: KisNode) -> None:
    target.id = source.id
    for one, other in zip(source.children, target.children, strict=True):
        _keep_ids(one, other)
