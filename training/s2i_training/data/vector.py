"""SVG to pixels: one square size, aspect kept, centered."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import cv2
import numpy as np
import resvg_py

SIDE = 512
# Written without prefixes, as the sources write it.
ET.register_namespace("", "http://www.w3.org/2000/svg")
ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")

# A drawing fills this share of the square's side, the rest is margin: line art has paper around it.
FILL = 0.94


class UnusableDrawingError(ValueError):
    """A drawing that cannot be rendered or shows nothing."""


def render_svg(svg: str, side: int = SIDE) -> np.ndarray:
    """Render into the middle of a transparent square.

    Returns (side, side, 4) uint8 RGBA, straight alpha. Raises UnusableDrawingError for SVG that
    resvg does not read.
    """
    inner = round(side * FILL)
    wide, high = extent(svg)
    width, height = (inner, None) if wide >= high else (None, inner)
    try:
        png = resvg_py.svg_to_bytes(
            svg_string=svg, skip_system_fonts=True, width=width, height=height
        )
    except (ValueError, RuntimeError) as error:
        raise UnusableDrawingError(f"resvg cannot render it: {error}") from error
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.ndim != 3 or picture.shape[2] != 4 or max(picture.shape) > side:
        raise UnusableDrawingError("resvg returned a picture of an unexpected kind")
    square = np.zeros((side, side, 4), np.uint8)
    top, left = (side - picture.shape[0]) // 2, (side - picture.shape[1]) // 2
    square[top : top + picture.shape[0], left : left + picture.shape[1]] = picture[
        :, :, [2, 1, 0, 3]
    ]
    return square


def render_ink(svg: str, side: int = SIDE) -> np.ndarray:
    """Render ink alone: (side, side) uint8, 255 paper, 0 full ink, whatever the ink's color."""
    return 255 - render_svg(svg, side)[:, :, 3]


def keep_groups(svg: str, kept: frozenset[str]) -> str:
    """The SVG with only those top-level groups whose id is in `kept`, without a trailing number.

    Raises UnusableDrawingError when the text is no XML.
    """
    try:
        root = ET.fromstring(svg)
    except ET.ParseError as error:
        raise UnusableDrawingError(f"not well-formed: {error}") from error
    for child in list(root):
        group = re.sub(r"[-_]?\d+$", "", child.get("id", ""))
        if group not in kept and not child.tag.endswith("defs"):
            root.remove(child)
    return ET.tostring(root, encoding="unicode")


def extent(svg: str) -> tuple[float, float]:
    """Width and height of an SVG in its own units, usually pixels.

    Raises UnusableDrawingError when it says neither.
    """
    head = re.search(r"<svg\b[^>]*>", svg)
    if head is None:
        raise UnusableDrawingError("no <svg> element")
    sizes = [re.search(rf'\s{name}="([0-9.]+)', head[0]) for name in ("width", "height")]
    percent = re.search(r'\s(width|height)="[0-9.]+%"', head[0])
    if sizes[0] and sizes[1] and not percent:
        return float(sizes[0][1]), float(sizes[1][1])
    box = re.search(r'viewBox="\s*[-0-9.]+[\s,]+[-0-9.]+[\s,]+([0-9.]+)[\s,]+([0-9.]+)', head[0])
    if box is None:
        raise UnusableDrawingError("neither size nor viewBox")
    return float(box[1]), float(box[2])
