"""A widget for each declared parameter: drawn from its type, range, title and help alone."""

from __future__ import annotations

from pathlib import Path

from s2i_client.declaration import InvalidRequest, Parameter, Value

from ..model.document_model import DocumentModel
from ..qt import QtWidgets, pyqtSlot
from ..texts import _
from .compact import (
    CompactCombo,
    ElidedCheckBox,
    ElidedLabel,
    Icon,
    beside_checks,
    capitalized,
    clear,
    column,
    identify,
    row,
    tool_button,
)
from .path_field import PathEdit
from .section import Section
from .slider import SliderSpinBox

MOST_TEXT = 4096


class ParameterField(QtWidgets.QWidget):
    """One line for one parameter. Subclasses build their widget and show values in it."""

    def __init__(self, model: DocumentModel, parameter: Parameter, icon: Icon):
        super().__init__()
        self.model, self.parameter, self.icon = model, parameter, icon
        self.title, self.help = _(parameter.title), _(parameter.help)
        self.setToolTip(self.help)
        self.build()
        self.refresh()
        model.parameters_changed.connect(self.refresh)

    def build(self) -> None:
        raise NotImplementedError

    def show_value(self, value: Value) -> None:
        raise NotImplementedError

    @pyqtSlot()
    def refresh(self) -> None:
        value = self.model.parameters.get(self.parameter.name)
        if value is not None:
            self.show_value(value)

    def set_value(self, value: Value) -> None:
        """What the user chose; what the declaration does not allow is put back."""
        try:
            self.model.set_parameter(self.parameter.name, value)
        except InvalidRequest:
            self.refresh()

    def identify(self, widget: QtWidgets.QWidget) -> None:
        identify(widget, f"parameter_{self.parameter.name}", self.title, self.help)

    def lay_out(self, field: QtWidgets.QWidget) -> None:
        self.identify(field)
        layout = row(ElidedLabel(self.title, self.help), field)
        self.setLayout(layout)


class NumberField(ParameterField):
    def build(self) -> None:
        parameter = self.parameter
        minimum, maximum = parameter.minimum or 0.0, parameter.maximum or 0.0
        decimals = 0 if parameter.type == "int" else _decimals(maximum - minimum)
        self._slider = SliderSpinBox(minimum, maximum, decimals)
        self._slider.valueChanged.connect(self._changed)
        self._slider.reset_wanted.connect(lambda: self.set_value(parameter.default))
        self.lay_out(self._slider)

    def show_value(self, value: Value) -> None:
        self._slider.show_value(float(value))

    def _changed(self, value: float) -> None:
        self.set_value(round(value) if self.parameter.type == "int" else value)


class CheckField(ParameterField):
    def build(self) -> None:
        self._box = ElidedCheckBox(self.title)
        self.identify(self._box)
        self._box.clicked.connect(self.set_value)
        column(self).addWidget(self._box)

    def show_value(self, value: Value) -> None:
        self._box.setChecked(bool(value))


class ChoiceField(ParameterField):
    def build(self) -> None:
        self._combo = CompactCombo()
        for choice in self.parameter.choices:
            self._combo.add(capitalized(_(choice)), choice)
        self._combo.activated.connect(lambda i: self.set_value(self._combo.itemData(i)))
        self.lay_out(self._combo)

    def show_value(self, value: Value) -> None:
        self._combo.show_data(value)


class TextField(ParameterField):
    def build(self) -> None:
        self._line = QtWidgets.QLineEdit()
        self._line.setMaxLength(MOST_TEXT)
        self._line.textEdited.connect(self.set_value)
        self.lay_out(self._line)

    def show_value(self, value: Value) -> None:
        if value != self._line.text():
            self._line.setText(str(value))


class FolderField(ParameterField):
    """A path to type, or to choose where the daemon sees the same folders.

    It stands among the inputs: without it there is nothing to work on.
    """

    def build(self) -> None:
        self._edit = PathEdit(
            f"parameter_{self.parameter.name}", self.title, self.help, self.icon("folder")
        )
        self._edit.chosen.connect(self._chosen)
        self._edit.line.setMaxLength(MOST_TEXT)
        self._edit.line.textEdited.connect(self.set_value)
        label = beside_checks(ElidedLabel(self.title, self.help))
        self.setLayout(row(label, self._edit))

    def show_value(self, value: Value) -> None:
        self._edit.browse.setEnabled(self._is_here)
        self._edit.show_path(str(value))

    @property
    def _is_here(self) -> bool:
        return not self.model.settings.values.remote

    def _chosen(self, path: str) -> None:
        self.set_value(str(Path(path).expanduser()) if path and self._is_here else path)


class UnknownField(ParameterField):
    """A type that this plugin does not know: the daemon uses the default."""

    def build(self) -> None:
        label = ElidedLabel(_("Needs a newer plugin"))
        self.help = _("Update the plugin to set this. Until then it keeps its default.")
        self.lay_out(label)
        self.setToolTip(self.help)
        self.setEnabled(False)

    def show_value(self, value: Value) -> None:
        pass


FIELDS: dict[str, type[ParameterField]] = {
    "float": NumberField,
    "int": NumberField,
    "bool": CheckField,
    "choice": ChoiceField,
    "text": TextField,
    "folder": FolderField,
}


class ParameterSection(Section):
    """The chosen system's parameters but folders, with a button that sets all of them back."""

    def __init__(self, model: DocumentModel, icon: Icon):
        super().__init__("parameters", _("Settings"), model.settings)
        self._model, self._icon = model, icon
        self._shown: tuple[Parameter, ...] | None = None
        self._layout = column(self.body)
        reset = tool_button("reset_parameters", _("Set all back"), icon("reload-preset"))
        reset.clicked.connect(model.reset_parameters)
        self.add_button(reset)
        model.chosen_changed.connect(self.refresh)
        self.refresh()

    @pyqtSlot()
    def refresh(self) -> None:
        pipeline = self._model.pipeline
        parameters = pipeline.parameters if pipeline else ()
        declared = tuple(p for p in parameters if p.type != "folder")
        if declared == self._shown:
            return
        self._shown = declared
        clear(self._layout)
        for parameter in declared:
            field = FIELDS.get(parameter.type, UnknownField)
            self._layout.addWidget(field(self._model, parameter, self._icon))
        self.setVisible(bool(declared))


def _decimals(span: float) -> int:
    """So many that a hundredth of the range can be set."""
    if span <= 2:
        return 2
    return 1 if span <= 200 else 0
