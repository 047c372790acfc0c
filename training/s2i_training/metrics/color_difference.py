"""Color difference as people see it: CIEDE2000 in CIELAB."""

from __future__ import annotations

import numpy as np

# IEC 61966-2-1, linear sRGB to CIE XYZ under D65.
_SRGB_TO_XYZ = np.array(
    [
        [0.4123908, 0.3575843, 0.1804808],
        [0.2126390, 0.7151687, 0.0721923],
        [0.0193308, 0.1191948, 0.9505322],
    ]
)
_WHITE = _SRGB_TO_XYZ.sum(axis=1)  # so that sRGB white is exactly L* 100, a* 0, b* 0


def srgb_to_lab(rgb: np.ndarray) -> np.ndarray:
    """sRGB (..., 3), 0 to 1, to CIELAB (..., 3): L* 0 to 100, D65 white; float64."""
    rgb = np.asarray(rgb, np.float64)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((np.maximum(rgb, 0) + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _SRGB_TO_XYZ.T / _WHITE
    # CIE 15: a cube root with a straight piece near black.
    bend = 6 / 29
    f = np.where(xyz > bend**3, np.cbrt(xyz), xyz / (3 * bend**2) + 4 / 29)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def ciede2000(lab1: np.ndarray, lab2: np.ndarray) -> np.ndarray:
    """CIEDE2000 between CIELAB colors (..., 3), which broadcast; returns (...), 0 when equal.

    About 1 is a difference a trained eye just sees. Follows Sharma, Wu & Dalal, "The CIEDE2000
    Color-Difference Formula" (2005), with kL = kC = kH = 1; numbers in parentheses are theirs.
    """
    l1, a1, b1 = np.moveaxis(np.asarray(lab1, np.float64), -1, 0)
    l2, a2, b2 = np.moveaxis(np.asarray(lab2, np.float64), -1, 0)

    chroma = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2  # (2), (3)
    stretch = 1.5 - 0.5 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7))  # 1 + G, (4)
    a1, a2 = a1 * stretch, a2 * stretch  # (5)
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)  # (6)
    h1, h2 = _degrees(a1, b1), _degrees(a2, b2)  # (7)

    hue_step = h2 - h1  # (10)
    hue_step = hue_step - 360 * (hue_step > 180) + 360 * (hue_step < -180)
    # Where one color is gray its hue means nothing.
    either_gray = c1 * c2 == 0
    hue_step = np.where(either_gray, 0.0, hue_step)
    dl, dc = l2 - l1, c2 - c1  # (8), (9)
    dh = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(hue_step) / 2)  # (11)

    lightness, c = (l1 + l2) / 2, (c1 + c2) / 2  # (12), (13)
    apart = np.abs(h1 - h2) > 180
    h = np.where(apart, h1 + h2 + np.where(h1 + h2 < 360, 360.0, -360.0), h1 + h2) / 2  # (14)
    h = np.where(either_gray, h1 + h2, h)

    t = (  # (15)
        1
        - 0.17 * np.cos(np.radians(h - 30))
        + 0.24 * np.cos(np.radians(2 * h))
        + 0.32 * np.cos(np.radians(3 * h + 6))
        - 0.20 * np.cos(np.radians(4 * h - 63))
    )
    turn = 30 * np.exp(-(((h - 275) / 25) ** 2))  # (16)
    rc = 2 * np.sqrt(c**7 / (c**7 + 25.0**7))  # (17)
    sl = 1 + 0.015 * (lightness - 50) ** 2 / np.sqrt(20 + (lightness - 50) ** 2)  # (18)
    sc = 1 + 0.045 * c  # (19)
    sh = 1 + 0.015 * c * t  # (20)
    rt = -np.sin(np.radians(2 * turn)) * rc  # (21)
    squared = (dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rt * (dc / sc) * (dh / sh)
    return np.sqrt(np.maximum(squared, 0))  # (22)


def _degrees(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.degrees(np.arctan2(b, a)) % 360
