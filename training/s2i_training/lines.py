"""Lines of a colored drawing, as an artist might have drawn them.

Lines are float32 (H, W), 0 ink to 1 paper. Drawings are float32 (H, W, 4), 0 to 1: sRGB laid over
white paper, and coverage; `over_paper` makes that of straight alpha. Lengths in pixels are meant at
a picture of REFERENCE_SIDE and scale with its size.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

REFERENCE_SIDE = 512


@dataclass(frozen=True)
class XDoG:
    """Extended difference of Gaussians: D = G(sigma) - gamma * G(k * sigma) of gray, then paper
    where D >= epsilon and 1 + tanh(phi * (D - epsilon)) elsewhere.

    Gray runs from 0 to 1, so numbers published for 0 to 255 have epsilon divided by 255 and phi
    multiplied by it. `sigma` is in pixels at REFERENCE_SIDE. `sharpen` is Pillow's sharpness factor
    applied to gray first; 1 leaves it.
    """

    sigma: float
    k: float
    gamma: float
    epsilon: float
    phi: float
    sharpen: float = 1.0


XDOG_PRESETS = {
    # Auto-painter's preparation of its data, which worked on 0 to 255; Liu et al., arXiv 1705.01908
    "auto_painter": XDoG(1.5, 2.0, 0.97, 0.1 / 255, 200 * 255.0, sharpen=3.0),
    # The setting common in work on reference-based colorization: lines over dark masses
    "dark_masses": XDoG(0.5, 200.0, 0.98, 0.01, 10.0),
    # Winnemöller et al. 2012 use k = 1.6; the rest was chosen by eye on flat drawings
    "ink": XDoG(1.2, 1.6, 0.98, 0.0, 80.0),
    "soft": XDoG(1.8, 1.6, 0.985, 0.005, 25.0),
}

STYLES = ("true", "outline", *XDOG_PRESETS, "pencil")


def over_paper(rgba: np.ndarray) -> np.ndarray:
    """RGBA (H, W, 4), straight alpha, 0 to 1, as a drawing: on white paper, coverage kept."""
    alpha = rgba[:, :, 3:]
    color = rgba[:, :, :3] * alpha + (1 - alpha)
    return np.concatenate([color, alpha], axis=2).astype(np.float32)


def gray_of(drawing: np.ndarray) -> np.ndarray:
    """Luma (H, W) of a drawing or of sRGB (H, W, 3), as Rec. 601 weights it, 0 to 1."""
    code = cv2.COLOR_RGBA2GRAY if drawing.shape[2] == 4 else cv2.COLOR_RGB2GRAY
    return cv2.cvtColor(np.ascontiguousarray(drawing, np.float32), code)


def xdog(gray: np.ndarray, preset: XDoG) -> np.ndarray:
    """Lines of a gray picture (H, W), 0 to 1, by an extended difference of Gaussians."""
    gray = np.ascontiguousarray(gray, np.float32)
    if preset.sharpen != 1.0:
        smooth = cv2.filter2D(gray, -1, _SMOOTH, borderType=cv2.BORDER_REPLICATE)
        gray = np.clip(smooth + preset.sharpen * (gray - smooth), 0, 1)
    sigma = preset.sigma * max(gray.shape) / REFERENCE_SIDE
    difference = _blur(gray, sigma) - preset.gamma * _blur(gray, preset.k * sigma)
    below = np.minimum(difference - preset.epsilon, 0)
    return 1 + np.tanh(preset.phi * below)


def outlines(drawing: np.ndarray, width: float = 3.0, inked: bool = False) -> np.ndarray:
    """Lines where a drawing's color or coverage changes, anti-aliased.

    `width`: pixels at REFERENCE_SIDE. `inked`: the drawing has ink of its own; it is filled by its
    surroundings first, so that a stroke does not give two outlines.
    """
    scale = max(drawing.shape[:2]) / REFERENCE_SIDE
    areas = np.ascontiguousarray(drawing, np.float32)
    if inked:
        areas = cv2.morphologyEx(areas, cv2.MORPH_CLOSE, _disk(round(19 * scale) | 1))
    steps = cv2.split(cv2.morphologyEx(areas, cv2.MORPH_GRADIENT, _CROSS))
    step = cv2.max(cv2.max(steps[0], steps[1]), cv2.max(steps[2], steps[3]))
    # A soft threshold: differences below 4 % are shading, above 14 % always an edge.
    edge = np.clip((step - 0.04) / 0.1, 0, 1)
    return thicken(1 - edge, width * scale - 2.0)


def pencil(gray: np.ndarray, reach: float = 9.0) -> np.ndarray:
    """A pencil copy of gray (H, W): paper where nothing changes within `reach` pixels (at
    REFERENCE_SIDE), gray tone at the dark side of an edge (color dodge with the blurred
    picture)."""
    blurred = _blur(gray, reach * max(gray.shape) / REFERENCE_SIDE)
    return np.clip((gray + 0.02) / (blurred + 0.02), 0, 1)


def thicken(lines: np.ndarray, by: float) -> np.ndarray:
    """Lines (H, W) wider by `by` pixels, thinner when negative; parts of a pixel are blended."""
    whole = int(np.floor(abs(by)))
    part = abs(by) - whole
    if abs(by) < 0.05:
        return lines
    change = cv2.erode if by > 0 else cv2.dilate
    changed = change(lines, _disk(whole + 1)) if whole else lines
    if part > 0.05:
        changed = (1 - part) * changed + part * change(lines, _disk(whole + 2))
    return changed


def draw_lines_as(
    style: str, drawing: np.ndarray, true_lines: np.ndarray | None = None
) -> np.ndarray:
    """Lines of a drawing (H, W, 4) in a named style: float32 (H, W), 0 ink to 1 paper.

    `style`: one of STYLES; "true" gives `true_lines`. Raises ValueError for an unknown style and
    for "true" when there are none.
    """
    if style == "true":
        if true_lines is None:
            raise ValueError('this drawing has no ink layer: use another style than "true"')
        return true_lines.astype(np.float32)
    if style == "outline":
        return outlines(drawing, inked=true_lines is not None)
    if style == "pencil":
        return pencil(gray_of(drawing))
    if style not in XDOG_PRESETS:
        raise ValueError(f"unknown line style {style!r}: choose one of {', '.join(STYLES)}")
    return xdog(gray_of(drawing), XDOG_PRESETS[style])


def _blur(gray: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur; wide ones at a reduced size, where they cost little."""
    factor = 1 << max(0, int(np.log2(max(sigma, 1.0) / 2.0)))
    if factor == 1:
        return cv2.GaussianBlur(gray, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    height, width = gray.shape
    small_size = (max(1, width // factor), max(1, height // factor))
    small = cv2.resize(gray, small_size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / factor, borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def _disk(size: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))


_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
# Pillow's SMOOTH kernel, which its sharpness works against.
_SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13
