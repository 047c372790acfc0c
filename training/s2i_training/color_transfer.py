"""Coloring a drawing after a reference without learning: what reference colorization is measured
against.

Sketches are uint8 (H, W), 0 ink to 255 paper; references uint8 (H, W, 3) sRGB of the same size;
`painted` and `usable`, bool (H, W), are where the drawing is to be colored and where the reference
has colors: painted, shown, off its ink. Results are uint8 (H, W, 3) sRGB; only painted pixels mean
something, and the lines are to be laid over them. Without a usable pixel all is white.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.spatial.distance import cdist

from s2i_models.coloring.snap import region_colors
from s2i_models.flats.refine import segment_canvas
from s2i_models.lineart import binary_ink, ink_strength
from s2i_training.lines import XDOG_PRESETS, gray_of, xdog

# Of Reinhard et al. 2001: linear RGB to LMS, and log LMS to lαβ.
_RGB_TO_LMS = np.array(
    [[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]]
)
_LMS_TO_LAB = np.diag([3**-0.5, 6**-0.5, 2**-0.5]) @ np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]])
# Patches: how many cells a side, and how much descriptors weigh beside each other.
_CELLS, _CELL = 32, 8
_POSITION_WEIGHT, _PATCH_WEIGHT = 3.0, 1.0  # the best on 24 validation drawings, bent
_ORIENTATIONS = 8
_REACHES = (0.5, 1.5, 4.0)  # of orientations around a cell: σ in cells
_EMPTY = 0.05  # lengths far below this are of descriptors of nothing
# A patch may be copied when this share of it is usable.
_LEAST_USABLE = 0.3
_BLACK = 1 / 255 / 12.92 / 8


def reinhard(
    sketch: np.ndarray, painted: np.ndarray, reference: np.ndarray, usable: np.ndarray
) -> np.ndarray:
    """Mean and spread of the reference's lαβ given to the sketch.

    Reinhard, Ashikhmin, Gooch & Shirley, "Color Transfer between Images" (2001). Gray has no
    spread in α and β, so all takes the reference's mean of these. Lines blurred to tones first
    make it worse, on validation drawings by 0.9 dB.
    """
    if not usable.any() or not painted.any():
        return np.full_like(reference, 255)
    ours = _to_lab(np.repeat(sketch[..., None], 3, axis=2))
    mean, spread = ours[painted].mean(axis=0), ours[painted].std(axis=0)
    theirs = _to_lab(reference[usable])
    gain = np.divide(theirs.std(axis=0), spread, out=np.zeros(3), where=spread > 1e-6)
    return _from_lab((ours - mean) * gain + theirs.mean(axis=0))


def match_histogram(
    sketch: np.ndarray, painted: np.ndarray, reference: np.ndarray, usable: np.ndarray
) -> np.ndarray:
    """The reference's distribution of each channel given to the sketch.

    A tone takes the value of the same rank; pixels of one tone share the middle of their ranks, so
    that the white of a sketch becomes the reference's median and not its brightest value.
    """
    if not usable.any() or not painted.any():
        return np.full_like(reference, 255)
    counts = np.bincount(sketch[painted], minlength=256)
    rank = (counts.cumsum() - counts / 2) / counts.sum()
    tables = [np.quantile(reference[..., c][usable], rank) for c in range(3)]
    return np.stack(tables, axis=1).round().astype(np.uint8)[sketch]


def copy_patches(
    sketch: np.ndarray, painted: np.ndarray, reference: np.ndarray, usable: np.ndarray
) -> np.ndarray:
    """Each cell of the sketch gets the patch of the reference whose lines are most alike.

    The reference is drawn by XDoG. Compared are the orientations of gradients around a cell at
    three scales, the inked patch itself, and the position within what is painted or usable. Pixels
    of a patch that are not usable take the mean of those that are.
    """
    grid = _CELLS * _CELL
    drawn = xdog(gray_of(reference.astype(np.float32) / 255), XDOG_PRESETS["ink"])
    ink, drawn = _shrink(1 - sketch / 255, grid), _shrink(1 - drawn, grid)
    colors, known = _shrink(reference, grid), _shrink(usable, grid) > 0.5
    known_cells, inside = _cells(known).mean(axis=1), _shrink(painted, grid) > 0.5
    sources = np.flatnonzero(known_cells > min(_LEAST_USABLE, 0.99 * known_cells.max()))
    if not len(sources) or not inside.any():
        return np.full_like(reference, 255)
    ours, theirs = _descriptors(ink, inside), _descriptors(drawn, known)[sources]
    best = sources[cdist(ours, theirs, "sqeuclidean").argmin(axis=1)]
    patches = _cells(colors)
    weight = _cells(known)[..., None]
    mean = (patches * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1)
    patches = np.where(weight > 0, patches, mean[:, None])[best]
    copied = patches.reshape(_CELLS, _CELLS, _CELL, _CELL, 3).swapaxes(1, 2).reshape(grid, grid, 3)
    copied = copied.round().astype(np.uint8)
    return cv2.resize(copied, sketch.shape[::-1], interpolation=cv2.INTER_NEAREST)


def regions_of(sketch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The regions that colors are snapped to, int32 (H, W), and what is off the ink, bool (H, W).

    They are those of `flats`, which the system itself snaps to.
    """
    found = segment_canvas(binary_ink(ink_strength(sketch)))
    return found.labels, found.ink == 0


def snap(
    picture: np.ndarray, regions: tuple[np.ndarray, np.ndarray], painted: np.ndarray
) -> np.ndarray:
    """`picture` with each region in its median color, of painted pixels off the ink where it has
    any; regions without a painted pixel stay as they are. `regions`: of `regions_of`."""
    labels, free = regions
    made = picture.copy()
    # Painted and paper parts of a region are regions of their own: paper is no color.
    own = np.where(painted, labels + 1, 0)
    colors, _ = region_colors(own, picture / np.float32(255), free, int(own.max()) + 1)
    made[painted] = (colors * 255).round().astype(np.uint8)[own[painted]]
    return made


def _descriptors(ink: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """A row for each cell of `ink` (G, G) float32, 1 where ink; `inside` (G, G) bool."""
    smooth = cv2.GaussianBlur(ink, (0, 0), 1.0)
    along_x, along_y = cv2.Sobel(smooth, -1, 1, 0), cv2.Sobel(smooth, -1, 0, 1)
    # Unsigned: a line has both of its sides.
    angle = np.arctan2(along_y, along_x) % np.pi * (_ORIENTATIONS / np.pi)
    strength = np.hypot(along_x, along_y)
    near = np.abs(angle[..., None] - np.arange(_ORIENTATIONS))
    near = np.minimum(near, _ORIENTATIONS - near)
    votes = (1 - near).clip(0) * strength[..., None]
    histogram = cv2.resize(votes, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    parts = [_unit(cv2.GaussianBlur(histogram, (0, 0), reach)) for reach in _REACHES]
    coarse = cv2.resize(cv2.GaussianBlur(ink, (0, 0), 3), (2 * _CELLS,) * 2)
    padded = np.pad(coarse, 3, mode="edge")
    windows = [
        padded[y : y + 2 * _CELLS : 2, x : x + 2 * _CELLS : 2] for y in range(7) for x in range(7)
    ]
    window = np.stack(windows, axis=2)
    parts.append(_PATCH_WEIGHT * _unit(window - window.mean(axis=2, keepdims=True)))
    parts.append(_POSITION_WEIGHT * _positions(inside))
    return np.concatenate(parts, axis=2).reshape(_CELLS**2, -1)


def _positions(inside: np.ndarray) -> np.ndarray:
    """Where each cell is within the box around `inside`, (cells, cells, 2), 0 to 1 in the box."""
    y, x = np.nonzero(inside)
    middles = (np.arange(_CELLS) + 0.5) * _CELL
    column = (middles - x.min()) / (np.ptp(x) + 1)
    row = (middles - y.min()) / (np.ptp(y) + 1)
    return np.stack(np.meshgrid(column, row), axis=2)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / (np.linalg.norm(vectors, axis=2, keepdims=True) + _EMPTY)


def _shrink(plane: np.ndarray, grid: int) -> np.ndarray:
    return cv2.resize(plane.astype(np.float32), (grid, grid), interpolation=cv2.INTER_AREA)


def _cells(plane: np.ndarray) -> np.ndarray:
    """(G, G, …) to (cells, pixels of a cell, …), both row by row."""
    rest = plane.shape[2:]
    cut = plane.reshape(_CELLS, _CELL, _CELLS, _CELL, *rest).swapaxes(1, 2)
    return cut.reshape(_CELLS**2, _CELL**2, *rest)


def _to_lab(rgb: np.ndarray) -> np.ndarray:
    """sRGB 0 to 255 to lαβ, (…, 3)."""
    unit = rgb.astype(np.float64) / 255
    linear = np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)
    # The logarithm of black: as far down as an eighth of the smallest step of 8 bits.
    return np.log10(np.maximum(linear @ _RGB_TO_LMS.T, _BLACK)) @ _LMS_TO_LAB.T


def _from_lab(lab: np.ndarray) -> np.ndarray:
    linear = 10 ** (lab @ np.linalg.inv(_LMS_TO_LAB).T) @ np.linalg.inv(_RGB_TO_LMS).T
    linear = linear.clip(0, 1)
    unit = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (unit * 255).round().astype(np.uint8)
