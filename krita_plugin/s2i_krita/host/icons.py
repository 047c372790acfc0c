"""Krita's own icons and shortcuts, so that the docker looks as the rest of it."""

from __future__ import annotations

from krita import Krita

from ..qt import QtGui


def icon(name: str) -> QtGui.QIcon:
    """Krita's icon of that name in the color of its theme; an empty one when it has none."""
    return Krita.instance().icon(name)


def shortcut(action: str) -> str:
    """The keys of an action as the user knows them; empty when it has none."""
    found = Krita.instance().action(action)
    if found is None:
        return ""
    return found.shortcut().toString(QtGui.QKeySequence.SequenceFormat.NativeText)
