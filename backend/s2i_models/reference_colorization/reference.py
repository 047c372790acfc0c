"""A reference of any size, depth and kind, brought to what the network and the palette need.

A reference is shrunk at once, in blocks, so beside its own pixels a huge one takes little more
memory than a small one. Its margins are cut off, so that a small figure on a large sheet is seen
as large as in training.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from s2i_client.declaration import InvalidRequest
from s2i_models.coloring.view import View
from s2i_models.layers import convert_depth
from s2i_models.lineart import connected_pieces

# A reference's longest side after it was shrunk: what attention is shown on, and what the palette
# is taken from.
LONGEST_SIDE = 1024
# Rows of the shrunk picture that are made at a time, from at most so many pixels where that is
# more than one of its columns.
_STRIP = 4
_BLOCK = 1 << 18
# Less visible than this is nothing.
_FAINTEST = 1 / 255
# Colors that differ less in each channel from the paper's are paper.
_PAPER_NOISE = 16 / 255
# Paper is what this share of the picture's edge is.
_PAPER_SHARE = 0.85
# Ink is dark, thinner than this share of the picture's longer side, and darker than what is
# around by this much.
_INK_WIDTH, _INK_LIGHTEST, _INK_CONTRAST = 0.03, 0.35, 0.2


@dataclass(frozen=True)
class Reference:
    """A reference, shrunk; all float32, 0 to 1.

    `color` (h, w, 3): sRGB, straight. `visible` (h, w): its alpha. `used` (h, w): how much of each
    pixel is there to take colors from.
    """

    color: np.ndarray
    visible: np.ndarray
    used: np.ndarray

    @cached_property
    def on_white(self) -> np.ndarray:
        """(h, w, 3): the picture laid on white."""
        alpha = self.visible[..., None]
        return self.color * alpha + (1 - alpha)

    @cached_property
    def ink(self) -> np.ndarray:
        """(h, w) bool: dark lines around areas, whose color is no color of the areas."""
        width = max(3, round(_INK_WIDTH * max(self.visible.shape)))
        square = np.ones((width, width), np.uint8)
        gray = cv2.cvtColor(self.on_white, cv2.COLOR_RGB2GRAY)
        # Of the gray, not of each channel: between red and green each channel alone stays dark.
        around = cv2.morphologyEx(gray, cv2.MORPH_CLOSE, square)
        return (gray < _INK_LIGHTEST) & (around - gray > _INK_CONTRAST)

    @cached_property
    def _without_ink(self) -> np.ndarray:
        """(h, w, 3): the picture on white with each pixel of ink as the nearest that is none."""
        if self.ink.all() or not self.ink.any():
            return self.on_white
        _, found = cv2.distanceTransformWithLabels(
            self.ink.view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
        )
        nearest = np.asarray(found, np.int32)
        colors = np.zeros((int(nearest.max()) + 1, 3), np.float32)
        colors[nearest[~self.ink]] = self.on_white[~self.ink]
        return colors[nearest]

    @cached_property
    def paper(self) -> np.ndarray:
        """(h, w) bool: blank paper around the figure. None where all of it would be."""
        count, pieces = connected_pieces(self._blank)
        outer = np.zeros(count, bool)
        outer[_edge(pieces)] = True
        outer[0] = False
        paper = outer[pieces]
        return np.zeros_like(paper) if paper.all() else paper

    @cached_property
    def _blank(self) -> np.ndarray:
        """(h, w) bool: transparent, or of the paper's color where the edge shows paper."""
        if (_edge(self.visible) <= _FAINTEST).mean() > 1 - _PAPER_SHARE:
            return self.visible <= _FAINTEST
        edge = _edge(self.on_white)
        paper = np.median(edge, axis=0)
        if (np.abs(edge - paper).max(axis=1) < _PAPER_NOISE).mean() < _PAPER_SHARE:
            return np.zeros(self.visible.shape, bool)
        return np.abs(self.on_white - paper).max(axis=2) < _PAPER_NOISE

    @property
    def figure(self) -> np.ndarray:
        """(h, w) uint8, 1 where the picture is not blank paper."""
        figure = (~self.paper).view(np.uint8)
        # Specks of dust are not to widen a window around it.
        clean = cv2.morphologyEx(figure, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        return clean if clean.any() else figure

    def is_used_in(self, view: View) -> bool:
        """Whether there is anything to take colors from in the window of `view`."""
        return bool(view.shrink((self.used > _FAINTEST).astype(np.float32)).any())

    def on_grid(self, view: View) -> GridReference:
        """The reference as the network takes it."""
        used = view.shrink(self.used)
        areas = np.where(self.ink[..., None], self._without_ink, self.color)
        taken = view.shrink(areas * self.used[..., None])
        return GridReference(
            color=view.shrink(self.on_white, paper=1.0),
            taken=taken / np.maximum(used, 1e-6)[..., None],
            used=used,
        )


@dataclass(frozen=True)
class GridReference:
    """A reference on the network's grid, float32, 0 to 1.

    `color` (h, w, 3) is what the network sees, with white paper around as in training, and with
    what a mask hides, because the rest of a figure tells what a part is. `taken` (h, w, 3) and
    `used` (h, w) are what colors are taken from.
    """

    color: np.ndarray
    taken: np.ndarray
    used: np.ndarray


def read_reference(name: str, pixels: np.ndarray, mask: np.ndarray | None = None) -> Reference:
    """The reference that input `name` is, without what `mask` hides.

    `pixels`, `mask`: layers of any size and depth, as in `Layer.pixels`. The mask is laid over the
    picture, stretched to it; light is used, dark and transparent is not. Raises `InvalidRequest`
    when nothing can be used.
    """
    color, alpha = _shrink(name, pixels)
    if alpha.max() <= _FAINTEST:
        raise InvalidRequest(
            name,
            "a picture that is transparent everywhere",
            "a picture with something visible in it",
        )
    used = alpha
    if mask is not None:
        light, cover = _shrink("reference_mask", mask)
        light = cv2.cvtColor(light, cv2.COLOR_RGB2GRAY) * cover
        shrinks = light.size > alpha.size
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        used = alpha * cv2.resize(light, alpha.shape[::-1], interpolation=how)
        if used.max() <= _FAINTEST:
            raise InvalidRequest(
                "reference_mask",
                "a mask that leaves nothing of the reference",
                "a picture that is light where the reference has what to use",
            )
    return Reference(color, alpha, used)


def _edge(plane: np.ndarray) -> np.ndarray:
    """The pixels along the four sides of (h, w, …)."""
    return np.concatenate([plane[0], plane[-1], plane[:, 0], plane[:, -1]])


def _shrink(name: str, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Straight colors (h, w, 3) and alpha (h, w), float32, at most `LONGEST_SIDE` px long."""
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if not pixels.size:
        raise InvalidRequest(name, "a picture without pixels", "a picture with something in it")
    height, width = pixels.shape[:2]
    factor = max(1.0, max(height, width) / LONGEST_SIDE)
    rows, columns = max(1, round(height / factor)), max(1, round(width / factor))
    small = np.empty((rows, columns, 4), np.float32)
    for top in range(0, rows, _STRIP):
        bottom = min(rows, top + _STRIP)
        begin, end = round(top * height / rows), round(bottom * height / rows)
        step = max(1, int(_BLOCK / ((end - begin) * width / columns)))
        for left in range(0, columns, step):
            right = min(columns, left + step)
            first, last = round(left * width / columns), round(right * width / columns)
            block = _premultiplied(pixels[begin:end, first:last])
            size = (right - left, bottom - top)
            made = cv2.resize(block, size, interpolation=cv2.INTER_AREA)
            small[top:bottom, left:right] = made
    alpha = small[..., 3]
    return small[..., :3] / np.maximum(alpha, 1e-6)[..., None], alpha


def _premultiplied(pixels: np.ndarray) -> np.ndarray:
    """Any layer as float32 RGBA (h, w, 4) whose colors are multiplied with alpha."""
    unit = convert_depth(pixels, np.dtype(np.float32))
    if pixels.dtype.kind == "f":
        unit = np.nan_to_num(unit).clip(0, 1)
    made = np.ones((*pixels.shape[:2], 4), np.float32)
    if pixels.shape[2] in (2, 4):
        made[..., 3] = unit[..., -1]
        unit = unit[..., :-1] * unit[..., -1:]
    made[..., :3] = unit
    return made
