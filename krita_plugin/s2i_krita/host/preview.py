"""The live result as a layer of its own that Krita's undo history does not know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from s2i_client.geometry import Bounds
from s2i_client.pixels import ResultLayer

from ..qt import QtCore
from . import rearranging
from .active import activate, activate_soon
from .colors import ColorSpace
from .document import Document
from .layer import PREVIEW_NAME, Layer, is_preview
from .scratch import Scratch
from .selection import Selection
from .steps import Steps, deliver_pending, is_open, until_idle
from .writing import write_picture

# When Krita may have selected a layer that was put in, later than from the event loop's next turn
# (5.2.9 does).
_SELECTED_MS = (10, 50, 250)


class Preview:
    """At most one layer, in one document at a time. Call `remove` when live ends."""

    def __init__(self) -> None:
        self._document: Document | None = None
        self._node: Any = None
        self._scratch: Scratch | None = None
        self._shown = Bounds(0, 0, 0, 0)

    @property
    def present(self) -> bool:
        """Whether it is among its document's layers now."""
        return (
            self._document is not None
            and self._document.is_open
            and self._node is not None
            and self._node.parentNode() is not None
        )

    def show(
        self,
        document: Document,
        picture: ResultLayer,
        sketch: Layer,
        below_lines: bool,
        within: Selection | None = None,
    ) -> Steps[bool]:
        """Let the preview show `picture`, cut out by `within`, directly below or above the sketch.

        A preview that the user has moved or deleted is put back. Returns whether nothing was
        recorded for undo: False only where Krita keeps inner layers of its own beside the sketch.
        Ends early when `remove` is called meanwhile. Raises `DocumentClosed`.
        """
        steps = self._show(document, picture, sketch, below_lines, within)
        while True:
            try:
                pause = next(steps)
            except StopIteration as end:
                return end.value
            yield pause
            if self._document is None:
                steps.close()
                return True

    def _show(
        self,
        document: Document,
        picture: ResultLayer,
        sketch: Layer,
        below_lines: bool,
        within: Selection | None,
    ) -> Steps[bool]:
        if self._document is not None and self._document != document:
            self.remove()
        self._document = document
        yield from until_idle(document.raw)
        space = document.space
        if self._node is not None and ColorSpace.of(self._node) != space:
            self._take_out()
            self._node = None
        if self._scratch is None:
            self._scratch = Scratch(space)
        if self._node is None:
            yield from self._make(self._scratch, picture, space, within)
        else:
            yield from self._update(self._scratch, picture, space, within)
        return self._settle(sketch, below_lines)

    def remove(self) -> None:
        """Take the layer out of its document, if it is open. Nothing is recorded for undo."""
        self._take_out()
        self._node = None
        self._document = None
        self._shown = Bounds(0, 0, 0, 0)
        scratch, self._scratch = self._scratch, None
        if scratch is not None:
            # Not at once: a document may just be closing, while somebody goes through all of them.
            # A partial, because of a method alone PyQt would not keep the object.
            QtCore.QTimer.singleShot(0, partial(scratch.close))

    def _make(
        self, scratch: Scratch, picture: ResultLayer, space: ColorSpace, within: Selection | None
    ) -> Steps[None]:
        assert self._document is not None
        node = scratch.paint_layer(PREVIEW_NAME)
        node.setColorSpace(*space)
        yield from write_picture(
            lambda pixels, strip: node.setPixelData(pixels, *strip),
            space,
            picture,
            scratch,
            within,
        )
        node.setLocked(True)
        node.setAlphaLocked(True)
        yield from until_idle(self._document.raw)
        self._node = node.duplicate()
        self._shown = _seen(picture, within)

    def _update(
        self, scratch: Scratch, picture: ResultLayer, space: ColorSpace, within: Selection | None
    ) -> Steps[None]:
        """New pixels all at once, so that no half of a picture is ever seen."""
        assert self._document is not None
        ready: list[tuple[QtCore.QByteArray, Bounds]] = []
        yield from write_picture(
            lambda pixels, strip: ready.append((pixels, strip)), space, picture, scratch, within
        )
        yield from until_idle(self._document.raw)
        shown = _seen(picture, within)
        if not shown.encloses(self._shown):
            nothing = bytes(self._shown.extent.pixel_count * space.pixel_size)
            self._node.setPixelData(QtCore.QByteArray(nothing), *self._shown)
        for pixels, strip in ready:
            self._node.setPixelData(pixels, *strip)
        self._shown = shown

    def _settle(self, sketch: Layer, below_lines: bool) -> bool:
        """Bring the layer to its place and let Krita compute what is seen."""
        assert self._document is not None
        raw = self._document.raw
        parent = sketch.node.parentNode() or raw.rootNode()
        unrecorded = True
        if not _is_beside(parent, self._node, sketch.node, below_lines):
            unrecorded = self._take_out()
            unrecorded = self._put_in(parent, sketch.node, below_lines) and unrecorded
        raw.refreshProjection()
        return unrecorded

    def _put_in(self, parent: Any, sketch: Any, below_lines: bool) -> bool:
        assert self._document is not None
        if sketch.parentNode() is None:  # It was deleted.
            below = None if below_lines else rearranging.topmost(parent)
        else:
            below = rearranging.beneath(parent, sketch) if below_lines else sketch
        if not rearranging.can_rearrange(parent):
            parent.addChildNode(self._node, below or sketch)
            return False
        with _undisturbed(self._document.raw):
            rearranging.insert(parent, self._node, below)
        return True

    def _take_out(self) -> bool:
        if not self.present:
            return True
        assert self._document is not None
        return _take_out(self._document.raw, self._node)


def _seen(picture: ResultLayer, within: Selection | None) -> Bounds:
    """The part of the canvas that has pixels of the picture."""
    return picture.bounds if within is None else picture.bounds.intersection(within.bounds)


def remove_forgotten(document: Document, current: Preview | None = None) -> int:
    """Remove previews that were saved with the file, as by an automatic save; how many there were.

    The layer of `current` stays.
    """
    kept = None if current is None or not current.present else current._node.uniqueId()
    found = [
        node
        for node in _all_below(document.raw.rootNode())
        if is_preview(node) and node.uniqueId() != kept
    ]
    for node in found:
        _take_out(document.raw, node)
    return len(found)


def _all_below(parent: Any) -> Iterator[Any]:
    for node in parent.childNodes():
        yield node
        yield from _all_below(node)


def _take_out(raw: Any, node: Any) -> bool:
    """Remove a preview layer from a document; whether nothing was recorded for undo."""
    parent = node.parentNode()
    unrecorded = rearranging.can_rearrange(parent)
    if unrecorded:
        with _undisturbed(raw):
            rearranging.take_out(parent, node)
    else:
        node.remove()
    raw.refreshProjection()
    return unrecorded


@contextmanager
def _undisturbed(raw: Any) -> Iterator[None]:
    """Nothing paints meanwhile, and the active layer stays what it is.

    Krita lets the active layer follow what comes and goes, partly later, from its event loop.
    """
    active = raw.activeNode()
    if active is not None and is_preview(active):
        active = None
    _lock(raw)
    raw.unlock()
    deliver_pending()
    _lock(raw)
    try:
        yield
    finally:
        raw.unlock()

    def activate_again() -> None:
        now = raw.activeNode() if is_open(raw) else None
        if now is not None and is_preview(now):
            activate(raw, active)

    activate(raw, active)
    activate_soon(raw, active)
    for pause in _SELECTED_MS:
        QtCore.QTimer.singleShot(pause, activate_again)


def _lock(raw: Any) -> None:
    if not raw.tryBarrierLock():
        raw.lock()  # ends the stroke that is being painted, as saving does


def _is_beside(parent: Any, node: Any, sketch: Any, below: bool) -> bool:
    ids = [child.uniqueId() for child in parent.childNodes()]
    here, there = node.uniqueId(), sketch.uniqueId()
    if here not in ids or there not in ids:
        return False
    return ids.index(here) == ids.index(there) + (-1 if below else 1)
