"""One setting as a line: its name, its field, and below them what it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model.settings import Settings
from ..qt import QtGui, QtWidgets, pyqtSlot
from .compact import CompactCombo, column, identify, make_faint, wrapped_label
from .path_field import PathField


class Setting(QtWidgets.QWidget):
    """Shows and sets the setting `name`. Subclasses make the field and show values in it."""

    def __init__(self, settings: Settings, name: str, title: str, help_text: str):
        super().__init__()
        self.settings, self.name, self.title = settings, name, title
        self.setObjectName(f"{name}_line")
        self._help = wrapped_label(f"{name}_help", title)
        self._help.setText(help_text)
        make_faint(self._help)
        self.layout_ = column(self)

    def lay_out(self, field: QtWidgets.QWidget, labelled: bool = True) -> None:
        if labelled:
            label = QtWidgets.QLabel(self.title)
            label.setBuddy(field)
            line = QtWidgets.QHBoxLayout()
            line.addWidget(label, 2)
            line.addWidget(field, 3)
            self.layout_.addLayout(line)
        else:
            self.layout_.addWidget(field)
        self.layout_.addWidget(self._help)
        self.settings.changed.connect(self.refresh)
        self.refresh()

    @property
    def value(self) -> Any:
        return getattr(self.settings.values, self.name)

    def set_value(self, value: Any) -> None:
        self.settings.set(self.name, value)

    @pyqtSlot()
    def refresh(self) -> None:
        raise NotImplementedError


class CheckSetting(Setting):
    def __init__(self, settings: Settings, name: str, title: str, help_text: str):
        super().__init__(settings, name, title, help_text)
        self._box = identify(QtWidgets.QCheckBox(title), f"setting_{name}", title)
        self._box.clicked.connect(self.set_value)
        self.lay_out(self._box, labelled=False)

    @pyqtSlot()
    def refresh(self) -> None:
        self._box.setChecked(self.value)


class ChoiceSetting(Setting):
    """`choices`: titles by value. A value that is none of them is offered too."""

    def __init__(
        self,
        settings: Settings,
        name: str,
        title: str,
        help_text: str,
        choices: Mapping[str, str],
    ):
        super().__init__(settings, name, title, help_text)
        self._combo = identify(CompactCombo(), f"setting_{name}", title)
        for value, text in choices.items():
            self._combo.add(text, value)
        self._combo.activated.connect(lambda i: self.set_value(self._combo.itemData(i)))
        self.lay_out(self._combo)

    @pyqtSlot()
    def refresh(self) -> None:
        if self._combo.findData(self.value) < 0:
            self._combo.add(self.value, self.value)
        self._combo.show_data(self.value)


class NumberSetting(Setting):
    """`limits`: least and most. `least_text` stands for the least value."""

    def __init__(
        self,
        settings: Settings,
        name: str,
        title: str,
        help_text: str,
        limits: tuple[float, float],
        suffix: str,
        least_text: str = "",
    ):
        super().__init__(settings, name, title, help_text)
        self._is_int = isinstance(self.value, int)
        self._spin = identify(QtWidgets.QDoubleSpinBox(), f"setting_{name}", title)
        self._spin.setDecimals(0 if self._is_int else 2)
        self._spin.setRange(*limits)
        self._spin.setSingleStep(1 if self._is_int else 0.05)
        self._spin.setSuffix(suffix)
        self._spin.setSpecialValueText(least_text)
        self._spin.setKeyboardTracking(False)
        self._spin.valueChanged.connect(self._changed)
        self.lay_out(self._spin)

    def _changed(self, value: float) -> None:
        self.set_value(round(value) if self._is_int else value)

    @pyqtSlot()
    def refresh(self) -> None:
        if self._spin.value() != self.value:
            self._spin.setValue(self.value)


class TextSetting(Setting):
    def __init__(self, settings: Settings, name: str, title: str, help_text: str):
        super().__init__(settings, name, title, help_text)
        self._line = identify(QtWidgets.QLineEdit(), f"setting_{name}", title)
        self._line.editingFinished.connect(lambda: self.set_value(self._line.text().strip()))
        self.lay_out(self._line)

    @pyqtSlot()
    def refresh(self) -> None:
        if self._line.text() != self.value:
            self._line.setText(self.value)


class PathSetting(Setting):
    def __init__(
        self,
        settings: Settings,
        name: str,
        title: str,
        help_text: str,
        icon: QtGui.QIcon,
        folder: bool = False,
    ):
        super().__init__(settings, name, title, help_text)
        self.lay_out(PathField(settings, name, title, "", icon, folder), labelled=False)

    @pyqtSlot()
    def refresh(self) -> None:
        """`PathField` shows it."""
