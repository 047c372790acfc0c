"""Names that sent functions find inside Krita. In the test's own process nothing stands behind
them: they are imported so that readers and the type checker know where they come from.

    from inside_krita import Krita, QtWidgets

    def window_title():
        return Krita.instance().activeWindow().qwindow().windowTitle()

    assert "Krita" in krita.run(window_title)
"""

from __future__ import annotations

from typing import Any


class OnlyInside:
    """What stands for a name of Krita's process in this one."""

    def __init__(self, name: str):
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        raise AttributeError(
            f"{self._name} exists inside Krita only: put this into a function and send it with "
            "session.run(function)."
        )


Krita: Any = OnlyInside("Krita")
InfoObject: Any = OnlyInside("InfoObject")
ManagedColor: Any = OnlyInside("ManagedColor")
Selection: Any = OnlyInside("Selection")
QtCore: Any = OnlyInside("QtCore")
QtGui: Any = OnlyInside("QtGui")
QtWidgets: Any = OnlyInside("QtWidgets")
QTest: Any = OnlyInside("QTest")
