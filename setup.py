"""Let an installed s2i carry what its add-ons are built from; all else is in pyproject.toml."""

from pathlib import Path
from shutil import copy, copytree, ignore_patterns, rmtree

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithAddons(build_py):
    """Lay `krita_plugin/` and its company beside `s2i_backend.addons`, as they lie here."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:  # they are found in the checkout
            return
        bundled = Path(self.build_lib, "s2i_backend/addons/bundled")
        rmtree(bundled, ignore_errors=True)
        copytree(
            "krita_plugin",
            bundled / "krita_plugin",
            ignore=ignore_patterns("__pycache__", "vendor"),
        )
        for name in ("constraints.txt", "LICENSE"):
            copy(name, bundled)


setup(cmdclass={"build_py": BuildWithAddons})
