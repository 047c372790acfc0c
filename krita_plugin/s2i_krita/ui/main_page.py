"""The page of one document: inputs, Generate, results, Apply, and what is set less often."""

from __future__ import annotations

from collections.abc import Callable

from ..model.document_model import DocumentModel
from ..model.notice import DaemonNotice
from ..qt import QtCore, QtWidgets
from ..texts import _
from .apply_bar import ApplyBar
from .compact import SPACING, Icon, Shortcut, column, identify, tool_button
from .found_panel import FoundPanel
from .generate_bar import GenerateBar
from .history_view import HistoryView
from .inputs import Inputs
from .message_bar import MessageBar
from .palette_view import PaletteSection
from .parameter_widgets import ParameterSection
from .system_picker import SystemPicker

MARGIN = 4


class MainPage(QtWidgets.QScrollArea):
    """All that one document needs, in the order of work, so that a low docker shows what matters.

    The history takes the room that is left: a message that comes or goes moves nothing else.
    """

    def __init__(
        self,
        model: DocumentModel,
        notice: DaemonNotice,
        icon: Icon,
        shortcut: Shortcut,
        open_settings: Callable[[], None],
    ):
        super().__init__()
        identify(self, "main_page", _("Sketch to image"))
        self.model = model
        self.setWidgetResizable(True)
        self.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        page = QtWidgets.QWidget()
        layout = column(page, MARGIN)
        settings = tool_button("open_settings", _("Settings of s2i…"), icon("configure"))
        settings.clicked.connect(open_settings)
        top = QtWidgets.QHBoxLayout()
        top.setSpacing(SPACING)
        top.addWidget(SystemPicker(model), 1)
        top.addWidget(settings)
        layout.addLayout(top)
        layout.addWidget(Inputs(model, icon))
        layout.addWidget(GenerateBar(model, icon, shortcut))
        layout.addWidget(MessageBar(model, notice, icon))
        layout.addWidget(HistoryView(model, icon), 1)
        layout.addWidget(FoundPanel(model, icon), 3)
        layout.addWidget(ApplyBar(model, icon, shortcut))
        layout.addWidget(PaletteSection(model, icon))
        layout.addWidget(ParameterSection(model, icon))
        self.setWidget(page)
