"""Krita's own folders for one test: settings, resources, and the plugins to be tried."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

DRIVER = Path(__file__).parent / "driver_plugin"

# What a program under test may know of the environment the tests run in. The rest is of the
# tester's desktop or Python and would change what Krita does.
_KEPT = ("LANG", "LOGNAME", "PATH", "SHELL", "TZ", "USER")
_KEPT_PREFIXES = ("CURL_", "HTTP", "NO_PROXY", "PIP_", "REQUESTS_", "SSL_CERT_", "http", "no_proxy")

_KRITARC = """\
HideSplashAfterStartup=true

[python]
{enabled}
"""
_KRITADISPLAYRC = """\
OpenGLRenderer=none
canvasState=OPENGL_NOT_TRIED
"""


class KritaProfile:
    """A home with all of Krita's folders in `folder`, which is made.

    With `warm`, a folder made by `keep`, Krita need not build its resource database again.
    """

    def __init__(self, folder: Path, warm: Path | None = None):
        self.folder = folder
        self.home = folder / "home"
        self.config = folder / "config"
        self.data = folder / "data"
        self.cache = folder / "cache"
        self.runtime = folder / "run"
        self.temporary = folder / "tmp"  # for Krita's swap files too, which a kill leaves behind
        for place in (self.home, self.config, self.runtime, self.temporary):
            place.mkdir(parents=True, exist_ok=True)
        self.runtime.chmod(0o700)  # Qt refuses one that others can read.
        for name in ("data", "cache"):
            if warm is not None:
                shutil.copytree(warm / name, folder / name, dirs_exist_ok=True)
            (folder / name).mkdir(exist_ok=True)
        (self.config / "kritadisplayrc").write_text(_KRITADISPLAYRC)
        self._enabled: list[str] = []

    @property
    def plugins(self) -> Path:
        """Where Krita looks for the user's Python plugins."""
        return self.data / "krita" / "pykrita"

    def install(self, plugins: Iterable[Path]) -> None:
        """Put plugins in place and enable them.

        A plugin is a folder or zip as Krita's own importer takes it: `NAME.desktop` beside the
        package `NAME`, and `NAME.action` for its actions.
        """
        for plugin in plugins:
            with _unpacked(plugin) as source:
                self._put(source)
        lines = "\n".join(f"enable_{name}=true" for name in self._enabled)
        (self.config / "kritarc").write_text(_KRITARC.format(enabled=lines))

    def _put(self, source: Path) -> None:
        names = [found.stem for found in source.glob("*.desktop")]
        if not names:
            raise FileNotFoundError(f"{source} has no .desktop file, so it is no plugin of Krita's")
        self.plugins.mkdir(parents=True, exist_ok=True)
        actions = self.data / "krita" / "actions"
        actions.mkdir(exist_ok=True)
        for action in source.rglob("*.action"):
            shutil.copy(action, actions)
        for name in names:
            shutil.copy(source / f"{name}.desktop", self.plugins)
            package = self.plugins / name
            shutil.rmtree(package, ignore_errors=True)
            unwanted = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source / name, package, ignore=unwanted)
        self._enabled += [name for name in names if name not in self._enabled]

    def environment(self, display: str) -> dict[str, str]:
        """All variables for a Krita that knows nothing but this profile."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in _KEPT or name.startswith(_KEPT_PREFIXES)
        }
        # An embedded Python believes that it is the one that is found first.
        of_tests = Path(sys.prefix)
        folders = kept.get("PATH", os.defpath).split(os.pathsep)
        kept["PATH"] = os.pathsep.join(f for f in folders if of_tests not in Path(f).parents)
        return {
            **kept,
            "DISPLAY": display,
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "NO_AT_BRIDGE": "1",
            "PYTHONFAULTHANDLER": "1",
            "QT_AUTO_SCREEN_SCALE_FACTOR": "0",
            "QT_LOGGING_RULES": "*.debug=false",
            "QT_QPA_PLATFORM": "xcb",
            "TMPDIR": str(self.temporary),
            "XDG_CACHE_HOME": str(self.cache),
            "XDG_CONFIG_HOME": str(self.config),
            "XDG_DATA_HOME": str(self.data),
            "XDG_RUNTIME_DIR": str(self.runtime),
        }

    def keep(self, target: Path) -> None:
        """Save what Krita has built, without plugins, as `target` for later profiles."""
        with tempfile.TemporaryDirectory(dir=target.parent) as passing:
            unwanted = shutil.ignore_patterns("pykrita", "actions")
            for name in ("data", "cache"):
                shutil.copytree(self.folder / name, Path(passing, "warm", name), ignore=unwanted)
            with contextlib.suppress(OSError):  # Another test run was faster: as good.
                Path(passing, "warm").rename(target)


@contextlib.contextmanager
def _unpacked(plugin: Path):
    if plugin.is_dir():
        yield plugin
        return
    with tempfile.TemporaryDirectory() as passing, zipfile.ZipFile(plugin) as packed:
        packed.extractall(passing)
        yield Path(passing)
