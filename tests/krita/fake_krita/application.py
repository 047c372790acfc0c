"""Krita itself, its windows and views, and its signals."""

# ruff: noqa: N802, N815 - names are Krita's

from __future__ import annotations

from typing import Any

import numpy as np

from .colors import CHANNELS, PROFILES, SRGB, TYPES, Space, convert, default_profile
from .dockers import DockWidget, DockWidgetFactory, Extension
from .document import Document, KisDocument
from .image import Image
from .node import KisNode
from .qt import WITH_QT6, QAction, QtCore, QtGui, QtWidgets, pyqtSignal


class KisQPainterCanvas(QtWidgets.QWidget):
    """The widget that shows a document; plugins find it by this class's name."""


class Notifier(QtCore.QObject):
    applicationClosing = pyqtSignal()
    imageCreated = pyqtSignal(object)
    imageSaved = pyqtSignal(str)
    imageClosed = pyqtSignal(str)
    viewCreated = pyqtSignal(object)
    viewClosed = pyqtSignal(object)
    windowIsBeingCreated = pyqtSignal(object)
    windowCreated = pyqtSignal()
    configurationChanged = pyqtSignal()

    _active = False

    def active(self) -> bool:
        return self._active

    def setActive(self, active: bool) -> None:
        self._active = active
        self.blockSignals(not active)


class ManagedColor:
    """Components from 0 to 1 in Krita's order of channels: BGRA for integers."""

    def __init__(self, model: str, depth: str, profile: str):
        self._space: Space = (model, depth, profile)
        self._components = [0.0] * CHANNELS[model]

    def components(self) -> list[float]:
        return list(self._components)

    def setComponents(self, components: list[float]) -> None:
        self._components = list(components)

    def setColorSpace(self, model: str, depth: str, profile: str) -> bool:
        values = np.array(self._components)
        depth_type = TYPES[self._space[1]]
        full = np.iinfo(depth_type).max if self._space[1].startswith("U") else 1
        data = np.rint(values * full) if full != 1 else values
        target: Space = (model, depth, profile)
        converted = np.frombuffer(
            convert(data.astype(depth_type).tobytes(), self._space, target), TYPES[depth]
        )
        most = np.iinfo(TYPES[depth]).max if depth.startswith("U") else 1
        self._space, self._components = target, [float(value) / most for value in converted]
        return True


class Canvas:
    def __init__(self, view: View):
        self._view = view

    def view(self) -> View:
        return self._view


class View:
    """Equal only to itself: the fake makes one for each and keeps it."""

    def __init__(self, window: Window, document: KisDocument):
        self._window, self._document = window, document
        self._color = ManagedColor("RGBA", "U8", SRGB)
        self._color.setComponents([0.0, 0.0, 0.0, 1.0])
        self.messages: list[str] = []
        self.canvas_widget = KisQPainterCanvas()
        self.subwindow = window.area.addSubWindow(self.canvas_widget)

    def document(self) -> Document | None:
        return Document(self._document) if self._document.is_open else None

    def window(self) -> Window:
        return self._window

    def canvas(self) -> Canvas:
        return Canvas(self)

    def foregroundColor(self) -> ManagedColor:
        copied = ManagedColor(*self._color._space)
        copied.setComponents(self._color.components())
        return copied

    def setForeGroundColor(self, color: ManagedColor) -> None:
        self._color = color

    def showFloatingMessage(
        self, message: str, icon: QtGui.QIcon, timeout: int, priority: int
    ) -> None:
        self.messages.append(message)


class Window(QtCore.QObject):
    windowClosed = pyqtSignal()
    activeViewChanged = pyqtSignal()
    themeChanged = pyqtSignal()

    def __init__(self, application: Krita):
        super().__init__()
        self._application = application
        self._main = QtWidgets.QMainWindow()
        self.area = QtWidgets.QMdiArea()
        self._main.setCentralWidget(self.area)
        self.all_views: list[View] = []
        self.active_view: View | None = None

    def qwindow(self) -> QtWidgets.QMainWindow:
        return self._main

    def views(self) -> list[View]:
        return list(self.all_views)

    def activeView(self) -> View | None:
        return self.active_view

    def addView(self, document: Document) -> View:
        view = View(self, document.kis)
        self.all_views.append(view)
        self._application.notifier().viewCreated.emit(view)
        self.show_view(view)
        return view

    def show_view(self, view: View | None) -> None:
        self.active_view = view
        self.activeViewChanged.emit()
        for docker in self.dockers():
            docker.show_canvas(None if view is None else view.canvas())

    def dockers(self) -> list[DockWidget]:
        return self._main.findChildren(DockWidget)

    def createAction(self, identity: str, text: str = "", menu: str = "") -> Any:
        action = QAction(text, self._main)
        action.setObjectName(identity)
        self._main.addAction(action)
        self._application.actions[identity] = action
        return action


class Krita(QtCore.QObject):
    """The one application; `testing.restart` begins anew."""

    _the_one: Krita | None = None

    @staticmethod
    def instance() -> Krita:
        if Krita._the_one is None:
            Krita._the_one = Krita()
        return Krita._the_one

    def __init__(self) -> None:
        super().__init__()
        self.replaces_all_children = WITH_QT6
        self.files: dict[str, Image] = {}
        self.settings: dict[tuple[str, str], str] = {}
        self.actions: dict[str, Any] = {}
        self.extensions: list[Extension] = []
        self.factories: list[DockWidgetFactory] = []
        self.all_windows: list[Window] = []
        self._documents: list[KisDocument] = []
        self._notifier = Notifier()
        self._notifier.blockSignals(True)

    def version(self) -> str:
        return "6.0.0" if WITH_QT6 else "5.2.9"

    def notifier(self) -> Notifier:
        return self._notifier

    def windows(self) -> list[Window]:
        return list(self.all_windows)

    def activeWindow(self) -> Window | None:
        return self.all_windows[-1] if self.all_windows else None

    def openWindow(self) -> Window:
        window = Window(self)
        self._notifier.windowIsBeingCreated.emit(window)
        self.all_windows.append(window)
        for extension in self.extensions:
            extension.createActions(window)
        for factory in self.factories:
            docker = factory.createDockWidget()
            window.qwindow().addDockWidget(QtCore.Qt.DockWidgetArea.RightDockWidgetArea, docker)
        self._notifier.windowCreated.emit()
        return window

    def views(self) -> list[View]:
        return [view for window in self.all_windows for view in window.views()]

    def dockers(self) -> list[DockWidget]:
        return [docker for window in self.all_windows for docker in window.dockers()]

    def documents(self) -> list[Document]:
        return [Document(kis) for kis in self._documents]

    def activeDocument(self) -> Document | None:
        window = self.activeWindow()
        view = None if window is None else window.activeView()
        return None if view is None else view.document()

    def setActiveDocument(self, document: Document) -> None:
        for window in self.all_windows:
            for view in window.all_views:
                if view.document() == document:
                    window.show_view(view)

    def createDocument(
        self,
        width: int,
        height: int,
        name: str,
        model: str,
        depth: str,
        profile: str,
        resolution: float,
    ) -> Document | None:
        """With a white background, which reaches no further than the image."""
        space = model, depth, profile or default_profile(model, depth)
        if model not in CHANNELS or depth not in TYPES or space[2] not in PROFILES[model]:
            return None
        image = Image(width, height, space, resolution)
        image.replaces_all_children = self.replaces_all_children
        background = KisNode(image, "Background", "paintlayer", space)
        white = convert(b"\xff" * 4, ("RGBA", "U8", SRGB), space)
        background.device.write(white * (width * height), 0, 0, width, height)
        image.attach(image.root, background, 0)
        return self.add_document(KisDocument(self, image, name))

    def openDocument(self, file: str) -> Document | None:
        if file not in self.files:
            return None
        document = Document(KisDocument(self, self.files[file], ""))
        document = document.clone()
        document.kis.file = file
        return document

    def add_document(self, kis: KisDocument) -> Document:
        self._documents.append(kis)
        document = Document(kis)
        self._notifier.imageCreated.emit(document)
        return document

    def close_document(self, document: Document) -> None:
        for window in self.all_windows:
            for view in [view for view in window.all_views if view.document() == document]:
                window.all_views.remove(view)
                window.area.removeSubWindow(view.subwindow)
                view.canvas_widget.setParent(None)
                view.canvas_widget.deleteLater()
                self._notifier.viewClosed.emit(view)
                if window.active_view is view:
                    window.show_view(window.all_views[-1] if window.all_views else None)
        self._documents.remove(document.kis)
        document.kis.is_open = False
        self._notifier.imageClosed.emit(document.kis.file)

    def profiles(self, model: str, depth: str) -> list[str]:
        return list(PROFILES.get(model, ()))

    def colorModels(self) -> list[str]:
        return list(CHANNELS)

    def colorDepths(self, model: str) -> list[str]:
        return list(TYPES)

    def action(self, name: str) -> Any:
        return self.actions.get(name)

    def icon(self, name: str) -> QtGui.QIcon:
        return QtGui.QIcon()

    def addExtension(self, extension: Extension) -> None:
        self.extensions.append(extension)
        extension.setup()

    def addDockWidgetFactory(self, factory: DockWidgetFactory) -> None:
        self.factories.append(factory)

    def readSetting(self, group: str, name: str, default: str) -> str:
        return self.settings.get((group, name), default)

    def writeSetting(self, group: str, name: str, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError(f"argument 3 has unexpected type {type(value).__name__!r}")
        self.settings[group, name] = value
