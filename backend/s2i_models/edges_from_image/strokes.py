"""From pixels in a row to smooth strokes, and from strokes to lines of one width on a canvas."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from s2i_models.flats.thinning import thin
from s2i_models.lineart import connected_pieces

# Of the Gaussian that smooths the stairs of pixels along a stroke, in pixels.
_SMOOTH = 2.0
_REACH = 6
# Lines are drawn so many times as large and then made smaller, for soft edges of even width.
_FINER = 4
_STRIP = 128
# Fractional bits of OpenCV's coordinates.
_SHIFT = 4


def trace_strokes(edges: np.ndarray, least: float = 1.0) -> list[np.ndarray]:
    """Edges, bool (H, W), as strokes from one end or fork to the next.

    Each is float32 (n, 2): x and y, in pixels whose centers lie at whole numbers; smoothed, with
    its ends where they were. A closed stroke ends where it begins; a lone pixel is a stroke of one
    point. `least`: gaps of less than so many pixels are closed, pieces of fewer left out.
    """
    ink = edges.view(np.uint8)
    reach = int(least / 2)
    if reach:
        # A square: a disk would leave a waist between two ends, and open it again.
        ink = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((2 * reach + 1,) * 2, np.uint8))
    thinned = thin(ink, rounds=max(edges.shape))
    count, pieces = connected_pieces(thinned, corners=True)
    thinned &= (np.bincount(pieces.ravel(), minlength=count) >= least)[pieces]
    y, x = np.nonzero(thinned)
    points = np.stack([x, y], axis=1).astype(np.float32)
    return [_smooth(points[chain]) for chain in _chains(_neighbors(thinned, y, x))]


def draw_strokes(
    strokes: list[np.ndarray], size: tuple[int, int], canvas: tuple[int, int], width: float
) -> np.ndarray:
    """Strokes on a grid of `size` (height, width) as lines on a `canvas`: uint8, how much of each
    pixel they cover, 0 to 255. `width`: of the lines, in pixels of the canvas."""
    covered = np.zeros(canvas, np.uint8)
    if not strokes:
        return covered
    enlarge = np.array(canvas[::-1], np.float32) / size[::-1] * _FINER
    lines = np.concatenate([_lines(stroke) for stroke in strokes])
    lines = (lines + 0.5) * enlarge - 0.5
    thickness = max(1, round(width * _FINER))
    first, last = lines[..., 1].min(axis=1) - thickness, lines[..., 1].max(axis=1) + thickness
    for top in range(0, canvas[0], _STRIP):
        bottom = min(canvas[0], top + _STRIP)
        here = lines[(last >= top * _FINER) & (first <= bottom * _FINER)]
        if not len(here):
            continue
        here = np.rint((here - (0, top * _FINER)) * 2**_SHIFT).astype(np.int32)
        fine = np.zeros(((bottom - top) * _FINER, canvas[1] * _FINER), np.uint8)
        cv2.polylines(fine, list(here), False, 255, thickness, cv2.LINE_8, _SHIFT)
        small = (canvas[1], bottom - top)
        covered[top:bottom] = cv2.resize(fine, small, interpolation=cv2.INTER_AREA)
    return covered


def _neighbors(thinned: np.ndarray, y: np.ndarray, x: np.ndarray) -> list[list[int]]:
    """For each pixel of a thinned picture, the numbers of those that it is linked with.

    Pixels that touch at a corner are linked where no pixel beside both links them already.
    """
    number = np.full(np.add(thinned.shape, 2), -1, np.int32)
    number[y + 1, x + 1] = np.arange(len(y))
    linked: list[list[int]] = [[] for _ in range(len(y))]
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        other = number[y + 1 + down, x + 1 + right]
        there = other >= 0
        if down and right:
            there &= (number[y + 1 + down, x + 1] < 0) & (number[y + 1, x + 1 + right] < 0)
        for one, two in zip(np.flatnonzero(there).tolist(), other[there].tolist(), strict=True):
            linked[one].append(two)
            linked[two].append(one)
    return linked


def _chains(linked: list[list[int]]) -> Iterator[list[int]]:
    """Numbers of pixels from one end or fork to the next; takes the links away as it goes."""
    passed = [len(others) == 2 for others in linked]
    for start, others in enumerate(linked):
        if not others:
            yield [start]
    # Ends and forks first; what is left then are closed strokes.
    for start in sorted(range(len(linked)), key=passed.__getitem__):
        while linked[start]:
            chain = [start]
            while linked[chain[-1]] and (len(chain) == 1 or passed[chain[-1]]):
                chain.append(linked[chain[-1]].pop())
                linked[chain[-1]].remove(chain[-2])
            yield chain


def _smooth(points: np.ndarray) -> np.ndarray:
    """Points (n, 2) along a stroke, smoothed; ends stay."""
    if len(points) < 3:
        return points
    if (points[0] == points[-1]).all():
        around = np.pad(points[:-1], ((_REACH, _REACH + 1), (0, 0)), "wrap")
    else:
        # Turned over at the ends, which keeps them and their direction.
        around = np.pad(points, ((_REACH, _REACH), (0, 0)), "reflect", reflect_type="odd")
    weights = np.exp(-np.square(np.arange(-_REACH, _REACH + 1) / _SMOOTH) / 2)
    weights /= weights.sum()
    smooth = [np.convolve(axis, weights, "valid") for axis in around.T]
    return np.stack(smooth, axis=1).astype(np.float32)


def _lines(stroke: np.ndarray) -> np.ndarray:
    """A stroke's points (n, 2) as lines from each to the next: (n - 1, 2, 2); a dot is one too."""
    if len(stroke) == 1:
        return stroke[None].repeat(2, axis=1)
    return np.stack([stroke[:-1], stroke[1:]], axis=1)
