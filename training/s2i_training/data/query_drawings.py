"""Line drawings that no training sees: what retrieval is asked with when it is measured.

They come as a set of their own beside the line art, with the same names of subjects.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from s2i_training.data import iconify
from s2i_training.data.build import build_set
from s2i_training.data.drawing import Drawing
from s2i_training.data.manifest import MANIFEST
from s2i_training.data.packages import PACKAGE_FOLDER
from s2i_training.data.published import Package
from s2i_training.data.sources import Archives, Source

STREAMLINE = Package(
    "npm",
    "@iconify-json/streamline-emojis",
    "1.2.4",
    "5dac87c876b322500989828c5823143e0100d78881627a2e4081a4b897cbfdbc",
)
HIGH_CONTRAST = Package(
    "npm",
    "@iconify-json/fluent-emoji-high-contrast",
    "1.2.6",
    "0b92d48c90d2200bd499e3cdd09a127ca6a8c8ddefd34c35eb5a1e4994012ae0",
)
MONOTONE = Package(
    "npm",
    "@iconify-json/emojione-monotone",
    "1.2.1",
    "40b90004bafb406b59266155ef9b7e1dd67bf2947fc8db8d07388776f4d0d04e",
)
FOLDER = "queries"


def ensure_queries(beside: Path, packages: Path = PACKAGE_FOLDER) -> Path:
    """The folder `queries` next to the set `beside`, built when it is not there yet.

    Raises PackageUnavailableError when a package cannot be had.
    """
    folder = beside.parent / FOLDER
    if not (folder / MANIFEST).is_file():
        sources = (
            _source("streamline", STREAMLINE, "CC-BY-4.0", "Streamline"),
            _source("fluent-high-contrast", HIGH_CONTRAST, "MIT", "Microsoft"),
            _source("emojione-monotone", MONOTONE, "CC-BY-4.0", "EmojiOne, EmojiTwo"),
        )
        build_set(sources, folder, packages)
    return folder


def _source(name: str, package: Package, license_name: str, author: str) -> Source:
    packages = (package, *iconify.NAMING)
    return Source(name, packages, license_name, author, partial(_read, package))


def _read(package: Package, archives: Archives) -> Iterator[Drawing]:
    subjects = iconify.emoji_subjects({known: archives[known] for known in iconify.NAMING})
    return iconify.iconify_drawings(package, archives[package], subjects)
