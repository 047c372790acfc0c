"""s2i itself as a wheel, for the add-on's Install button: built from sources or from what is
installed."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
import tempfile
from base64 import urlsafe_b64encode
from hashlib import sha256
from importlib import metadata
from io import StringIO
from pathlib import Path

from s2i_backend.addons.archive import read_zip, zip_bytes
from s2i_backend.addons.sources import CHECKOUT, AddonError, is_checkout

# What of the checkout a wheel is built from; a copy of it is, so that nothing stale from an
# earlier build gets in, and nothing is left behind.
_FOLDERS = ("backend", "training", "krita_plugin")
_FILES = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "constraints.txt")
_OLDEST_SETUPTOOLS = 77
# pip writes these when it installs; they are no part of a wheel.
_WRITTEN_BY_PIP = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}


def backend_wheel() -> tuple[str, bytes]:
    """The file name and the bytes of s2i's wheel. Raises `AddonError` when it can not be made."""
    name, files = _built() if is_checkout() else _installed()
    return name, zip_bytes(_with_record(files))


def _built() -> tuple[str, dict[str, bytes]]:
    with tempfile.TemporaryDirectory(prefix="s2i-wheel-") as temporary:
        sources, made = Path(temporary, "s2i"), Path(temporary, "made")
        for name in _FOLDERS:
            left_out = shutil.ignore_patterns("__pycache__", "vendor", "*.egg-info")
            shutil.copytree(CHECKOUT / name, sources / name, ignore=left_out)
        for name in _FILES:
            shutil.copy(CHECKOUT / name, sources)
        options = ["--no-deps", "--no-build-isolation"][: 2 if _has_setuptools() else 1]
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "wheel"]
        command = [*pip, *options, "--wheel-dir", str(made), str(sources)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise AddonError(
                f"pip could not build the wheel of s2i:\n{(done.stdout + done.stderr).strip()}\n\n"
                f"It needs pip and setuptools {_OLDEST_SETUPTOOLS} or newer: "
                f'pip install "setuptools>={_OLDEST_SETUPTOOLS}". '
                "Or build without it: --no-backend."
            )
        (wheel,) = made.glob("s2i-*.whl")
        return wheel.name, read_zip(wheel.read_bytes())


def _has_setuptools() -> bool:
    try:
        found = metadata.version("setuptools")
    except metadata.PackageNotFoundError:
        return False
    return int(found.split(".")[0]) >= _OLDEST_SETUPTOOLS


def _installed() -> tuple[str, dict[str, bytes]]:
    """The files of the installed s2i, as they were in the wheel that it was installed from."""
    distribution = metadata.distribution("s2i")
    files = {}
    for path in distribution.files or ():
        # What lies outside of site-packages are the programs, which pip makes anew.
        if ".." in path.parts or "__pycache__" in path.parts:
            continue
        if path.parts[0].endswith(".dist-info") and path.name in _WRITTEN_BY_PIP:
            continue
        try:
            files[path.as_posix()] = Path(path.locate()).read_bytes()
        except FileNotFoundError as error:
            raise AddonError(
                f"The installed s2i lacks {error.filename}. Install it again."
            ) from error
    needed = {f"s2i-{distribution.version}.dist-info/WHEEL", "s2i_backend/__init__.py"}
    if not needed <= files.keys():
        raise AddonError(
            "This s2i was not installed by pip, so no wheel can be made of it. "
            "Install it by pip, or build without it: --no-backend."
        )
    return f"s2i-{distribution.version}-py3-none-any.whl", files


def _with_record(files: dict[str, bytes]) -> dict[str, bytes]:
    """`files` with the list of their hashes that a wheel has (the wheel format's RECORD)."""
    (record,) = {
        f"{name.partition('/')[0]}/RECORD" for name in files if name.endswith(".dist-info/WHEEL")
    }
    listed = {name: content for name, content in sorted(files.items()) if name != record}
    rows = StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    for name, content in listed.items():
        digest = urlsafe_b64encode(sha256(content).digest()).rstrip(b"=").decode()
        writer.writerow((name, f"sha256={digest}", len(content)))
    writer.writerow((record, "", ""))
    return {**listed, record: rows.getvalue().encode()}
