"""The inputs of the chosen system: those that matter most, and the others folded away."""

from __future__ import annotations

from collections.abc import Sequence

from s2i_client.declaration import Input, Parameter

from ..model.document_model import DocumentModel
from ..model.roles import is_seldom
from ..model.sources import Source
from ..qt import QtWidgets, pyqtSlot
from ..texts import _
from .compact import Icon, clear, column, identify
from .input_row import InputRow
from .parameter_widgets import FolderField
from .section import Section


class Inputs(QtWidgets.QWidget):
    """A row for each input, and for each folder that the system works on."""

    def __init__(self, model: DocumentModel, icon: Icon):
        super().__init__()
        identify(self, "inputs", _("Inputs"))
        self._model, self._icon = model, icon
        self._shown: tuple[Input | Parameter, ...] = ()
        self._layout = column(self)
        model.chosen_changed.connect(self.refresh)
        self.refresh()

    @pyqtSlot()
    def refresh(self) -> None:
        pipeline = self._model.pipeline
        inputs = pipeline.inputs if pipeline else ()
        folders = [p for p in pipeline.parameters if p.type == "folder"] if pipeline else []
        declared = (*inputs, *folders)
        if declared == self._shown:
            return
        self._shown = declared
        clear(self._layout)
        seldom = [each for each in inputs if is_seldom(each, inputs)]
        for each in inputs:
            if each not in seldom:
                self._layout.addWidget(InputRow(self._model, each, self._icon))
        for each in folders:
            self._layout.addWidget(FolderField(self._model, each, self._icon))
        if seldom:
            self._layout.addWidget(MoreInputs(self._model, seldom, self._icon))


class MoreInputs(Section):
    """Its heading tells how many of them are sent, as they count while they are folded away too."""

    def __init__(self, model: DocumentModel, inputs: Sequence[Input], icon: Icon):
        super().__init__("more_inputs", _("More inputs"), model.settings, folded=True)
        self._model, self._inputs = model, inputs
        layout = column(self.body)
        for each in inputs:
            layout.addWidget(InputRow(model, each, icon))
        model.sources_changed.connect(self.refresh)
        self.refresh()

    @pyqtSlot()
    def refresh(self) -> None:
        sources = self._model.sources
        count = sum(sources.get(each.name, Source()).is_sent for each in self._inputs)
        text = _("More inputs ({count} in use)", count=count) if count else _("More inputs")
        self.heading.setText(text)
        self.heading.setAccessibleName(text)
