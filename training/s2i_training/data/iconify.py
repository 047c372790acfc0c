"""Emoji sets in Iconify's form: one JSON with the body of every SVG, names and categories."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from s2i_training.data.drawing import Drawing, Picture
from s2i_training.data.published import Package, read_files
from s2i_training.data.subjects import Subjects, without_tone
from s2i_training.data.vector import render_svg


def _set(name: str, version: str, sha256: str) -> Package:
    return Package("npm", f"@iconify-json/{name}", version, sha256)


NOTO = _set("noto", "1.2.9", "3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad")
NOTO_V1 = _set(
    "noto-v1", "1.2.5", "2bf62c26c2c2884aa99e90aec942cdaee17a5921f05690694f4978ad4b017c37"
)
TWEMOJI = _set(
    "twemoji", "1.2.5", "19046dff7d8707ce96212ec86468b36ac5f8e60409629dd13f809265c6d0ebb7"
)
FLUENT_FLAT = _set(
    "fluent-emoji-flat",
    "1.2.6",
    "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
)
EMOJIONE = _set(
    "emojione", "1.2.3", "26a14f44284407e8bcde91799388dca2bfd91dbcd55a97f425524a1c5b73610e"
)
FXEMOJI = _set(
    "fxemoji", "1.2.2", "f3e72b3c59d05e1db03b7e308d55c0d05bd7ba3f625a90da1b79313c12858eef"
)
# The sets whose charts of code points name the subjects of all emoji, whatever else is built.
NAMING = (NOTO, TWEMOJI, FLUENT_FLAT)
# Signs, not drawings to color.
_LEFT_OUT = frozenset({"Flags", "Symbols", "Modifiers"})


def iconify_drawings(package: Package, archive: Path, subjects: Subjects) -> Iterator[Drawing]:
    """Every drawing of a set but flags and symbols."""
    icons = _json(package, archive, "/icons.json")
    info = _json(package, archive, "/info.json")
    categories: Mapping[str, list[str]] = _json(package, archive, "/metadata.json")["categories"]
    signs = {name for kind in _LEFT_OUT & set(categories) for name in categories[kind]}
    for name, icon in sorted(icons["icons"].items()):
        if name in signs or name.startswith(("flag-", "keycap-", "digit-", "letter-")):
            continue
        wide = icon.get("width", icons.get("width", 16))
        high = icon.get("height", icons.get("height", 16))
        box = f"{icon.get('left', 0)} {icon.get('top', 0)} {wide} {high}"
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'width="{wide}" height="{high}" viewBox="{box}">{icon["body"]}</svg>'
        )
        plain = without_tone(name)
        yield Drawing(
            id=name,
            subject=subjects.of_name(name),
            text=svg.encode(),
            render=partial(_render, svg),
            variant_of=plain,
            toned=plain != name,
            author=info["author"]["name"],
        )


def emoji_subjects(archives: Mapping[Package, Path]) -> Subjects:
    """The subjects of all emoji, from the archives of the NAMING sets."""
    charts: list[Mapping[str, str]] = []
    aliases: list[tuple[str, str]] = []
    for package, archive in archives.items():
        charts.append(_json(package, archive, "/chars.json"))
        parents = _json(package, archive, "/icons.json").get("aliases", {})
        aliases += [(name, alias["parent"]) for name, alias in parents.items()]
    return Subjects(charts, aliases)


def _render(svg: str) -> Picture:
    return Picture(render_svg(svg))


def _json(package: Package, archive: Path, suffix: str) -> Any:
    return json.loads(next(read_files(package, archive, suffix))[1])
