"""A document that is open in Krita."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from krita import Krita, ManagedColor
from s2i_client.geometry import Bounds
from s2i_client.pixels import Picture

from ..qt import QtCore
from .active import activate_soon
from .colors import ColorSpace
from .layer import LAYER_TYPES, Layer, is_preview
from .reading import read_picture
from .selection import Selection
from .steps import DocumentClosed, Steps, is_idle, is_open

__all__ = ["Document", "DocumentClosed", "Selection"]

_PAINT_COLOR = ("RGBA", "U8", "sRGB-elle-V2-srgbtrc.icc")


class Document:
    """One document; two of these are equal when they are the same document in Krita.

    All that is asked after it was closed gives empty answers or raises `DocumentClosed`; see
    `is_open`.
    """

    def __init__(self, raw: Any):
        self.raw = raw

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Document) and self.raw == other.raw

    __hash__ = None  # type: ignore[assignment]  # Krita gives nothing that lasts to make one of

    @staticmethod
    def active() -> Document | None:
        """The one that the user works in."""
        raw = Krita.instance().activeDocument()
        return None if raw is None else Document(raw)

    @staticmethod
    def of_canvas(canvas: Any) -> Document | None:
        """The one that a canvas shows, as Krita passes it to dockers; the canvas may be None."""
        view = None if canvas is None else canvas.view()
        raw = None if view is None else view.document()
        return None if raw is None else Document(raw)

    @property
    def name(self) -> str:
        """The title if it has one, else the file's name."""
        return self.raw.name() or self.file.replace("\\", "/").rpartition("/")[2]

    @property
    def file(self) -> str:
        """Its path, empty when it was never saved."""
        return self.raw.fileName()

    @property
    def bounds(self) -> Bounds:
        """The canvas."""
        raw = self.raw
        return Bounds(raw.xOffset(), raw.yOffset(), raw.width(), raw.height())

    @property
    def space(self) -> ColorSpace:
        return ColorSpace.of(self.raw)

    @property
    def is_open(self) -> bool:
        return is_open(self.raw)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being painted or computed right now."""
        return is_idle(self.raw)

    def layers(self) -> list[Layer]:
        """All layers as the layer docker shows them: top first, children after their group.

        Without masks, the plugin's own preview, and what Krita keeps for itself.
        """
        root = self.raw.rootNode()
        return [] if root is None else list(self._below(root, 0))

    def _below(self, parent: Any, depth_in_tree: int) -> Iterator[Layer]:
        for node in reversed(parent.childNodes()):
            if node.type() in LAYER_TYPES and not is_preview(node):
                yield Layer(self.raw, node, depth_in_tree)
                yield from self._below(node, depth_in_tree + 1)

    def layer(self, identity: str) -> Layer | None:
        """The layer with this `id`, if it is still there."""
        return next((layer for layer in self.layers() if layer.id == identity), None)

    @property
    def active_layer(self) -> Layer | None:
        """The one that is painted on; while a mask is active, the layer that it belongs to."""
        node = self.raw.activeNode()
        while node is not None and node.type() not in LAYER_TYPES:
            node = node.parentNode()
        if node is None:
            return None
        depth_in_tree, parent = -1, node.parentNode()
        while parent is not None:
            depth_in_tree, parent = depth_in_tree + 1, parent.parentNode()
        return Layer(self.raw, node, depth_in_tree)

    def activate(self, layer: Layer) -> None:
        self.raw.setActiveNode(layer.node)

    def selection(self) -> Selection | None:
        """What is selected on the canvas, empty when that lies outside; None when nothing is
        selected, which means everything."""
        found = self.raw.selection()
        if found is None:
            return None
        bounds = Bounds(found.x(), found.y(), found.width(), found.height())
        bounds = bounds.intersection(self.bounds)
        if bounds.is_empty:
            return Selection(bounds, b"")
        return Selection(bounds, found.pixelData(*bounds).data())

    def read(self, bounds: Bounds, name: str) -> Steps[Picture]:
        """The pixels that are seen in `bounds`, a preview too; see `Layer.read`."""

        def pixels(strip: Bounds) -> bytes:
            return self.raw.pixelData(*strip).data()

        return (yield from read_picture(self.raw, pixels, self.space, bounds, name))

    def create_paint_layer(self, name: str, above: Layer) -> Layer:
        """Add an empty paint layer above another, as one undo step. It becomes active soon."""
        self._expect_open()
        node = self.raw.createNode(name, "paintlayer")
        parent = above.node.parentNode() or self.raw.rootNode()
        parent.addChildNode(node, above.node)
        activate_soon(self.raw, node)
        return Layer(self.raw, node, above.depth_in_tree)

    def annotation(self, key: str) -> bytes | None:
        """What was kept in the document under `key`; it is saved with it."""
        if key not in self.annotation_keys():
            return None
        return self.raw.annotation(key).data()

    def annotate(self, key: str, description: str, data: bytes) -> None:
        """Keep `data` in the document. Not part of the undo history."""
        self._expect_open()
        self.raw.setAnnotation(key, description, QtCore.QByteArray(data))

    def remove_annotation(self, key: str) -> None:
        if key in self.annotation_keys():
            self.raw.removeAnnotation(key)

    def annotation_keys(self) -> list[str]:
        return list(self.raw.annotationTypes())

    def set_foreground(self, color: tuple[int, int, int]) -> None:
        """Let brushes paint in this red, green, blue, 0 to 255, sRGB."""
        view = self._view()
        if view is not None:
            managed = ManagedColor(*_PAINT_COLOR)
            red, green, blue = (part / 255 for part in color)
            managed.setComponents([blue, green, red, 1.0])
            view.setForeGroundColor(managed)

    def foreground(self) -> tuple[int, int, int] | None:
        """The color that brushes paint in, None without a view of the document."""
        view = self._view()
        if view is None:
            return None
        managed = view.foregroundColor()
        managed.setColorSpace(*_PAINT_COLOR)
        blue, green, red = managed.components()[:3]
        return round(255 * red), round(255 * green), round(255 * blue)

    @property
    def window(self) -> Any | None:
        """Krita's main window that shows it (a `QMainWindow`); None when none does."""
        view = self._view()
        return None if view is None else view.window().qwindow()

    def _view(self) -> Any | None:
        """A view of it, the active one if that is."""
        window = Krita.instance().activeWindow()
        active = [] if window is None else [window.activeView()]
        views = [view for view in (*active, *Krita.instance().views()) if view is not None]
        return next((view for view in views if view.document() == self.raw), None)

    def _expect_open(self) -> None:
        if not self.is_open:
            raise DocumentClosed
