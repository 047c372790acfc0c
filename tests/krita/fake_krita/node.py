"""Layers and masks. A `Node` is a new wrapper each time; what it stands for is a `KisNode`."""

# ruff: noqa: N802 - names are Krita's

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from .colors import PROFILES, TYPES, Space
from .pixels import Device, as_bytes, decode, encode, lay_over
from .qt import QtCore, QtGui

if TYPE_CHECKING:
    from .image import Image

MASKS = ("transparencymask", "filtermask", "transformmask", "selectionmask", "colorizemask")


class KisNode:
    """The real thing behind wrappers."""

    def __init__(self, image: Image, name: str, kind: str, space: Space):
        self.image = image
        self.kind = kind
        self.device = Device(space)
        self.id = QtCore.QUuid.createUuid()
        self.parent: KisNode | None = None
        self.children: list[KisNode] = []  # from bottom to top
        self.properties: dict[str, Any] = {
            "name": name,
            "visible": True,
            "locked": False,
            "alpha_locked": False,
            "opacity": 255,
            "blending": "normal",
            "collapsed": False,
            "color_label": 0,
        }

    def duplicate(self) -> KisNode:
        made = KisNode(self.image, "", self.kind, self.device.space)
        made.device = self.device.copy()
        made.properties = copy.copy(self.properties)
        made.children = [child.duplicate() for child in self.children]
        for child in made.children:
            child.parent = made
        return made

    def move_to(self, image: Image) -> None:
        self.image = image
        for child in self.children:
            child.move_to(image)

    def projection(self, x: int, y: int, width: int, height: int) -> np.ndarray:
        """Linear RGBA with masks, and for groups with what they hold."""
        if self.kind == "grouplayer":
            pixels = np.zeros((width * height, 4))
            for child in self.children:
                if child.properties["visible"] and child.kind not in MASKS:
                    above = child.projection(x, y, width, height)
                    opacity = child.properties["opacity"] / 255
                    pixels = lay_over(pixels, above, opacity, child.properties["blending"])
        else:
            pixels = decode(self.device.read(x, y, width, height), self.device.space)
        for mask in self.children:
            if mask.kind == "transparencymask" and mask.properties["visible"]:
                shown = decode(mask.device.read(x, y, width, height), mask.device.space)
                pixels[:, 3] *= shown[:, 3]
        return pixels


class Node:
    """A wrapper, equal to others of the same node. It keeps a removed node alive."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, kis: KisNode):
        self.kis = kis

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self.kis is other.kis

    def uniqueId(self) -> QtCore.QUuid:
        return self.kis.id

    def type(self) -> str:
        return self.kis.kind

    def name(self) -> str:
        return self.kis.properties["name"]

    def setName(self, name: str) -> None:
        self.kis.properties["name"] = name

    def visible(self) -> bool:
        return self.kis.properties["visible"]

    def setVisible(self, visible: bool) -> None:
        self.kis.properties["visible"] = visible

    def locked(self) -> bool:
        return self.kis.properties["locked"]

    def setLocked(self, locked: bool) -> None:
        self.kis.properties["locked"] = locked

    def alphaLocked(self) -> bool:
        return self.kis.kind == "paintlayer" and self.kis.properties["alpha_locked"]

    def setAlphaLocked(self, locked: bool) -> None:
        self.kis.properties["alpha_locked"] = locked

    def opacity(self) -> int:
        return self.kis.properties["opacity"]

    def setOpacity(self, opacity: int) -> None:
        self.kis.properties["opacity"] = opacity

    def collapsed(self) -> bool:
        return self.kis.properties["collapsed"]

    def setCollapsed(self, collapsed: bool) -> None:
        self.kis.properties["collapsed"] = collapsed

    def colorLabel(self) -> int:
        return self.kis.properties["color_label"]

    def setColorLabel(self, label: int) -> None:
        self.kis.properties["color_label"] = label

    def blendingMode(self) -> str:
        return self.kis.properties["blending"]

    def setBlendingMode(self, mode: str) -> None:
        """Recorded for undo, unlike the others."""
        properties, before = self.kis.properties, self.kis.properties["blending"]
        self.kis.image.do(
            "Blending Mode",
            lambda: properties.update(blending=mode),
            lambda: properties.update(blending=before),
        )

    def colorModel(self) -> str:
        return self.kis.device.space[0]

    def colorDepth(self) -> str:
        return self.kis.device.space[1]

    def colorProfile(self) -> str:
        return self.kis.device.space[2]

    def setColorSpace(self, model: str, depth: str, profile: str) -> bool:
        if profile not in PROFILES.get(model, ()) or depth not in TYPES:
            return False
        kis, before = self.kis, self.kis.device
        after = before.copy()
        after.convert((model, depth, profile))
        kis.image.do(
            "Convert Layer",
            lambda: setattr(kis, "device", after),
            lambda: setattr(kis, "device", before),
        )
        return True

    def bounds(self) -> QtCore.QRect:
        if self.kis.kind != "grouplayer":
            return QtCore.QRect(*self.kis.device.bounds())
        around = QtCore.QRect()
        for child in self.childNodes():
            around = around.united(child.bounds())
        return around

    def pixelData(self, x: int, y: int, width: int, height: int) -> QtCore.QByteArray:
        if self.kis.kind == "grouplayer":
            return self.projectionPixelData(x, y, width, height)
        return QtCore.QByteArray(self.kis.device.read(x, y, width, height))

    def projectionPixelData(self, x: int, y: int, width: int, height: int) -> QtCore.QByteArray:
        pixels = self.kis.projection(x, y, width, height)
        return QtCore.QByteArray(encode(pixels, self.kis.device.space))

    def setPixelData(self, data: object, x: int, y: int, width: int, height: int) -> bool:
        """Not recorded for undo."""
        self.kis.device.write(as_bytes(data), x, y, width, height)
        return True

    def thumbnail(self, width: int, height: int) -> QtGui.QImage:
        around = self.bounds()
        if around.isEmpty():
            empty = QtGui.QImage(width, height, QtGui.QImage.Format.Format_ARGB32)
            empty.fill(0)
            return empty
        area = around.x(), around.y(), around.width(), around.height()
        image = picture(self.kis.projection(*area), area[2], area[3])
        return image.scaled(width, height, QtCore.Qt.AspectRatioMode.KeepAspectRatio)

    def parentNode(self) -> Node | None:
        return None if self.kis.parent is None else Node(self.kis.parent)

    def childNodes(self) -> list[Node]:
        return [Node(child) for child in self.kis.children]

    def addChildNode(self, child: Node, above: Node | None) -> bool:
        """Recorded for undo; on top when `above` is None."""
        parent, added, image = self.kis, child.kis, self.kis.image
        image.expect_unlocked()
        index = len(parent.children)
        if above is not None:
            if above.kis not in parent.children:
                return True  # Krita says so too, and does nothing.
            index = parent.children.index(above.kis) + 1
        image.do(
            "Add Layer",
            lambda: image.attach(parent, added, index),
            lambda: image.detach(added),
        )
        return True

    def remove(self) -> bool:
        """Recorded for undo."""
        removed, parent, image = self.kis, self.kis.parent, self.kis.image
        if parent is None:
            return False
        image.expect_unlocked()
        index = parent.children.index(removed)
        image.do(
            "Remove Layer",
            lambda: image.detach(removed),
            lambda: image.attach(parent, removed, index),
        )
        return True

    def removeChildNode(self, child: Node) -> bool:
        return child.remove()

    def setChildNodes(self, nodes: list[Node]) -> None:
        """Not recorded. Before 5.3 only the bottom child goes; those with a parent stay there."""
        parent, image = self.kis, self.kis.image
        gone = parent.children[:] if image.replaces_all_children else parent.children[:1]
        for child in gone:
            image.detach(child)
        for node in nodes:
            if node.kis.parent is None:
                image.attach(parent, node.kis, len(parent.children))

    def duplicate(self) -> Node:
        return Node(self.kis.duplicate())

    def clone(self) -> Node:
        return self.duplicate()


def picture(pixels: np.ndarray, width: int, height: int) -> QtGui.QImage:
    """A QImage of linear RGBA."""
    data = encode(pixels, ("RGBA", "U8", "sRGB built-in"))
    format_ = QtGui.QImage.Format.Format_ARGB32
    return QtGui.QImage(data, width, height, 4 * width, format_).copy()
