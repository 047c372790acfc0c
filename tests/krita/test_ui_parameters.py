"""Parameters are drawn from their declaration, whatever it says."""

from __future__ import annotations

import pytest
from desk import Desk

from s2i_krita.qt import QtCore, QtGui, QtWidgets
from s2i_krita.ui.slider import SliderSpinBox


def mouse(desk: Desk, slider: SliderSpinBox, kind: str, share: float, button: str = "LeftButton"):
    """A mouse event on the slider, `share` of its width from the left."""
    line = slider.lineEdit()
    assert line is not None
    buttons = QtCore.Qt.MouseButton
    place = QtCore.QPointF(share * (line.width() - 1), 4.0)
    event = QtGui.QMouseEvent(
        getattr(QtCore.QEvent.Type, kind),
        place,
        QtCore.QPointF(line.mapToGlobal(place.toPoint())),
        getattr(buttons, button),
        getattr(buttons, button),
        QtCore.Qt.KeyboardModifier.NoModifier,
    )
    QtWidgets.QApplication.sendEvent(line, event)


def test_a_number_is_a_slider(desk: Desk) -> None:
    model = desk.ready()
    slider = desk.find("parameter_strength", SliderSpinBox)
    assert (slider.minimum(), slider.maximum(), slider.value()) == (0.0, 1.0, 0.5)
    mouse(desk, slider, "MouseButtonPress", 0.75)
    assert model.parameters["strength"] == pytest.approx(0.75, abs=0.02)
    mouse(desk, slider, "MouseMove", 2.0)
    assert model.parameters["strength"] == 1.0
    mouse(desk, slider, "MouseButtonDblClick", 1.0)
    assert model.parameters["strength"] == 0.5
    assert slider.value() == 0.5


def test_a_number_can_be_typed(desk: Desk, qtbot) -> None:
    model = desk.ready()
    slider = desk.find("parameter_strength", SliderSpinBox)
    mouse(desk, slider, "MouseButtonPress", 0.1, "RightButton")
    assert model.parameters["strength"] == 0.5
    qtbot.keyClicks(slider, slider.locale().toString(0.25, "f", 2))
    assert model.parameters["strength"] == 0.5, "half a number is none"
    qtbot.keyClick(slider, QtCore.Qt.Key.Key_Return)
    assert model.parameters["strength"] == 0.25
    qtbot.keyClicks(slider, "9")
    qtbot.keyClick(slider, QtCore.Qt.Key.Key_Escape)
    assert slider.text() == slider.locale().toString(0.25, "f", 2)
    assert model.parameters["strength"] == 0.25
    qtbot.keyClick(slider, QtCore.Qt.Key.Key_Up)
    assert model.parameters["strength"] == 0.26


def test_a_whole_number_stays_one(desk: Desk) -> None:
    model = desk.ready()
    slider = desk.find("parameter_count", SliderSpinBox)
    slider.setValue(7)
    assert model.parameters["count"] == 7
    assert type(model.parameters["count"]) is int
    assert slider.decimals() == 0


def test_a_wheel_scrolls_the_docker_and_changes_nothing(desk: Desk) -> None:
    model = desk.ready()
    slider = desk.find("parameter_strength", SliderSpinBox)
    desk.view.setFocus()
    place = QtCore.QPointF(5, 5)
    event = QtGui.QWheelEvent(
        place,
        QtCore.QPointF(slider.mapToGlobal(place.toPoint())),
        QtCore.QPoint(0, 0),
        QtCore.QPoint(0, 120),
        QtCore.Qt.MouseButton.NoButton,
        QtCore.Qt.KeyboardModifier.NoModifier,
        QtCore.Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QtWidgets.QApplication.sendEvent(slider, event)
    assert model.parameters["strength"] == 0.5
    assert not event.isAccepted()


def test_the_other_types(desk: Desk, qtbot) -> None:
    model = desk.ready()
    desk.click("parameter_grow")
    assert model.parameters["grow"] is False
    desk.choose("parameter_quality", "Fast")
    assert model.parameters["quality"] == "fast"
    line = desk.find("parameter_prompt", QtWidgets.QLineEdit)
    line.clear()
    qtbot.keyClicks(line, "dog")
    assert model.parameters["prompt"] == "dog"


def test_an_unknown_type_is_shown_and_harms_nothing(desk: Desk) -> None:
    desk.ready()
    field = desk.find("parameter_curve")
    assert not field.isEnabled()
    assert desk.text("parameter_curve") == "Needs a newer plugin"
    desk.click("generate")
    request = desk.submitted().request
    assert request is not None
    assert request.parameters["curve"] == "flat"


def test_values_set_elsewhere_are_shown(desk: Desk) -> None:
    model = desk.ready()
    model.set_parameter("strength", 0.123456)
    model.set_parameter("grow", False)
    model.set_parameter("quality", "fast")
    model.set_parameter("prompt", "bird")
    assert desk.find("parameter_strength", SliderSpinBox).value() == 0.12
    assert model.parameters["strength"] == 0.123456, "showing a value does not round it"
    assert not desk.find("parameter_grow", QtWidgets.QCheckBox).isChecked()
    assert desk.find("parameter_quality", QtWidgets.QComboBox).currentText() == "Fast"
    assert desk.find("parameter_prompt", QtWidgets.QLineEdit).text() == "bird"
    desk.click("reset_parameters")
    assert model.parameters["strength"] == 0.5
    assert desk.find("parameter_quality", QtWidgets.QComboBox).currentText() == "Best"


def test_help_is_the_tooltip(desk: Desk) -> None:
    desk.ready()
    assert desk.find("parameter_strength").toolTip() == "How much."
    assert desk.find("parameter_grow").toolTip() == "Whether."


def test_another_system_has_other_settings(desk: Desk) -> None:
    model = desk.ready()
    assert desk.sees("parameters_section")
    desk.choose("system", "Flatter")
    assert model.pipeline is not None
    assert model.pipeline.name == "flatter"
    assert not desk.sees("parameter_strength")
    assert not desk.sees("parameters_section")
    assert not desk.sees("input_hints")
    desk.choose("system", "Painter")
    assert desk.sees("parameter_strength")


def test_a_part_that_was_folded_stays_so(desk: Desk) -> None:
    model = desk.ready()
    desk.click("parameters_heading")
    assert not desk.sees("parameter_strength")
    desk.view.show_document(None)
    desk.view.show_document(model)
    assert not desk.sees("parameter_strength")
    desk.click("parameters_heading")
    assert desk.sees("parameter_strength")
    assert desk.settings.values.folded == ""
