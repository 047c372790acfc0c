"""Ink and paper: what in a layer is line, how strongly, how wide, and which areas are solid black.

Every system that takes a sketch needs the same answer for dark lines on white, dark or colored
lines on transparent paper, gray pencil and scanned paper, at every depth. Layers are arrays
(height, width, channels): 1 channel gray, 2 gray and alpha, 3 RGB, 4 RGBA with straight alpha;
uint8, uint16, or floats from 0 to 1; sRGB-encoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

# Rows that are converted to float at a time: bounds the memory for canvases of 8192 x 8192, and
# lets a strip stay in the processor's cache between operations.
STRIP_ROWS = 64
# The paper is estimated on at most this many samples per side.
SAMPLES = 512
# A drop in tone that is smaller than this everywhere is dirt, not drawing.
FAINTEST_INK = 0.1


@dataclass(frozen=True)
class Paper:
    """How ink is told from paper in one layer.

    `kind`: "opaque" compares tone with the paper's; "transparent" has ink on clear paper;
    "alpha" is light ink on clear paper, where only the alpha channel tells ink.
    `tone`: the paper's tone, 0 to 1. `color`: its channels, 0 to 1.
    `floor` and `full`: drops in tone (0 to 1) at which ink begins and is at its strongest.
    `uneven`: the paper's tone in places, a small picture, for scans with shadows; or None.
    """

    kind: Literal["opaque", "transparent", "alpha"]
    tone: float
    color: tuple[float, ...]
    floor: float
    full: float
    uneven: np.ndarray | None = None


def ink_strength(pixels: np.ndarray, paper: Paper | None = None) -> np.ndarray:
    """How much each pixel is ink: float32 (height, width), 0 paper to 1 full ink.

    Alpha times the drop in tone against the paper, stretched so that the drawing's own darkest
    ink (pencil, colored line) is 1. `paper`: from `estimate_paper`, made here when absent.
    Raises ValueError for an array that is not a layer.
    """
    pixels = _as_layer(pixels)
    paper = paper or estimate_paper(pixels)
    strength = np.empty(pixels.shape[:2], np.float32)
    for rows in _strips(len(pixels)):
        strength[rows] = _strength(pixels, rows, paper)
    return strength


def clean_lines(
    pixels: np.ndarray, paper: Paper | None = None, strength: np.ndarray | None = None
) -> np.ndarray:
    """The drawing's lines on transparent paper, in their own color and the layer's depth.

    Returns (height, width, 2) for gray layers and (height, width, 4) for colored ones. What the
    paper shines through the ink is taken out: pixel = alpha x ink + (1 - alpha) x paper, solved
    for the ink. Lines that already lie on transparent paper come back as they are. `strength`: from
    `ink_strength` with the same paper, made here when absent.
    """
    pixels = _as_layer(pixels)
    paper = paper or estimate_paper(pixels)
    channels = pixels.shape[2]
    if paper.kind != "opaque":
        return pixels.copy()
    colors = 1 if channels <= 2 else 3
    lines = np.zeros((*pixels.shape[:2], colors + 1), pixels.dtype)
    paper_color = np.array(paper.color, np.float32)
    for rows in _strips(len(pixels)):
        alpha = _strength(pixels, rows, paper) if strength is None else strength[rows]
        # Only ink is worked on, a small part of most drawings; unmixing divides by alpha.
        inked = np.flatnonzero(alpha >= 1 / 255)
        if not inked.size:
            continue
        alpha = alpha.ravel()[inked][:, None]
        mixed = _unit_float(pixels[rows].reshape(-1, channels)[inked, :colors])
        local = paper_color
        if paper.uneven is not None:
            tone = _local_tone(paper, pixels.shape, rows).ravel()[inked][:, None]
            local = paper_color * (tone / paper.tone)
        # No ink is darker than black: below this alpha, the mixture could not be that dark.
        alpha = np.maximum(alpha, (1 - mixed / local).max(axis=1, keepdims=True))
        ink = ((mixed - (1 - alpha) * local) / alpha).clip(0, 1)
        values = _to_depth(np.concatenate([ink, alpha], axis=1), pixels.dtype)
        lines[rows].reshape(-1, colors + 1)[inked] = values
    return lines


def estimate_paper(pixels: np.ndarray) -> Paper:
    """Find the paper's tone, its noise and the ink's full strength in a layer."""
    pixels = _as_layer(pixels)
    height, width, channels = pixels.shape
    step = max(1, -(-max(height, width) // SAMPLES))
    sample = pixels[::step, ::step]
    tone, alpha = _tone_and_alpha(sample)
    white = Paper("opaque", 1.0, (1.0,) * (1 if channels <= 2 else 3), 0.0, 1.0)
    opaque = None if alpha is None else alpha > 0.5
    if alpha is not None and opaque is not None:
        if not opaque.any():
            return Paper("transparent", 1.0, white.color, 0.0, _full_ink(alpha * (1 - tone), 0.0))
        inside = tone[opaque]
        light_share = float((inside > 0.7).mean())
        if opaque.mean() < 0.95:
            if light_share < 0.5:
                full = _full_ink(alpha * (1 - tone), 0.0)
                return Paper("transparent", 1.0, white.color, 0.0, full)
            if np.subtract(*np.percentile(inside, (98, 2))) < 0.2 and opaque.mean() < 0.5:
                return Paper("alpha", 1.0, white.color, 0.0, 1.0)
    tone_samples = tone.ravel() if opaque is None else tone[opaque]
    paper_tone = _most_common_light_tone(tone_samples)
    if paper_tone < 0.25:  # ink everywhere: there is no paper to be seen
        return white
    near = np.abs(tone - paper_tone) < 0.04
    if opaque is not None:
        near &= opaque
    color = _mean_color(sample, near) if near.any() else white.color
    if float((np.abs(tone_samples - paper_tone) < 2.5 / 255).mean()) > 0.5:
        floor, uneven = 0.0, None  # drawn on a computer: clean paper
    else:
        noise = float(np.median(np.abs(tone[near] - paper_tone))) * 1.4826
        floor = min(0.2, 3 * noise / paper_tone)
        uneven = _uneven_tone(tone, paper_tone)
    drop = 1 - tone_samples / paper_tone
    return Paper("opaque", paper_tone, color, floor, _full_ink(drop, floor), uneven)


def binary_ink(strength: np.ndarray, low: float = 0.25, high: float = 0.45) -> np.ndarray:
    """Ink by hysteresis: uint8 (height, width), 255 ink, 0 free.

    Pixels of at least `low` belong to the ink where they touch, over such pixels, one of at least
    `high`; so faint parts of a stroke stay and smudges go.
    """
    strong = strength >= high
    candidates = strength >= low
    count, labels = connected_pieces(candidates, corners=True)
    # Only ink is worked on, a small part of most drawings.
    inked = np.flatnonzero(candidates)
    piece = labels.ravel()[inked]
    keep = np.zeros(count, np.uint8)
    keep[piece[strong.ravel()[inked]]] = 255
    ink = np.zeros(strength.shape, np.uint8)
    ink.ravel()[inked] = keep[piece]
    return ink


def connected_pieces(mask: np.ndarray, *, corners: bool = False) -> tuple[int, np.ndarray]:
    """Number the connected pieces of `mask` (bool or uint8, height x width) from 1.

    Returns the count, 0 included, and labels int32 (height, width), 0 outside the mask.
    `corners`: pixels that touch at a corner only are connected too, as ink is; free space is not.
    """
    mask = mask.view(np.uint8) if mask.dtype == np.bool_ else mask
    count, labels = cv2.connectedComponents(mask, connectivity=8 if corners else 4)
    return count, np.asarray(labels, np.int32)


def nearest_zero(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance (float32, px) to the nearest zero of `mask` (uint8), and which one that is (int32).

    Zeros are numbered from 0 in reading order; there must be one.
    """
    distance, label = cv2.distanceTransformWithLabels(
        mask, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.asarray(label, np.int32)
    nearest -= 1  # OpenCV numbers from 1
    return np.asarray(distance, np.float32), nearest


def stroke_width(ink: np.ndarray) -> float:
    """The typical width of the strokes in `ink` (bool or uint8, true where ink), in px.

    Twice the median distance to the edge along the strokes' middle lines; 0 without any ink.
    """
    distance = ink_distance(ink)
    ridge = (distance >= cv2.dilate(distance, np.ones((3, 3), np.uint8))) & (distance > 0)
    if not ridge.any():
        return 0.0
    # A stroke w px wide has (w + 1) / 2 in its middle for odd w, w / 2 for even w.
    return float(2 * np.median(distance[ridge]) - 0.5)


def solid_blacks(ink: np.ndarray, width: float | None = None, ratio: float = 4.0) -> np.ndarray:
    """Areas of `ink` that are filled rather than drawn: bool (height, width).

    An area is solid where a disc of `ratio` times the stroke width fits in, and as far as that
    disc reaches. `width`: the stroke width, measured when absent.
    """
    distance = ink_distance(ink)
    width = stroke_width(ink) if width is None else width
    radius = ratio * max(width, 1.0) / 2
    cores = distance > radius
    if not cores.any():
        return np.zeros(ink.shape, bool)
    outside = cv2.distanceTransform((~cores).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return (outside <= radius) & (distance > 0)


def ink_distance(ink: np.ndarray) -> np.ndarray:
    """Distance of each ink pixel to the nearest free pixel, px, float32; 0 where free.

    The canvas edge counts as ink, so strokes that run out of the canvas keep their width.
    """
    mask = ink.view(np.uint8) if ink.dtype == np.bool_ else ink
    if not mask.size or mask.all():
        return np.full(mask.shape, float(max(mask.shape)), np.float32)
    return cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def _strength(pixels: np.ndarray, rows: slice, paper: Paper) -> np.ndarray:
    tone, alpha = _tone_and_alpha(pixels[rows])
    if paper.kind == "alpha" and alpha is not None:
        return alpha
    drop = np.divide(tone, _local_tone(paper, pixels.shape, rows)[..., 0], out=tone)
    np.subtract(1, drop, out=drop)
    if alpha is not None:
        drop *= alpha
    drop -= paper.floor
    drop *= 1 / (paper.full - paper.floor)
    return np.clip(drop, 0, 1, out=drop)


def _local_tone(paper: Paper, shape: tuple[int, ...], rows: slice) -> np.ndarray:
    if paper.uneven is None:
        return np.full((1, 1, 1), paper.tone, np.float32)
    small = paper.uneven
    y = (np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) * len(small) / shape[0] - 0.5
    x = (np.arange(shape[1], dtype=np.float32) + 0.5) * small.shape[1] / shape[1] - 0.5
    map_x, map_y = np.meshgrid(x, y)
    local = cv2.remap(small, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return local[..., None]


def _tone_and_alpha(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Tone is the mean of luma and the smallest channel: a yellow line is as dark as it looks
    on paper, though its luma is almost white."""
    channels = pixels.shape[2]
    if pixels.dtype == np.uint8:
        unit = np.float32(1 / 255)
        alpha = pixels[..., -1] * unit if channels in (2, 4) else None
        if channels <= 2:
            return pixels[..., 0] * unit, alpha
        code = cv2.COLOR_RGB2GRAY if channels == 3 else cv2.COLOR_RGBA2GRAY
        whole = np.ascontiguousarray(pixels)
        luma = cv2.cvtColor(whole, code)
        red, green, blue = cv2.split(whole)[:3]
        smallest = cv2.min(cv2.min(red, green), blue)
        return cv2.add(luma, smallest, dtype=cv2.CV_32F) * (unit / 2), alpha
    values = _unit_float(pixels)
    alpha = values[..., -1].copy() if channels in (2, 4) else None
    if channels <= 2:
        return values[..., 0].copy(), alpha
    luma = values[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32)
    return (luma + values[..., :3].min(axis=2)) / 2, alpha


def _most_common_light_tone(tone: np.ndarray) -> float:
    """The mode of the lighter half: the paper, whatever share of it is drawn on."""
    bins = 128
    light = tone[tone >= np.median(tone)]
    counts = np.bincount((light * (bins - 0.01)).astype(np.int32), minlength=bins)
    peak = int(np.convolve(counts, [1, 2, 1], "same").argmax())
    inside = light[(light >= (peak - 1) / bins) & (light <= (peak + 2) / bins)]
    return float(np.median(inside))


def _mean_color(pixels: np.ndarray, where: np.ndarray) -> tuple[float, ...]:
    """The mean color of the pixels of a layer that are `where`, each channel 0 to 1."""
    unit = pixels if pixels.dtype.kind == "u" else _unit_float(pixels)
    full = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1.0
    mean = cv2.mean(np.ascontiguousarray(unit), mask=where.view(np.uint8))
    return tuple(value / full for value in mean[: 1 if pixels.shape[2] <= 2 else 3])


def _full_ink(drop: np.ndarray, floor: float) -> float:
    inked = drop[drop > max(FAINTEST_INK, floor)]
    if inked.size == 0:
        return 1.0
    return max(float(np.percentile(inked, 95)), floor + FAINTEST_INK)


def _uneven_tone(tone: np.ndarray, paper_tone: float) -> np.ndarray:
    """The paper's tone in places: lightest in each neighborhood, so that strokes do not count,
    and never far from the common tone, so that solid blacks are not taken for paper."""
    scale = min(1.0, 96 / max(tone.shape))
    size = (max(1, round(tone.shape[1] * scale)), max(1, round(tone.shape[0] * scale)))
    small = cv2.resize(tone, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(cv2.dilate(small, np.ones((7, 7), np.uint8)), (0, 0), 4)
    return np.clip(small, 0.8 * paper_tone, paper_tone)


def _as_layer(pixels: np.ndarray) -> np.ndarray:
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or not 1 <= pixels.shape[2] <= 4 or 0 in pixels.shape:
        raise ValueError(
            f"a layer has shape (height, width, 1 to 4 channels), not {pixels.shape}: "
            "pass at least one pixel and its channels last"
        )
    if pixels.dtype not in (np.uint8, np.uint16, np.float16, np.float32):
        raise ValueError(f"a layer is uint8, uint16, float16 or float32, not {pixels.dtype}")
    return pixels


def _unit_float(pixels: np.ndarray) -> np.ndarray:
    values = pixels.astype(np.float32)
    if pixels.dtype.kind == "u":
        values *= np.float32(1 / np.iinfo(pixels.dtype).max)
    return np.nan_to_num(values, copy=False).clip(0, 1)


def _to_depth(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if dtype.kind == "u":
        return np.rint(values * np.iinfo(dtype).max).astype(dtype)
    return values.astype(dtype)


def _strips(height: int) -> Iterator[slice]:
    for top in range(0, height, STRIP_ROWS):
        yield slice(top, min(height, top + STRIP_ROWS))
