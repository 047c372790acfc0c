"""The sources of line art: which packages they come in, their licences, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from s2i_training.data import dicebear, iconify
from s2i_training.data.drawing import Drawing
from s2i_training.data.openclipart import OPENCLIPART, openclipart_drawings
from s2i_training.data.openmoji import OPENMOJI, openmoji_drawings
from s2i_training.data.published import Package

Archives = Mapping[Package, Path]


@dataclass(frozen=True)
class Source:
    """A set of drawings.

    `packages` are all archives it is read from, the first being its own. `license` holds for every
    drawing that does not name another; `author` likewise. `read` gives the drawings in a fixed
    order.
    """

    name: str
    packages: tuple[Package, ...]
    license: str
    author: str
    read: Callable[[Archives], Iterator[Drawing]]


def _read_openmoji(archives: Archives) -> Iterator[Drawing]:
    naming = {package: archives[package] for package in iconify.NAMING}
    return openmoji_drawings(archives[OPENMOJI], iconify.emoji_subjects(naming))


def _read_iconify(package: Package, archives: Archives) -> Iterator[Drawing]:
    naming = {known: archives[known] for known in iconify.NAMING}
    subjects = iconify.emoji_subjects(naming)
    return iconify.iconify_drawings(package, archives[package], subjects)


def _iconify(name: str, package: Package, license_name: str, author: str) -> Source:
    packages = (package, *(other for other in iconify.NAMING if other != package))
    return Source(name, packages, license_name, author, partial(_read_iconify, package))


SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source(
            "openmoji",
            (OPENMOJI, *iconify.NAMING),
            "CC-BY-SA-4.0",
            "OpenMoji (HfG Schwäbisch Gmünd)",
            _read_openmoji,
        ),
        _iconify("noto", iconify.NOTO, "Apache-2.0", "Google"),
        _iconify("noto-v1", iconify.NOTO_V1, "Apache-2.0", "Google"),
        _iconify("twemoji", iconify.TWEMOJI, "CC-BY-4.0", "Twitter and other contributors"),
        _iconify("fluent-flat", iconify.FLUENT_FLAT, "MIT", "Microsoft"),
        _iconify("emojione", iconify.EMOJIONE, "CC-BY-4.0", "EmojiOne, EmojiTwo"),
        _iconify("fxemoji", iconify.FXEMOJI, "Apache-2.0", "Mozilla"),
        Source(
            "dicebear",
            (dicebear.CORE, *(style.package for style in dicebear.STYLES)),
            "per style",
            "",
            dicebear.dicebear_drawings,
        ),
        Source(
            "openclipart",
            (OPENCLIPART,),
            "public domain",
            "Open Clip Art Library",
            lambda archives: openclipart_drawings(archives[OPENCLIPART]),
        ),
    )
}
