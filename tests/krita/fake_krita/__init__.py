"""Krita without Krita: what the plugin uses of its Python module, for tests.

`conftest.py` puts it in the place of `krita`. Pixels, layers, undo, selections, annotations and
signals are real; it is as picky as Krita is where that matters, and says so by an exception where
Krita would crash or hang. Classes have Krita's names; what only tests use is in `testing.py`.
"""

from .application import Canvas, Krita, ManagedColor, Notifier, View, Window
from .dockers import DockWidget, DockWidgetFactory, DockWidgetFactoryBase, Extension
from .document import Document, InfoObject, Selection
from .node import Node

__all__ = [
    "Canvas",
    "DockWidget",
    "DockWidgetFactory",
    "DockWidgetFactoryBase",
    "Document",
    "Extension",
    "InfoObject",
    "Krita",
    "ManagedColor",
    "Node",
    "Notifier",
    "Selection",
    "View",
    "Window",
    "i18n",
]


def i18n(text: str) -> str:
    return text
