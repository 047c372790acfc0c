"""Which system works: a combo box of those that the daemon declares."""

from __future__ import annotations

from ..model.document_model import DocumentModel
from ..qt import pyqtSlot
from ..texts import _
from .compact import CompactCombo, identify


class SystemPicker(CompactCombo):
    """The systems by their titles, their summaries as tooltips."""

    def __init__(self, model: DocumentModel):
        super().__init__()
        identify(self, "system", _("System"))
        self._model = model
        self.activated.connect(self._activated)
        model.chosen_changed.connect(self.refresh)
        self.refresh()

    @pyqtSlot()
    def refresh(self) -> None:
        systems = self._model.connection.pipelines
        there = [self.itemData(i) for i in range(self.count())]
        if there != [s.name for s in systems]:
            self.clear()
            for system in systems:
                self.add(_(system.title), system.name, _(system.summary))
        chosen = self._model.pipeline
        self.show_data(chosen.name if chosen else None)
        self.setToolTip(_(chosen.summary) if chosen else "")

    def _activated(self, index: int) -> None:
        self._model.choose(self.itemData(index))
