"""Small widgets that give way where the docker is narrow, as every part of it is made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..qt import QtCore, QtGui, QtWidgets

Icon = Callable[[str], QtGui.QIcon]
Shortcut = Callable[[str], str]
Widget = TypeVar("Widget", bound=QtWidgets.QWidget)

SPACING = 4
# How a row's width is shared between its name and its field.
LABEL_SHARE, FIELD_SHARE = 2, 3
# How much less seen are texts that explain. Themes seldom set a color for those.
FAINT = 0.6
ELIDE = QtCore.Qt.TextElideMode.ElideRight
_FIXED = QtWidgets.QSizePolicy.Policy.Fixed
_IGNORED = QtWidgets.QSizePolicy.Policy.Ignored
_EXPANDING = QtWidgets.QSizePolicy.Policy.Expanding


def identify(widget: Widget, name: str, title: str, tip: str = "") -> Widget:
    """Give it the name that tests find it by, and what screen readers and tooltips say."""
    widget.setObjectName(name)
    widget.setAccessibleName(title)
    widget.setToolTip(tip)
    return widget


def tool_button(name: str, title: str, icon: QtGui.QIcon, tip: str = "") -> QtWidgets.QToolButton:
    """A flat button with an icon; with its title where Krita has no such icon."""
    button = identify(QtWidgets.QToolButton(), name, title, tip or title)
    button.setAutoRaise(True)
    button.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)
    if icon.isNull():
        button.setText(title)
    else:
        button.setIcon(icon)
    return button


def push_button(name: str, title: str) -> QtWidgets.QPushButton:
    button = identify(QtWidgets.QPushButton(title), name, title)
    # In a dialog, Return should not press whatever button comes first.
    button.setAutoDefault(False)
    return button


class ElidedLabel(QtWidgets.QLabel):
    """One line of plain text that ends in dots when there is no room, and then tells all of itself
    in its tooltip."""

    def __init__(self, text: str = "", tip: str = ""):
        super().__init__(text)
        self._tip = tip
        self.setTextFormat(QtCore.Qt.TextFormat.PlainText)
        self.setSizePolicy(_IGNORED, _FIXED)
        self.setToolTip(tip)

    def minimumSizeHint(self) -> QtCore.QSize:  # noqa: N802 - Qt's name
        return QtCore.QSize(0, super().minimumSizeHint().height())

    def paintEvent(self, a0: QtGui.QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        room = self.rect().adjusted(max(0, self.indent()), 0, 0, 0)
        shown = self.fontMetrics().elidedText(self.text(), ELIDE, room.width())
        tip = (
            self._tip
            if shown == self.text()
            else "\n\n".join(filter(None, (self.text(), self._tip)))
        )
        if tip != self.toolTip():
            self.setToolTip(tip)
        painter = QtGui.QPainter(self)
        style = self.style()
        assert style is not None
        style.drawItemText(
            painter,
            room,
            int(self.alignment()),
            self.palette(),
            self.isEnabled(),
            shown,
            self.foregroundRole(),
        )


class ElidedCheckBox(QtWidgets.QCheckBox):
    """A check box whose text ends in dots when there is no room."""

    def __init__(self, text: str):
        super().__init__(text)
        self.setSizePolicy(_IGNORED, _FIXED)

    def minimumSizeHint(self) -> QtCore.QSize:  # noqa: N802 - Qt's name
        height = super().minimumSizeHint().height()
        return QtCore.QSize(height, height)

    def paintEvent(self, a0: QtGui.QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        painter = QtWidgets.QStylePainter(self)
        option = QtWidgets.QStyleOptionButton()
        self.initStyleOption(option)
        style = self.style()
        assert style is not None
        room = style.subElementRect(
            QtWidgets.QStyle.SubElement.SE_CheckBoxContents, option, self
        ).width()
        option.text = self.fontMetrics().elidedText(self.text(), ELIDE, room)
        painter.drawControl(QtWidgets.QStyle.ControlElement.CE_CheckBox, option)


class CompactCombo(QtWidgets.QComboBox):
    """A combo box as wide as there is room. Without focus, the wheel scrolls the docker."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(
            QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.setMinimumContentsLength(5)
        self.setSizePolicy(_EXPANDING, _FIXED)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)

    def minimumSizeHint(self) -> QtCore.QSize:  # noqa: N802 - Qt's name
        height = super().minimumSizeHint().height()
        return QtCore.QSize(3 * height, height)

    def add(self, text: str, data: object, tip: str = "") -> None:
        self.addItem(text, data)
        if tip:
            self.setItemData(self.count() - 1, tip, QtCore.Qt.ItemDataRole.ToolTipRole)

    def show_data(self, data: object) -> None:
        """Let the item with this data be the current one, without telling anybody."""
        index = next((i for i in range(self.count()) if self.itemData(i) == data), -1)
        if index != self.currentIndex():
            blocker = QtCore.QSignalBlocker(self)
            self.setCurrentIndex(index)
            blocker.unblock()

    def paintEvent(self, e: QtGui.QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """As Qt's, with a text that ends in dots."""
        painter = QtWidgets.QStylePainter(self)
        option = QtWidgets.QStyleOptionComboBox()
        self.initStyleOption(option)
        style = self.style()
        assert style is not None
        if self.currentIndex() < 0:
            faint = self.palette().color(QtGui.QPalette.ColorRole.ButtonText)
            faint.setAlphaF(FAINT)
            option.palette.setColor(QtGui.QPalette.ColorRole.ButtonText, faint)
            option.currentText = self.placeholderText()
        kinds = QtWidgets.QStyle
        room = style.subControlRect(
            kinds.ComplexControl.CC_ComboBox, option, kinds.SubControl.SC_ComboBoxEditField, self
        ).width()
        if not option.currentIcon.isNull():
            room -= option.iconSize.width() + SPACING
        text = self.fontMetrics().elidedText(option.currentText, ELIDE, room - SPACING)
        option.currentText = text
        painter.drawComplexControl(kinds.ComplexControl.CC_ComboBox, option)
        painter.drawControl(kinds.ControlElement.CE_ComboBoxLabel, option)

    def wheelEvent(self, e: QtGui.QWheelEvent | None) -> None:  # noqa: N802 - Qt's name
        if self.hasFocus():
            super().wheelEvent(e)
        elif e is not None:
            e.ignore()


def row(label: QtWidgets.QWidget, *fields: QtWidgets.QWidget) -> QtWidgets.QHBoxLayout:
    """A line of a form; the first of `fields` takes the room that the others leave."""
    line, right = QtWidgets.QHBoxLayout(), QtWidgets.QHBoxLayout()
    for layout in (line, right):
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACING)
    for place, field in enumerate(fields):
        right.addWidget(field, 0 if place else 1)
    line.addWidget(label, LABEL_SHARE)
    line.addLayout(right, FIELD_SHARE)
    return line


def column(widget: QtWidgets.QWidget, margin: int = 0) -> QtWidgets.QVBoxLayout:
    """A layout from top to bottom for a widget."""
    layout = QtWidgets.QVBoxLayout(widget)
    layout.setContentsMargins(margin, margin, margin, margin)
    layout.setSpacing(SPACING)
    return layout


def clear(layout: QtWidgets.QLayout) -> None:
    """Take all widgets out of a layout, and delete them."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()


def reserve(widget: QtWidgets.QWidget) -> None:
    """Keep the widget's place while it is hidden, so that nothing jumps."""
    policy = widget.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    widget.setSizePolicy(policy)


def wrapped_label(name: str, title: str) -> QtWidgets.QLabel:
    """A paragraph of plain text, which does not widen the docker."""
    label = identify(QtWidgets.QLabel(), name, title)
    label.setTextFormat(QtCore.Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    policy = label.sizePolicy()
    policy.setHorizontalPolicy(_IGNORED)
    label.setSizePolicy(policy)
    return label


def make_faint(label: QtWidgets.QWidget) -> None:
    """Let it stand back behind what it explains, in any theme."""
    effect = QtWidgets.QGraphicsOpacityEffect(label)
    effect.setOpacity(FAINT)
    label.setGraphicsEffect(effect)


def beside_checks(label: ElidedLabel) -> ElidedLabel:
    """Begin the text where that of check boxes begins."""
    style = label.style()
    assert style is not None
    metric = QtWidgets.QStyle.PixelMetric
    width = style.pixelMetric(metric.PM_IndicatorWidth)
    label.setIndent(width + style.pixelMetric(metric.PM_CheckBoxLabelSpacing))
    return label


def capitalized(text: str) -> str:
    """A word or two that begin a line."""
    return text[:1].upper() + text[1:]


def line_height() -> int:
    """Of the program's font, in pixels: what sizes are measured in."""
    return QtGui.QFontMetrics(QtWidgets.QApplication.font()).height()
