"""The Qt of this fake: PyQt5 as in Krita 5, or with `S2I_TEST_QT=6` PyQt6 as in Krita 6."""

import os
from typing import TYPE_CHECKING

WITH_QT6 = os.environ.get("S2I_TEST_QT") == "6"

if TYPE_CHECKING or WITH_QT6:
    from PyQt6 import QtCore, QtGui, QtWidgets
    from PyQt6.QtCore import pyqtSignal
else:
    from PyQt5 import QtCore, QtGui, QtWidgets
    from PyQt5.QtCore import pyqtSignal

# In PyQt6 actions have moved to another module.
QAction = QtGui.QAction if WITH_QT6 or TYPE_CHECKING else QtWidgets.QAction

__all__ = ["QAction", "QtCore", "QtGui", "QtWidgets", "pyqtSignal"]
