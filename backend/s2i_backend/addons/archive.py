"""Zip files whose bytes depend on their contents alone."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path, PurePosixPath

# The first moment that a zip file can name.
_TIME = (1980, 1, 1, 0, 0, 0)
_FILE, _FOLDER = 0o100644, 0o040755
_MS_DOS_FOLDER = 0x10


def zip_bytes(files: Mapping[str, bytes], folders: bool = False) -> bytes:
    """A zip file of `files` by path, sorted; with `folders` each folder is an entry too."""
    entries = dict(files)
    if folders:
        parents = {parent for name in files for parent in PurePosixPath(name).parents}
        entries |= {f"{parent}/": b"" for parent in parents if parent.name}
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(entries):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system = 3  # Unix, on whatever system this runs
            packed = name.endswith(("/", ".whl", ".zip"))
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            entry.external_attr = _FILE << 16
            if entry.is_dir():
                entry.external_attr = _FOLDER << 16 | _MS_DOS_FOLDER
            archive.writestr(entry, entries[name])
    return buffer.getvalue()


def read_zip(content: bytes) -> dict[str, bytes]:
    """The files in a zip file by path, without its folders. Raises `BadZipFile`."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return {e.filename: archive.read(e) for e in archive.infolist() if not e.is_dir()}


def write_whole(path: Path, content: bytes) -> None:
    """Write the file so that nobody ever sees a part of it; it keeps the old one's permissions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
