"""How the plugin starts: with the Qt of this Krita, and with a message when it can not."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

KRITA = """
import sys, types
class Krita:
    dockers = []
    @classmethod
    def instance(cls): return cls
    version = staticmethod(lambda: {version!r})
    addDockWidgetFactory = staticmethod(lambda factory: Krita.dockers.append(factory))
krita = types.ModuleType("krita")
krita.Krita = Krita
sys.modules["krita"] = krita
sys.path.insert(0, {plugin!r})
"""


def run(code: str, version: str) -> subprocess.CompletedProcess[str]:
    krita = KRITA.format(version=version, plugin=str(ROOT / "krita_plugin"))
    return subprocess.run(
        [sys.executable, "-c", krita + code],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("version", "qt", "other"),
    [
        ("5.1.5", "PyQt5", "PyQt6"),
        ("5.3.4 (git abc123)", "PyQt5", "PyQt6"),
        ("6.0.0-beta1", "PyQt6", "PyQt5"),
        ("10.0", "PyQt6", "PyQt5"),
    ],
)
def test_kritas_version_decides_on_qt(version: str, qt: str, other: str) -> None:
    if importlib.util.find_spec(qt) is None:
        pytest.skip(f"{qt} is not installed")
    done = run(
        f"""
from s2i_krita import qt
assert qt.QtWidgets.QWidget.__module__ == "{qt}.QtWidgets"
assert qt.QtGui.QImage.__module__ == "{qt}.QtGui"
assert qt.pyqtSignal and qt.pyqtSlot and qt.pyqtProperty
assert not any(name.startswith("{other}") for name in sys.modules)
""",
        version,
    )
    assert done.returncode == 0, done.stderr


def test_outside_of_krita_the_package_starts_nothing() -> None:
    done = run("import s2i_krita; print([n for n in sys.modules if 's2i_krita' in n])", "5.1.5")
    assert done.stdout.strip() == "['s2i_krita']", done.stderr


@pytest.mark.parametrize("version", ["5.1.5", "6.0.0"])
def test_a_missing_library_is_told_where_the_plugin_would_be(version: str) -> None:
    pytest.importorskip("PyQt6" if version.startswith("6") else "PyQt5")
    done = run(
        """
import json
if Krita.version()[0] == "5":
    from PyQt5 import QtWidgets
else:
    from PyQt6 import QtWidgets
class Position: DockRight = object()
class Base: DockPosition = Position
class Factory:
    def __init__(self, name, side, docker):
        assert side is Position.DockRight
        self.name, self.docker = name, docker
krita.DockWidget = QtWidgets.QDockWidget
krita.DockWidgetFactory, krita.DockWidgetFactoryBase = Factory, Base
sys.modules["pykrita"] = types.ModuleType("pykrita")  # now this is inside Krita
sys.modules["zmq"] = types.ModuleType("zmq")
sys.modules["zmq"].__file__, sys.modules["zmq"].__version__ = "other/zmq.py", "1.0"
import s2i_krita
application = QtWidgets.QApplication([])
(factory,) = Krita.dockers
docker = factory.docker()
docker.canvasChanged(None)
print(json.dumps([factory.name, docker.windowTitle(), docker.findChild(QtWidgets.QLabel).text()]))
""",
        version,
    )
    assert done.returncode == 0, done.stderr
    name, title, text = json.loads(done.stdout)
    assert (name, title) == ("s2i_docker", "s2i")
    assert "zmq 1.0 is loaded from other/zmq.py" in text
    assert "switch the plugin off" in text
