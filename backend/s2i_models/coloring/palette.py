"""A palette lock: the colors of a picture are the only ones there are."""

from __future__ import annotations

import numpy as np

from s2i_client.declaration import InvalidRequest

MOST_COLORS = 256
_SAMPLE = 1 << 16
_ALLOWED = f"a picture with 1 to {MOST_COLORS} different opaque colors, such as a strip of swatches"


def read_palette(pixels: np.ndarray) -> np.ndarray:
    """The different opaque colors of a layer of any depth: (k, 3) in its depth.

    Gray gives its value to all three channels. Raises `InvalidRequest` when there is none, or
    more than `MOST_COLORS`, as in a photo.
    """
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    colors = pixels.reshape(-1, pixels.shape[2])
    if pixels.shape[2] in (2, 4):
        full = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
        colors = colors[colors[:, -1] >= full, :-1]
    if not len(colors):
        raise InvalidRequest("palette", "a picture without an opaque pixel", _ALLOWED)
    found = colors[:0]
    for start in range(0, len(colors), _SAMPLE):  # a photo has too many at once
        found = np.unique(np.concatenate([found, colors[start : start + _SAMPLE]]), axis=0)
        if len(found) > MOST_COLORS:
            given = f"a picture of more than {MOST_COLORS} colors"
            raise InvalidRequest("palette", given, _ALLOWED)
    if found.dtype.kind == "f":
        found = np.nan_to_num(found).clip(0, 1)
    return np.broadcast_to(found, (len(found), 3))
