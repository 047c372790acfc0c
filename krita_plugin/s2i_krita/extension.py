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
from .texts import _, use_language
from .ui.docker_view import DockerView

DOCKER = "s2i_docker"
LIVE = "s2i_live"
# Each opens a menu entry and can be given another shortcut in Krita's settings; the default ones
# and the English texts stand in s2i_krita.action.
ACTIONS: dict[str, Callable[[DocumentModel], None]] = {
    "s2i_generate": lambda model: model.generate(),
    "s2i_cancel": lambda model: model.cancel(),
    LIVE: lambda model: model.live.toggle(),
    "s2i_hints": lambda model: model.add_hint_layer(),
    "s2i_apply": lambda model: model.apply(),
}
_workspace: Workspace | None = None


def action_texts() -> dict[str, tuple[str, str]]:
    """What each action is called in menus, and its tooltip. Krita takes them from
    s2i_krita.action, which has no translations."""
    return {
        "s2i_generate": (
            _("s2i: Generate"),
            _("Color the drawing with the system chosen in the s2i docker"),
        ),
        "s2i_cancel": (_("s2i: Cancel"), _("Stop what s2i is working on")),
        LIVE: (_("s2i: Live"), _("Let the result follow the strokes")),
        "s2i_hints": (
            _("s2i: Add a hint layer"),
            _("Make a layer for color hints above the lines"),
        ),
        "s2i_apply": (_("s2i: Apply the result"), _("Put the result into the document")),
    }


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
    _use_language(settings.values.language)
    connection = Connection(_client(settings.values))
    installation = Installation()
    launcher = Launcher(installation.executable, settings.values.backend_command)
    daemon = Daemon(launcher, installation, carried_backend())
    palette = Palette(krita_settings.read, krita_settings.write)
    made = Workspace(connection, daemon, settings, palette, Krita.instance())
    settings.changed.connect(lambda name: _setting_changed(made, name))
    if settings.values.start_automatically and not settings.values.remote:
        made.start_daemon(by_hand=False)
    return made


def _use_language(name: str) -> None:
    """That one, or Krita's when there is no name."""
    use_language(name or QtCore.QLocale().name())


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
        _use_language(values.language)
    elif name == "backend_command":
        made.daemon.choose_command(values.backend_command)
    elif name == "remote" or (name.startswith("remote") and values.remote):
        made.connection.replace_client(_client(values))


class S2IExtension(Extension):
    """The actions of the menu Tools > Scripts, and the end of Krita."""

    def setup(self) -> None:
        _use_language(krita_settings.read("language", ""))
        self._watches: list[SaveWatch] = []
        self._live_marks: list[QtCore.QObject] = []
        self._hears_live = False
        notifier = Krita.instance().notifier()
        notifier.setActive(True)
        notifier.applicationClosing.connect(self._close)
        # The signal comes before the window is listed and has its menus.
        later = QtCore.QTimer.singleShot
        notifier.windowCreated.connect(lambda: later(0, self._watch))

    def createActions(self, window: object) -> None:  # noqa: N802 - Krita's name
        texts = action_texts()
        for name, command in ACTIONS.items():
            action = window.createAction(name, "", "tools/scripts")  # type: ignore[attr-defined]
            text, tip = texts[name]
            action.setText(text)
            action.setToolTip(tip)
            action.triggered.connect(lambda _checked=False, run=command: self._run(run))

            if name == LIVE:
                self._live_marks.append(action)

    def _watch(self) -> None:
        """Look for windows that are new."""
        if not self._hears_live:
            self._hears_live = True
            workspace().live_changed.connect(self._mark_live)
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
        self._mark_live()

    def _mark_live(self) -> None:
        """Check the menu's Live when the document that is worked on has it."""
        model = workspace().active_model()
        for action in self._live_marks:
            # Krita deletes it with its window.
            with contextlib.suppress(RuntimeError):
                action.setChecked(model is not None and model.live.active)  # type: ignore[attr-defined]

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
        # Krita may not have made it the active one yet.
        QtCore.QTimer.singleShot(0, workspace().live_changed.emit)
