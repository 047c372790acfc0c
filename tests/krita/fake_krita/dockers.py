"""Bases of what plugins register."""

# ruff: noqa: N802 - names are Krita's

from __future__ import annotations

from enum import Enum
from typing import Any

from .qt import QtCore, QtWidgets


class Extension(QtCore.QObject):
    def setup(self) -> None:
        raise NotImplementedError

    def createActions(self, window: Any) -> None:
        raise NotImplementedError


class DockWidget(QtWidgets.QDockWidget):
    """Calls `canvasChanged` of the plugin's class as Krita does, through `show_canvas`."""

    _canvas: Any = None

    def canvas(self) -> Any:
        return self._canvas

    def canvasChanged(self, canvas: Any) -> None:
        raise NotImplementedError

    def show_canvas(self, canvas: Any) -> None:
        self._canvas = canvas
        self.canvasChanged(canvas)


class DockWidgetFactoryBase:
    class DockPosition(Enum):
        DockTornOff = 0
        DockTop = 1
        DockBottom = 2
        DockRight = 3
        DockLeft = 4
        DockMinimized = 5


class DockWidgetFactory(DockWidgetFactoryBase):
    def __init__(
        self,
        identity: str,
        position: DockWidgetFactoryBase.DockPosition,
        docker: type[DockWidget],
    ):
        self._identity, self._position, self._docker = identity, position, docker

    def id(self) -> str:
        return self._identity

    def createDockWidget(self) -> DockWidget:
        made = self._docker()
        made.setObjectName(self._identity)
        return made
