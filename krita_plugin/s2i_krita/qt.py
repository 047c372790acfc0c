"""Qt as this Krita has it: the one place that chooses between PyQt5 and PyQt6.

Krita's own version decides, as importing the other Qt can crash Krita.
"""

from typing import TYPE_CHECKING

from krita import Krita

KRITA_WITH_QT6 = 6

# PyQt6's stubs are the stricter ones: what they allow (full names of enums), PyQt5 has too.
if TYPE_CHECKING or int(Krita.instance().version().split(".")[0]) >= KRITA_WITH_QT6:
    from PyQt6 import QtCore, QtGui, QtWidgets
    from PyQt6.QtCore import (
        pyqtProperty,  # pyright: ignore[reportAttributeAccessIssue] - PyQt's stubs lack it
        pyqtSignal,
        pyqtSlot,
    )
else:
    from PyQt5 import QtCore, QtGui, QtWidgets
    from PyQt5.QtCore import pyqtProperty, pyqtSignal, pyqtSlot

__all__ = ["QtCore", "QtGui", "QtWidgets", "pyqtProperty", "pyqtSignal", "pyqtSlot"]
