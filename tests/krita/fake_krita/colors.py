"""Color spaces of the fake: values that are close to Krita's, not the same."""

from __future__ import annotations

import numpy as np

Space = tuple[str, str, str]

CHANNELS = {"A": 1, "GRAYA": 2, "RGBA": 4, "CMYKA": 5}
TYPES = {"U8": np.uint8, "U16": np.uint16, "F16": np.float16, "F32": np.float32}
SRGB = "sRGB-elle-V2-srgbtrc.icc"
LINEAR = "sRGB-elle-V2-g10.icc"
WIDE = "WideRGB-elle-V2-g22.icc"
PROFILES = {
    "A": ["default"],
    "GRAYA": ["Gray-D50-elle-V2-srgbtrc.icc", "Gray-D50-elle-V2-g10.icc", "gray built-in"],
    "RGBA": [SRGB, LINEAR, "sRGB built-in", "scRGB (linear)", WIDE],
    "CMYKA": ["Chemical proof"],
}


def pixel_size(space: Space) -> int:
    return CHANNELS[space[0]] * np.dtype(TYPES[space[1]]).itemsize


def default_profile(model: str, depth: str) -> str:
    """What Krita takes for an empty profile: linear for all but 8 bit."""
    profiles = PROFILES[model]
    return profiles[1] if depth != "U8" and model in ("RGBA", "GRAYA") else profiles[0]


def decode(data: bytes, space: Space) -> np.ndarray:
    """Linear RGBA as floats, n × 4."""
    model, depth, profile = space
    raw = np.frombuffer(data, TYPES[depth]).reshape(-1, CHANNELS[model])
    values = raw.astype(np.float64)
    if depth.startswith("U"):
        values /= np.iinfo(TYPES[depth]).max
    if model == "RGBA":
        color = values[:, :3] if depth.startswith("F") else values[:, 2::-1]
    elif model == "CMYKA":
        color = (1 - values[:, :3]) * (1 - values[:, 3:4])
    else:
        color = np.repeat(values[:, :1], 3, axis=1)
    color = _linear(color, profile)
    return np.concatenate([color, values[:, -1:]], axis=1)


def encode(rgba: np.ndarray, space: Space) -> bytes:
    """The bytes of linear RGBA; the opposite of `decode`."""
    model, depth, profile = space
    color, alpha = _curved(np.clip(rgba[:, :3], 0, None), profile), rgba[:, 3:]
    if model == "RGBA":
        color = color if depth.startswith("F") else color[:, ::-1]
    elif model == "CMYKA":
        color = np.concatenate([1 - color, np.zeros_like(alpha)], axis=1)
    elif model == "GRAYA":
        color = color @ np.array([[0.2126], [0.7152], [0.0722]])
    else:
        color = color[:, :0]
    values = np.concatenate([color, alpha], axis=1)
    if depth.startswith("U"):
        most = np.iinfo(TYPES[depth]).max
        values = np.rint(np.clip(values, 0, 1) * most)
    return values.astype(TYPES[depth]).tobytes()


def convert(data: bytes, source: Space, target: Space) -> bytes:
    return data if source == target else encode(decode(data, source), target)


def _linear(values: np.ndarray, profile: str) -> np.ndarray:
    if "linear" in profile or "g10" in profile:
        return values
    if profile == WIDE:
        return values**2.2
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _curved(values: np.ndarray, profile: str) -> np.ndarray:
    if "linear" in profile or "g10" in profile:
        return values
    if profile == WIDE:
        return values ** (1 / 2.2)
    return np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055)
