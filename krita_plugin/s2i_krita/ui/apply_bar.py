"""How a result becomes layers, and where they go."""

from __future__ import annotations

from functools import partial

from ..host.results import Placement
from ..model.again import Again
from ..model.document_model import ApplyAs, DocumentModel
from ..qt import QtWidgets, pyqtSlot
from ..texts import _
from .compact import (
    SPACING,
    CompactCombo,
    ElidedCheckBox,
    Icon,
    Shortcut,
    column,
    identify,
    push_button,
)


class ApplyBar(QtWidgets.QWidget):
    """Two choices, a check box and the button; the settings remember them."""

    def __init__(self, model: DocumentModel, icon: Icon, shortcut: Shortcut):
        super().__init__()
        self._model, self._settings, self._shortcut = model, model.settings, shortcut
        self._how = identify(CompactCombo(), "apply_as", _("Apply as"), _("What is made of it"))
        for way, (text, tip) in ways().items():
            self._how.add(text, way.value, tip)
        self._where = identify(CompactCombo(), "placement", _("Placement"), _("Where it is put"))
        for placement, text in placements().items():
            self._where.add(text, placement.name)
        self._within = identify(
            ElidedCheckBox(_("Only in the selection")),
            "only_selection",
            _("Only in the selection"),
            _("Leave out what is not selected when it is applied"),
        )
        self._apply = push_button("apply", _("Apply"))
        self._apply.setIcon(icon("dialog-ok"))
        self._again = push_button("again", _("Generate once more"))
        self._again.setIcon(icon("view-refresh"))
        choices, last = QtWidgets.QHBoxLayout(), QtWidgets.QHBoxLayout()
        choices.addWidget(self._how, 1)
        choices.addWidget(self._where, 1)
        last.addWidget(self._within, 1)
        last.addWidget(self._again)
        last.addWidget(self._apply)
        layout = column(self)
        for line in (choices, last):
            line.setSpacing(SPACING)
            layout.addLayout(line)

        values = self._settings
        self._how.activated.connect(lambda i: values.set("apply_as", self._how.itemData(i)))
        self._where.activated.connect(lambda i: values.set("placement", self._where.itemData(i)))
        self._within.clicked.connect(partial(values.set, "only_selection"))
        self._again.clicked.connect(self._generate_again)
        self._apply.clicked.connect(lambda _on: model.apply())
        for signal in (
            values.changed,
            model.selected_changed,
            model.progress_changed,
            model.live.changed,
            model.connection.state_changed,
        ):
            signal.connect(self.refresh)
        self.refresh()

    @pyqtSlot()
    def refresh(self) -> None:
        model, values = self._model, self._settings.values
        # Pictures that were only found have buttons of their own.
        self.setVisible(not model.found.is_all)
        self._how.show_data(ApplyAs(values.apply_as).value)
        self._where.show_data(values.placement)
        self._within.setChecked(values.only_selection)
        there = model.selected is not None or model.live.active
        self._apply.setEnabled(there and not model.is_busy)
        keys = self._shortcut("s2i_apply")
        tip = _("Put the result into the document") if there else _("Choose a result first")
        self._apply.setToolTip(f"{tip} ({keys})" if keys else tip)
        again = model.again(model.selected) if model.selected is not None else None
        self._again.setVisible(again is not None)
        if again is not None:
            self._again.setText(_(again.title))
            self._again.setAccessibleName(_(again.title))
            self._again.setToolTip(again_tip(again))
            self._again.setEnabled(not model.is_busy)

    @pyqtSlot()
    def _generate_again(self) -> None:
        if self._model.selected is not None:
            self._model.generate_again(self._model.selected)


def again_tip(again: Again) -> str:
    """What the button for it does."""
    return _("Generate once more, with this result as “{input}”", input=_(again.input.title))


def ways() -> dict[ApplyAs, tuple[str, str]]:
    """What can be made of a result, in a few words and in some more."""
    return {
        ApplyAs.group: (_("As a group"), _("A group with lines, flats and shade")),
        ApplyAs.one_layer: (_("As one layer"), _("One layer that shows the whole result")),
        ApplyAs.by_color: (_("A layer for each color"), _("A group, its flats split")),
    }


def placements() -> dict[Placement, str]:
    """Where results can land, in words."""
    return {
        Placement.above_sketch: _("Above the sketch"),
        Placement.below_sketch: _("Below the sketch"),
        Placement.top: _("On top of all"),
        Placement.inside_active_group: _("In the active group"),
    }
