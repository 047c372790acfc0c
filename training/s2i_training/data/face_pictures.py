"""Ready face pictures: a folder of files becomes a source of a set of faces."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import cv2
import numpy as np

from s2i_training.data.faces import SIDE, Face, PictureFile
from s2i_training.data.packages import file_hash

ENDINGS = (".jpg", ".jpeg", ".png", ".webp")


def faces_in(folder: Path, side: int = SIDE) -> list[Face]:
    """The pictures in `folder` and below it, ordered by name.

    Files of `side` x `side` pixels in 8-bit color are kept as they are; of others, the middle
    square is made that large. Raises ValueError for a folder without pictures and for two files
    of one name.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    if not paths:
        raise ValueError(f"{folder} holds no picture ({', '.join(ENDINGS)})")
    faces: dict[str, Face] = {}
    for path in paths:
        name = "-".join(path.relative_to(folder).with_suffix("").parts)
        if name in faces:
            raise ValueError(f"two pictures in {folder} would be named {name}: rename one of them")
        faces[name] = Face(name, file_hash(path), partial(_square, path, side))
    return list(faces.values())


def _square(path: Path, side: int) -> PictureFile:
    content = path.read_bytes()
    picture = _decode(content, cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(f"{path} cannot be read as a picture: remove it and build again")
    # Kept as it is when what the file stores is just that: not turned, no transparency, 8 bits.
    stored = _decode(content, cv2.IMREAD_UNCHANGED)
    fits = picture.shape[:2] == (side, side)
    if fits and stored is not None and np.array_equal(stored, picture):
        return PictureFile(content, path.suffix.lower())
    height, width = picture.shape[:2]
    least = min(height, width)
    if least < side:
        raise ValueError(
            f"{path} is {width} x {height} pixels, less than the set's {side}: remove it, or "
            f"build with --side {least}"
        )
    top, left = (height - least) // 2, (width - least) // 2
    square = picture[top : top + least, left : left + least]
    return encode_png(cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA))


def _decode(content: bytes, flags: int) -> np.ndarray | None:
    return cv2.imdecode(np.frombuffer(content, np.uint8), flags) if content else None


def encode_png(picture: np.ndarray) -> PictureFile:
    """A picture (H, W, 3) uint8, in OpenCV's channel order BGR, as a PNG."""
    done, data = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 2])
    if not done:
        raise OSError("OpenCV could not encode a picture")
    return PictureFile(data.tobytes(), ".png")
