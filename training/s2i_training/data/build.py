"""Building a set of line art: fetch, read, render, record.

A set is a folder with a folder of pictures for each source, the manifest, and the packed pictures
that training reads. A build that was interrupted goes on where it stopped: what a source's journal
records is not rendered again unless its text or its files changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from s2i_training.data.drawing import Drawing, Picture
from s2i_training.data.journal import Journal
from s2i_training.data.manifest import Item, split_of, write_manifest
from s2i_training.data.packages import PACKAGE_FOLDER
from s2i_training.data.packed import write_packed
from s2i_training.data.published import fetch
from s2i_training.data.sources import Source
from s2i_training.data.vector import UnusableDrawingError

Progress = Callable[[str, int, int], None]

# Less paint than this share of the square is no drawing (a dot, a hairline, an empty file).
_LEAST_PAINT = 0.02


def build_set(
    sources: Sequence[Source],
    folder: Path,
    packages: Path = PACKAGE_FOLDER,
    limit: int | None = None,
    progress: Progress | None = None,
) -> list[Item]:
    """Build, or go on building, the set in `folder`; returns its items.

    `limit`: at most so many drawings of each source. `progress` is called with what is being done,
    how many drawings are done and how many there are. Sources that were built before and are not
    named now are not in the manifest. Raises PackageUnavailableError for a package that cannot be
    had.
    """
    report = progress or (lambda _what, _done, _total: None)
    items: list[Item] = []
    for source in sources:
        archives = {package: fetch(package, packages) for package in source.packages}
        drawings = list(_thin_out_tones(source.read(archives)))[:limit]
        items += _render_source(source, drawings, folder, report)
    # Ordered by hash, so that the first hundred are a fair sample of all.
    items.sort(key=lambda item: _order(f"{item.source}/{item.id}"))
    write_packed(folder, items, lambda done: report("packing", done, len(items)))
    write_manifest(folder, items)
    return items


def _thin_out_tones(drawings: Iterable[Drawing]) -> Iterator[Drawing]:
    """Of drawings that differ only in skin tone, the one without and one with, in their order.

    The toned one is chosen by a hash, so that all tones are seen.
    """
    every = list(drawings)
    chosen: dict[str, str] = {}
    for drawing in every:
        if drawing.toned:
            best = chosen.setdefault(drawing.variant_of, drawing.id)
            chosen[drawing.variant_of] = min(best, drawing.id, key=_order)
    kept = set(chosen.values())
    return (drawing for drawing in every if not drawing.toned or drawing.id in kept)


def _order(identity: str) -> bytes:
    return hashlib.sha256(identity.split(".", maxsplit=1)[0].encode()).digest()


def _render_source(
    source: Source, drawings: Sequence[Drawing], folder: Path, report: Progress
) -> list[Item]:
    items: list[Item] = []
    with Journal(folder, source.name) as journal:
        for done, drawing in enumerate(drawings):
            report(source.name, done, len(drawings))
            item = journal.find(drawing.id, drawing.subject, _hash(drawing.text))
            if item is None:
                item = _write(drawing, source, folder)
                if item is not None:
                    journal.record(item)
            if item is not None:
                items.append(item)
    report(source.name, len(drawings), len(drawings))
    return items


def _write(drawing: Drawing, source: Source, folder: Path) -> Item | None:
    try:
        picture = drawing.render()
    except UnusableDrawingError:
        return None
    if not _shows_something(picture):
        return None
    color = f"{source.name}/{drawing.id}.png"
    color_hash = _write_png(folder / color, cv2.cvtColor(picture.color, cv2.COLOR_RGBA2BGRA))
    lines, lines_hash = None, None
    if picture.lines is not None:
        lines = f"{source.name}/{drawing.id}.lines.png"
        lines_hash = _write_png(folder / lines, picture.lines)
    return Item(
        id=drawing.id,
        source=source.name,
        version=source.packages[0].version,
        license=drawing.license or source.license,
        author=drawing.author or source.author,
        subject=drawing.subject,
        split=split_of(drawing.subject),
        side=picture.color.shape[0],
        color=color,
        lines=lines,
        source_sha256=_hash(drawing.text),
        color_sha256=color_hash,
        lines_sha256=lines_hash,
    )


def _shows_something(picture: Picture) -> bool:
    """Enough paint, and ink where there should be ink."""
    painted = (picture.color[:, :, 3] > 127).mean() >= _LEAST_PAINT
    return bool(painted) and (picture.lines is None or int(picture.lines.min()) < 128)


def _write_png(path: Path, pixels: np.ndarray) -> str:
    """Write a PNG; returns its SHA-256, hexadecimal."""
    done, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 2])
    if not done:
        raise OSError(f"OpenCV could not encode {path}")
    path.write_bytes(data.tobytes())
    return _hash(data.tobytes())


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
