"""A hidden document to make layers and convert pixels in, apart from the user's undo stack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from krita import Krita
from s2i_client.geometry import Extent

from ..qt import QtCore
from .steps import is_open

# Color model, depth and profile by Krita's names.
Space = tuple[str, str, str]
PLAIN: Space = ("RGBA", "U8", "")


class ConversionFailed(Exception):
    """Krita has no such color space, or no way to it."""

    def __init__(self, space: Space):
        super().__init__(
            f"Krita does not convert to {' '.join(space)}. Convert the image to RGB in the menu "
            "Image > Convert Image Color Space."
        )


class Scratch:
    """A hidden document of one pixel whose layers may be of any size. A context manager.

    Its layers never join its layer tree, so nothing is computed for them; a duplicate of one can
    be added to another document and outlives this one. Opening takes Krita some 45 ms. Raises
    `ConversionFailed` when there is no such `space`.
    """

    def __init__(self, space: Space = PLAIN):
        self._document = Krita.instance().createDocument(1, 1, "s2i", *space, 72.0)
        if self._document is None:
            raise ConversionFailed(space)
        self._document.setBatchmode(True)

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        document, self._document = self._document, None
        # Whoever closes all of Krita's documents, as its end does, has closed this one too.
        if document is not None and is_open(document):
            document.waitForDone()  # of one pixel
            document.setModified(False)
            document.close()

    def paint_layer(self, name: str) -> Any:
        """An empty layer in the color space of this document."""
        assert self._document is not None
        return self._document.createNode(name, "paintlayer")

    def group(self, name: str, layers: Sequence[Any]) -> Any:
        """A group of `layers`, bottom first."""
        assert self._document is not None
        group = self._document.createGroupLayer(name)
        group.setChildNodes(list(layers))
        return group

    def convert(self, data: bytes, extent: Extent, source: Space, target: Space) -> bytes:
        """Pixels in another color space; all at once, so not too many of them."""
        if source == target:
            return data
        node = self.paint_layer("strip")
        _set_space(node, source)
        node.setPixelData(QtCore.QByteArray(data), 0, 0, *extent)
        _set_space(node, target)
        return node.pixelData(0, 0, *extent).data()


def _set_space(node: Any, space: Space) -> None:
    there = (node.colorModel(), node.colorDepth(), node.colorProfile())
    if there != tuple(space) and not node.setColorSpace(*space):
        raise ConversionFailed(space)
