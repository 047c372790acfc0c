"""What most never need for setting up: the variant, a folder of wheels, an own backend."""

from __future__ import annotations

from collections.abc import Callable

from s2i_client.installation import VARIANTS

from ..model.workspace import Workspace
from ..qt import pyqtSlot
from ..texts import _
from .compact import CompactCombo, ElidedLabel, Icon, column, identify, push_button, row
from .path_field import PathField
from .section import Section


class SetupOptions(Section):
    """Folded away at first. What is set here is kept in the settings."""

    def __init__(self, workspace: Workspace, icon: Icon, open_settings: Callable[[], None]):
        super().__init__("more", _("More"), workspace.settings, folded=True)
        self._settings = settings = workspace.settings
        help_text = _("Automatic takes the NVIDIA build when there is such a graphics card.")
        self._variant = identify(CompactCombo(), "variant", _("Build"), help_text)
        for name, title in zip(
            VARIANTS, (_("Automatic"), _("CPU"), _("NVIDIA graphics card")), strict=True
        ):
            self._variant.add(title, name)
        self._variant.activated.connect(
            lambda index: settings.set("variant", self._variant.itemData(index))
        )
        layout = column(self.body)
        layout.addLayout(row(ElidedLabel(_("Build"), help_text), self._variant))
        for field in (
            PathField(
                settings,
                "wheels",
                _("Folder of wheels"),
                _("Install from this folder of *.whl files, without a network."),
                icon("folder"),
                folder=True,
            ),
            PathField(
                settings,
                "backend_command",
                _("Own backend"),
                _("Path of an s2i-backend that you installed yourself."),
                icon("folder"),
            ),
        ):
            layout.addWidget(field)
        remote = push_button("open_settings", _("Another computer, and more…"))
        remote.setToolTip(_("Use a daemon on another computer, and all other settings"))
        remote.clicked.connect(open_settings)
        layout.addWidget(remote)
        settings.changed.connect(self.refresh)
        self.refresh()

    @pyqtSlot()
    def refresh(self) -> None:
        self._variant.show_data(self._settings.values.variant)
