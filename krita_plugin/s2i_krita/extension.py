"""The plugin's parts put together, and what Krita calls of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from krita import DockWidget, DockWidgetFactory, DockWidgetFactoryBase, Extension, Krita
from s2i_client.client import Client
from s2i_client.installation import Installation
from s2i_client.launch import Launcher

from .backend.connection import Connection
from .backend.daemon import Daemon
from .backend.offer import carried_backend
from .backend.remote import RemoteUnusable, remote_connection
from .host import settings as krita_settings
from .host.document import Document
from .host.icons import icon, shortcut
from .host.saving import SaveWatch
from .model.document_model import DocumentModel
from .model.palette import Palette
from .model.settings import Settings, Values
from .model.workspace import Workspace
from .qt import QtCore
from .texts import use_language
from .ui.docker_view import DockerView

DOCKER = "s2i_docker"
# Each opens a menu entry and can be given another shortcut in Krita's settings; the default ones
# and the texts stand in s2i_krita.action.
ACTIONS: dict[str, Callable[[DocumentModel], None]] = {
    "s2i_generate": lambda model: model.generate(),
    "s2i_cancel": lambda model: model.cancel(),
    "s2i_live": lambda model: model.live.toggle(),
    "s2i_hints": lambda model: model.add_hint_layer(),
    "s2i_apply": lambda model: model.apply(),
}
_workspace: Workspace | None = None


def register() -> None:
    """Called once by Krita, while it starts."""
    app = Krita.instance()
    app.addExtension(S2IExtension(app))
    side = DockWidgetFactoryBase.DockPosition.DockRight
    app.addDockWidgetFactory(DockWidgetFactory(DOCKER, side, S2IDocker))


def workspace() -> Workspace:
    """The model that all windows share; made when the first one needs it."""
    global _workspace  # noqa: PLW0603 - Krita makes dockers and extension itself, with no argument
    if _workspace is None:
        _workspace = _make_workspace()
    return _workspace


def _make_workspace() -> Workspace:
    settings = Settings(krita_settings.read, krita_settings.write)
    use_language(settings.values.language or QtCore.QLocale().name())
    connection = Connection(_client(settings.values))
    installation = Installation()
    launcher = Launcher(installation.executable, settings.values.backend_command)
    daemon = Daemon(launcher, installation, carried_backend())
    palette = Palette(krita_settings.read, krita_settings.write)
    made = Workspace(connection, daemon, settings, palette, Krita.instance())
    settings.changed.connect(lambda name: _setting_changed(made, name))
    if settings.values.start_automatically and not settings.values.remote:
        made.start_daemon()
    return made


def _client(values: Values) -> Client:
    connection = None
    if values.remote:
        # The settings' dialog says what is wrong with it; until then the local daemon is used.
        with contextlib.suppress(RemoteUnusable):
            connection = remote_connection(values.remote_endpoint, values.remote_key)
    return Client("krita", Krita.instance().version(), connection=connection)


def _setting_changed(made: Workspace, name: str) -> None:
    values = made.settings.values
    if name == "language":
        use_language(values.language or QtCore.QLocale().name())
    elif name == "backend_command":
        made.daemon.choose_command(values.backend_command)
    elif name.startswith("remote"):
        made.connection.replace_client(_client(values))


class S2IExtension(Extension):
    """The actions of the menu Tools > Scripts, and the end of Krita."""

    def setup(self) -> None:
        self._watches: list[SaveWatch] = []
        notifier = Krita.instance().notifier()
        notifier.setActive(True)
        notifier.applicationClosing.connect(self._close)
        # The signal comes before the window is listed and has its menus.
        later = QtCore.QTimer.singleShot
        notifier.windowCreated.connect(lambda: later(0, self._watch_saving))

    def createActions(self, window: object) -> None:  # noqa: N802 - Krita's name
        for name, command in ACTIONS.items():
            action = window.createAction(name, "", "tools/scripts")  # type: ignore[attr-defined]
            action.triggered.connect(lambda _checked=False, run=command: self._run(run))

    def _watch_saving(self) -> None:
        """Look for windows that are new."""
        for window in Krita.instance().windows():
            if window.qwindow().findChild(SaveWatch) is None:
                watch = SaveWatch(window.qwindow())
                watch.about_to_save.connect(lambda: workspace().set_saving(True))
                watch.over.connect(lambda: workspace().set_saving(False))
                # PyQt lets go of its half of a child whose parent Krita made.
                self._watches.append(watch)

    def _run(self, command: Callable[[DocumentModel], None]) -> None:
        model = workspace().active_model()
        if model is not None:
            command(model)

    def _close(self) -> None:
        if _workspace is not None:
            _workspace.close()


class S2IDocker(DockWidget):
    """One window's docker; it shows the document of that window."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("s2i")
        self._view = DockerView(workspace(), icon, shortcut)
        self.setWidget(self._view)

    def canvasChanged(self, canvas: object) -> None:  # noqa: N802 - Krita's name
        self._view.show_document(workspace().model_of(Document.of_canvas(canvas)))
