"""Building a set of aligned face pictures: from a folder of ready ones, or from a generator.

The set has the same manifest and packed file as drawings have. A face has no lines of its own, and
is a subject of its own: it is in one split, wherever it comes from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from s2i_training.data.journal import Journal
from s2i_training.data.manifest import Item, split_of, write_manifest
from s2i_training.data.packed import write_packed

Progress = Callable[[str, int, int], None]

SIDE = 256


class PictureFile(NamedTuple):
    """A picture as the content of a file, and the ending of its name (`.jpg`)."""

    content: bytes
    ending: str


@dataclass(frozen=True)
class Face:
    """One face before its picture is made.

    `id` is a file name without its ending, unique within the source. `content_sha256`: hash of all
    that the pixels follow from, hexadecimal. `make` gives the picture, 8 bits, square, without
    transparency.
    """

    id: str
    content_sha256: str
    make: Callable[[], PictureFile]

    @property
    def subject(self) -> str:
        return f"face:{self.id}"


@dataclass(frozen=True)
class FaceSource:
    """Faces that come from one place, and the terms they come under."""

    name: str
    version: str
    license: str
    author: str
    faces: Sequence[Face]


def build_faces(
    sources: Sequence[FaceSource],
    folder: Path,
    side: int = SIDE,
    progress: Progress | None = None,
) -> list[Item]:
    """Build, or go on building, the set in `folder`; returns its items.

    `side`: width and height of the pictures that the sources give. `progress` is called with what
    is being done, how many faces are done and how many there are. Faces that were built before and
    are not among `sources` now are not in the manifest.
    """
    report = progress or (lambda _what, _done, _total: None)
    items: list[Item] = []
    for source in sources:
        items += _write_source(source, folder, side, report)
    write_packed(folder, items, lambda done: report("packing", done, len(items)), side=side)
    report("packing", len(items), len(items))
    write_manifest(folder, items)
    return items


def _write_source(source: FaceSource, folder: Path, side: int, report: Progress) -> list[Item]:
    items: list[Item] = []
    with Journal(folder, source.name) as journal:
        for done, face in enumerate(source.faces):
            report(source.name, done, len(source.faces))
            item = journal.find(face.id, face.subject, face.content_sha256)
            if item is None or item.side != side:
                item = _write(face, source, folder, side)
                journal.record(item)
            # The terms are those given now.
            items.append(
                replace(item, version=source.version, license=source.license, author=source.author)
            )
    report(source.name, len(source.faces), len(source.faces))
    return items


def _write(face: Face, source: FaceSource, folder: Path, side: int) -> Item:
    content, ending = face.make()
    path = f"{source.name}/{face.id}{ending}"
    (folder / path).write_bytes(content)
    return Item(
        id=face.id,
        source=source.name,
        version=source.version,
        license=source.license,
        author=source.author,
        subject=face.subject,
        split=split_of(face.subject),
        side=side,
        color=path,
        lines=None,
        source_sha256=face.content_sha256,
        color_sha256=hashlib.sha256(content).hexdigest(),
        lines_sha256=None,
    )
