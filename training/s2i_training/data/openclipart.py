"""Clip art of the Open Clip Art Library: drawings by many hands, public domain."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from s2i_training.data.drawing import Drawing, Picture
from s2i_training.data.packed import over_white
from s2i_training.data.published import Package, read_files
from s2i_training.data.vector import UnusableDrawingError, extent, render_svg

OPENCLIPART = Package(
    "debian",
    "openclipart-svg",
    "1:0.18+dfsg-19",
    "989712d90d57dfa3230049f553bb43b76c30ee4d4b8c5f6e106e33f7db5cbdc5",
)
_DRAWINGS = frozenset(
    {
        "animals",
        "buildings",
        "computer",
        "containers",
        "decorations",
        "education",
        "electronics",
        "food",
        "office",
        "people",
        "plants",
        "recreation",
        "science",
        "tools",
        "transportation",
        "unsorted",
    }
)
_SIGNS = re.compile(
    r"flag|sign|icon|logo|symbol|button|badge|label|map|chart|diagram|text|letter|alphabet|number"
    r"|barcode|roadsign|duplicates|stickm|pictogram|silhouette|dice|domino|chess|playing|keyboard"
)
_LEAST_EXTENT = 256
_LARGEST_TEXT = 1_500_000  # above, drawings are traced photographs and take seconds to render
_THUMB = 64
_SAME = 10  # so many of a look's 240 signs differ between copies of one drawing


def openclipart_drawings(archive: Path) -> Iterator[Drawing]:
    """The drawings of at least 256 px: no flags, signs, text or single colors, nothing twice."""
    seen: list[np.ndarray] = []
    for path, text in read_files(OPENCLIPART, archive, ".svg"):
        place = PurePosixPath(path.partition("openclipart/svg/")[2])
        if place.parts[0] not in _DRAWINGS or _SIGNS.search(str(place).lower()):
            continue
        if len(text) > _LARGEST_TEXT:
            continue
        svg = _clean(text.decode("utf-8", errors="replace"))
        try:
            if max(extent(svg)) < _LEAST_EXTENT:
                continue
            small = over_white(render_svg(svg, _THUMB))
        except UnusableDrawingError:
            continue
        if not _is_colored(small):
            continue
        look = _look(small)
        if seen and (np.array(seen) != look).sum(axis=1).min() <= _SAME:
            continue
        seen.append(look)
        identity = re.sub(r"[^a-z0-9]+", "-", str(place.with_suffix("")).lower()).strip("-")
        yield Drawing(
            id=identity,
            subject=f"clipart:{re.sub(r'[-0-9]+$', '', identity)}",
            text=text,
            render=partial(_render, svg),
            variant_of=identity,
            author=_author(svg),
        )


def _render(svg: str) -> Picture:
    return Picture(render_svg(svg))


def _clean(svg: str) -> str:
    """Without embedded pictures, and with a size that tells nothing but pixels."""
    return re.sub(r"<image\b.*?(/>|</image>)", "", svg, flags=re.DOTALL)


def _is_colored(small: np.ndarray) -> bool:
    """True when a visible part of the paint has color: no pictograms, no plain line art."""
    color = small[:, :, :3].astype(int)
    chroma = color.max(axis=2) - color.min(axis=2)
    painted = small[:, :, 3] > 127
    return bool(painted.mean() > 0.04 and (chroma[painted] > 40).mean() > 0.1)


def _look(small: np.ndarray) -> np.ndarray:
    """A perceptual hash: 240 signs of horizontal steps of gray at 16 by 15, (240,) bool."""
    gray = cv2.cvtColor(small[:, :, :3], cv2.COLOR_RGB2GRAY)
    tiny = cv2.resize(gray, (16, 16), interpolation=cv2.INTER_AREA).astype(int)
    return (tiny[:, 1:] > tiny[:, :-1] + 1).ravel()


def _author(svg: str) -> str:
    match = re.search(r"<dc:creator>.*?<dc:title>([^<]{1,80})</dc:title>", svg, flags=re.DOTALL)
    return html.unescape(match[1]).strip() if match else ""
