"""A layer of a document."""

from __future__ import annotations

from typing import Any

from s2i_client.geometry import Bounds
from s2i_client.pixels import Picture

from .alpha import is_opaque
from .colors import ColorSpace
from .reading import read_picture
from .steps import Steps

PREVIEW_NAME = "s2i preview"
LAYER_TYPES = frozenset(
    (
        "paintlayer",
        "grouplayer",
        "filelayer",
        "filterlayer",
        "filllayer",
        "clonelayer",
        "vectorlayer",
    )
)
MASK_TYPES = frozenset(
    ("transparencymask", "filtermask", "transformmask", "selectionmask", "colorizemask")
)


def is_preview(node: Any) -> bool:
    """Whether it is the plugin's own: no user's layer has this name and both locks."""
    return node.name() == PREVIEW_NAME and node.locked() and node.alphaLocked()


class Layer:
    """One layer, not a mask. `depth_in_tree` is 0 at the top level.

    The layer stays what it is when it is moved or renamed; once it was deleted its last pixels can
    still be read.
    """

    def __init__(self, document: Any, node: Any, depth_in_tree: int = 0):
        self._document = document
        self.node = node
        self.id: str = node.uniqueId().toString()
        self.depth_in_tree = depth_in_tree

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Layer) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def name(self) -> str:
        return self.node.name()

    @property
    def type(self) -> str:
        """Krita's word, one of `LAYER_TYPES`."""
        return self.node.type()

    @property
    def visible(self) -> bool:
        """Whether its own eye is open; a group around it may be hidden."""
        return self.node.visible()

    @property
    def opacity(self) -> int:
        """From 0 to 255."""
        return self.node.opacity()

    @property
    def is_paintable(self) -> bool:
        return self.type == "paintlayer" and not self.node.locked()

    @property
    def space(self) -> ColorSpace:
        return ColorSpace.of(self.node)

    @property
    def bounds(self) -> Bounds:
        """The smallest rectangle with all that is not transparent, also outside of the canvas."""
        found = self.node.bounds()
        return Bounds(found.x(), found.y(), found.width(), found.height())

    def read(self, bounds: Bounds, name: str) -> Steps[Picture]:
        """The pixels in `bounds` of the canvas, with masks, as if the layer were visible.

        What is outside of the layer is transparent. Neither opacity nor blending of the layer
        counts. Raises `DocumentClosed`, and `PictureError` when `bounds` is empty.
        """
        return (yield from read_picture(self._document, self._pixels, self.space, bounds, name))

    def is_opaque_paper(self, bounds: Bounds) -> bool:
        """Whether the border of `bounds` is opaque, as of a scan, and not transparent.

        Looks at eight pixels; most of them decide.
        """
        if bounds.is_empty:
            return False
        xs = (bounds.x, bounds.center.x, bounds.right - 1)
        ys = (bounds.y, bounds.center.y, bounds.bottom - 1)
        around = [(x, y) for y in ys for x in xs if (x, y) != bounds.center]
        pixels = [self._pixels(Bounds(x, y, 1, 1)) for x, y in around]
        opaque = [pixel for pixel in pixels if is_opaque(pixel, self.space.depth)]
        return 2 * len(opaque) > len(pixels)

    def _pixels(self, bounds: Bounds) -> bytes:
        masked = any(child.type() in MASK_TYPES for child in self.node.childNodes())
        if self.type == "paintlayer" and not masked:
            return self.node.pixelData(*bounds).data()
        return self.node.projectionPixelData(*bounds).data()
