"""Shaded renders of emoji subjects: pictures that look more like photographs than drawings do.

They teach retrieval that a subject stays itself in another medium. They are a set of their own,
beside the line art, because they have no lines to color.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from s2i_training.data import iconify
from s2i_training.data.build import build_set
from s2i_training.data.drawing import Drawing, Picture
from s2i_training.data.manifest import MANIFEST
from s2i_training.data.packages import PACKAGE_FOLDER
from s2i_training.data.published import Package, read_files
from s2i_training.data.sources import Archives, Source
from s2i_training.data.subjects import Subjects, without_tone
from s2i_training.data.vector import FILL, UnusableDrawingError

FLUENT_3D = Package(
    "npm",
    "@lobehub/fluent-emoji-3d",
    "1.1.0",
    "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
)
FOLDER = "renders"


def ensure_renders(beside: Path, packages: Path = PACKAGE_FOLDER) -> Path:
    """The folder `renders` next to the set `beside`, built when it is not there yet.

    Raises PackageUnavailableError when the package cannot be had.
    """
    folder = beside.parent / FOLDER
    if not (folder / MANIFEST).is_file():
        build_set([_source()], folder, packages)
    return folder


def _source() -> Source:
    return Source("fluent-3d", (FLUENT_3D, *iconify.NAMING), "MIT", "Microsoft", _read)


def _read(archives: Archives) -> Iterator[Drawing]:
    subjects = iconify.emoji_subjects({known: archives[known] for known in iconify.NAMING})
    return render_drawings(archives[FLUENT_3D], subjects)


def render_drawings(archive: Path, subjects: Subjects) -> Iterator[Drawing]:
    """Every render but flags, keycaps and signs, which are named by low code points."""
    for path, content in read_files(FLUENT_3D, archive, ".webp"):
        code = Path(path).stem
        points = [int(part, 16) for part in code.split("-")]
        if points[0] < 0x2600 or 0x20E3 in points or 0x1F1E6 <= points[0] <= 0x1F1FF:
            continue
        plain = without_tone(code)
        yield Drawing(
            id=code,
            subject=subjects.of_code(code),
            text=content,
            render=partial(_render, content),
            variant_of=plain,
            toned=plain != code,
        )


def _render(content: bytes) -> Picture:
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.ndim != 3 or decoded.shape[2] != 4:
        raise UnusableDrawingError("not a picture with transparency")
    height, width = decoded.shape[:2]
    side = round(max(height, width) / FILL)
    square = np.zeros((side, side, 4), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = decoded[:, :, [2, 1, 0, 3]]
    return Picture(square)
