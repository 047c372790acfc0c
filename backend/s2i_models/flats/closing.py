"""Closing of gaps: where do strokes end, and which ink does each end almost reach?

A line-art region leaks where a stroke stops short of another one. The idea of closing strokes
from their ends is Fourey, Tschumperle and Revoy's ("A fast and efficient semi-guided algorithm for
flat coloring line-arts", 2018). It is what tells a gap from a narrow passage between two whole
outlines: only a gap has a stroke's end at it. So outlines that are whole are never cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from s2i_models.flats.thinning import line_ends, thin, walk_from
from s2i_models.lineart import connected_pieces, ink_distance, nearest_zero, stroke_width

# A branch of the middle line belongs to a stroke of its own if it reaches at least this share of
# the half width (and two pixels) out of the stroke it comes from. A square corner reaches out 0.41.
STICKS_OUT = 0.5
# Directions, as cosine against the stroke's own, in which an end may be closed: not backwards.
BACKWARDS = -0.35
# Pixels on both sides of a gap are one more apart than it is wide, and edges are rasterized.
SLACK = 2.0
# What a pixel further from the stroke's middle costs against a pixel longer closing.
MIDDLE = 0.3
# Strokes up to this many times the usual width are thinned to their middle line.
WIDEST = 2.0
# Windows looked at together, to bound memory on hatched and noisy drawings.
BATCH = 1024


@dataclass(frozen=True)
class StrokeEnds:
    """`position`: int (n, 2), y and x in px; `radius`: float (n,), half of the stroke's width;
    `direction`: float (n, 2), the unit vector in which the stroke runs out, 0 for a dot."""

    position: np.ndarray
    radius: np.ndarray
    direction: np.ndarray


def stroke_ends(ink: np.ndarray) -> StrokeEnds:
    """Ends of the strokes in `ink` (uint8, height x width, 255 where ink).

    An end is an end of the thinned stroke. But a thinned stroke also has short branches into the
    corners of the stroke, where it turns sharply or is cut off straight: these are taken off, and
    what ends then counts.
    """
    half = (stroke_width(ink) + 0.5) / 2
    thinned = thin(ink, max(3, int(np.ceil(WIDEST * half)) + 1))
    distance = ink_distance(ink)
    for last in (False, True):
        ends = line_ends(thinned)
        radius = distance[ends[:, 0], ends[:, 1]]
        # Filled dots and blacks that were peeled to a point are no strokes.
        ends, radius = ends[radius <= WIDEST * half], radius[radius <= WIDEST * half]
        steps = np.ceil(2 * np.maximum(radius, half)).astype(int) + 3
        stops, forked, trace = walk_from(thinned, ends, steps)
        away = (ends - stops).astype(np.float32)
        length = np.linalg.norm(away, axis=1)
        wide = distance[stops[:, 0], stops[:, 1]]
        corner = forked & (length + radius - wide <= STICKS_OUT * wide + 2)
        if last or not corner.any():
            break
        of_corner = np.append(corner, False)  # -1, no walk, is the last one
        thinned = np.where(of_corner[trace], 0, thinned).astype(np.uint8)
        thinned[stops[corner, 0], stops[corner, 1]] = 1
    direction = away / np.maximum(length, 1e-6)[:, None]
    return StrokeEnds(ends[~corner], radius[~corner], direction[~corner])


def find_closings(ink: np.ndarray, gap: float) -> np.ndarray:
    """Segments that close gaps of up to `gap` px between a stroke's end and other ink.

    `ink`: uint8 (height, width), 255 where ink. Returns float32 (n, 4): y, x of the end and y, x
    of the ink (or of the canvas edge) it is joined with. An end is joined with each piece of ink
    in reach that it sees, for any one of them can be the other side of the gap.
    """
    ends = stroke_ends(ink)
    if gap <= 0 or not len(ends.radius):
        return np.zeros((0, 4), np.float32)
    found = [
        _close_ends(ink, StrokeEnds(*(values[part] for values in vars(ends).values())), gap)
        for part in (slice(i, i + BATCH) for i in range(0, len(ends.radius), BATCH))
    ]
    return np.concatenate(found)


def draw_closings(ink: np.ndarray, closings: np.ndarray, scale: float = 1.0) -> None:
    """Draw segments into `ink` (uint8, changed in place), whose px are `1 / scale` of theirs.

    Lines are one pixel wide and joined at corners: enough to part regions that are joined over
    edges.
    """
    ends = (closings + 0.5) * scale - 0.5
    # A little into the ink at both sides: at a finer scale the ink's edge may lie further off.
    along = ends[:, 2:] - ends[:, :2]
    along *= (scale / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)) * 0.75
    if scale == 1:
        along[:] = 0
    starts = np.rint(ends[:, :2] - along).astype(int)
    stops = np.rint(ends[:, 2:] + along).astype(int)
    for (y0, x0), (y1, x1) in zip(starts.tolist(), stops.tolist(), strict=True):
        cv2.line(ink, (x0, y0), (x1, y1), 255, 1, cv2.LINE_8)


def _close_ends(ink: np.ndarray, ends: StrokeEnds, gap: float) -> np.ndarray:
    """`find_closings` for some ends, all at once on a strip of windows around them."""
    tip_radius = 1.5 * ends.radius + 1
    reach = int(np.ceil(float(tip_radius.max()) + gap + SLACK + 2))
    size = 2 * reach + 1
    at = ends.position
    labels = _window_labels(ink, at, reach)
    own = labels == labels[:, reach, reach][:, None, None]
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    from_end = np.hypot(y, x)
    tip = own & (from_end <= tip_radius[:, None, None])
    distance, nearest = _nearest_in_strip(tip)
    other = (labels > 0) & ~own & (distance <= gap + SLACK)
    window, row, column = np.nonzero(other)
    if not window.size:
        return np.zeros((0, 4), np.float32)
    # The nearest pixel of each piece of ink in each window; across a straight cut, where many are
    # as near, the one in the stroke's middle, so that both sides' closings fall together.
    cost = distance[window, row, column] + MIDDLE * from_end[row, column]
    order = np.lexsort((cost, labels[window, row, column], window))
    piece = np.stack([window, labels[window, row, column]])[:, order]
    first = np.ones(len(order), bool)
    first[1:] = (np.diff(piece, axis=1) != 0).any(axis=0)
    window, row, column = window[order[first]], row[order[first]], column[order[first]]

    start = nearest[window, row, column]
    start_row, start_column = start // size % (size + 1), start % size
    toward = np.stack([row - reach, column - reach], axis=1).astype(np.float32)
    toward /= np.maximum(np.linalg.norm(toward, axis=1, keepdims=True), 1e-6)
    ahead = (toward * ends.direction[window]).sum(axis=1) > BACKWARDS
    good = ahead & _in_sight(labels, window, (start_row, start_column), (row, column))
    corner = at[window] - reach
    segments = np.stack([start_row, start_column, row, column], axis=1) + np.tile(corner, 2)
    return segments[good].astype(np.float32)


def _window_labels(ink: np.ndarray, at: np.ndarray, reach: int) -> np.ndarray:
    """Pieces of ink inside square windows: int32 (n, size, size), 0 free; each window's pieces
    are joined inside that window only. What lies outside the canvas is one piece."""
    size = 2 * reach + 1
    height, width = ink.shape
    padded = np.pad(ink, reach)
    views = np.lib.stride_tricks.sliding_window_view(padded, (size, size))
    strip = np.zeros((len(at), size + 1, size), np.uint8)
    strip[:, :size] = views[at[:, 0], at[:, 1]]
    count, labels = connected_pieces(strip.reshape(-1, size), corners=True)
    labels = labels.reshape(strip.shape)[:, :size]
    rows = at[:, :1] + np.arange(-reach, reach + 1)
    columns = at[:, 1:] + np.arange(-reach, reach + 1)
    outside = ((rows < 0) | (rows >= height))[:, :, None]
    outside = outside | ((columns < 0) | (columns >= width))[:, None, :]
    labels[outside] = count
    return labels


def _nearest_in_strip(tip: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance to the nearest tip pixel, and that pixel's index in the strip of windows.

    Windows are wide enough that another window's tip is never the nearer one within a gap.
    """
    count, size, _ = tip.shape
    strip = np.ones((count, size + 1, size), np.uint8)
    strip[:, :size] = ~tip
    flat = strip.reshape(-1, size)
    if flat.all():
        far = np.full(tip.shape, np.float32(np.inf))
        return far, np.zeros(tip.shape, np.int64)
    distance, label = nearest_zero(flat)
    tips = np.flatnonzero(flat.ravel() == 0)
    shape = strip.shape
    return distance.reshape(shape)[:, :size], tips[label].reshape(shape)[:, :size]


def _in_sight(
    labels: np.ndarray,
    window: np.ndarray,
    start: tuple[np.ndarray, np.ndarray],
    stop: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """Whether no third piece of ink lies on the way from `start` to `stop`."""
    share = np.linspace(0, 1, 2 * labels.shape[1], dtype=np.float32)
    rows = np.rint(start[0][:, None] + (stop[0] - start[0])[:, None] * share).astype(int)
    columns = np.rint(start[1][:, None] + (stop[1] - start[1])[:, None] * share).astype(int)
    seen = labels[window[:, None], rows, columns]
    own = labels[window, start[0], start[1]][:, None]
    other = labels[window, stop[0], stop[1]][:, None]
    return ((seen == 0) | (seen == own) | (seen == other)).all(axis=1)
