"""Picture files, read small: a folder of pictures is looked at, not worked on.

Only the kinds listed here are opened, whatever a file is called, and nothing larger than the limits
is decoded, so that no file of a folder can fill the memory or run another program.
"""

from __future__ import annotations

import io
import struct
import threading
import zlib
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif"})
_KINDS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP")
MAX_PIXELS = 178_956_970  # as many as Pillow opens
MAX_FILE_BYTES = 1 << 29
# Pictures of more pixels are decoded one after another, whatever the number of threads.
LARGE_PIXELS = 24_000_000
_one_large = threading.Lock()
# A broken file raises nearly anything: OSError for a short one, SyntaxError for PNG chunks,
# struct.error for TIFF directories, TypeError for tags of another kind than is usual.
_BROKEN = (
    EOFError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError,
    RuntimeError, struct.error, zlib.error,
)  # fmt: skip


class UnreadablePicture(Exception):
    """A file that can not be shown; the text says why.

    `passing`: the reason may be gone the next time though the file stays the same, as a missing
    permission.
    """

    def __init__(self, reason: str, *, passing: bool = False):
        self.passing = passing
        super().__init__(reason)


def read_small(path: Path, side: int) -> np.ndarray:
    """The picture in `path`, shrunk to at most `side` pixels on its longer side.

    Returns uint8 (height, width, 3 or 4), sRGB, with straight alpha where it has any; upright as
    its EXIF says, the first of several frames. Floats are read in gray only. Raises
    `UnreadablePicture`.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise UnreadablePicture(f"larger than {MAX_FILE_BYTES >> 20} MB")
        with Image.open(path, formats=_KINDS) as picture:
            return _read(picture, side)
    except (Image.UnidentifiedImageError, Image.DecompressionBombError) as error:
        bomb = isinstance(error, Image.DecompressionBombError)
        raise UnreadablePicture("too many pixels" if bomb else "not a picture") from None
    except MemoryError:
        raise UnreadablePicture("not enough memory", passing=True) from None
    except OSError as error:
        # Those of the file system have a number, those of a decoder do not.
        passing = error.errno is not None
        raise UnreadablePicture(error.strerror or "damaged", passing=passing) from error
    except _BROKEN as error:
        raise UnreadablePicture("damaged") from error


def _read(picture: Image.Image, side: int) -> np.ndarray:
    if picture.width * picture.height > MAX_PIXELS:
        raise UnreadablePicture("too many pixels")
    profile = picture.info.get("icc_profile")
    picture.draft("RGB", (side, side))  # JPEG decodes to an eighth much faster
    large = picture.width * picture.height > LARGE_PIXELS
    with _one_large if large else nullcontext():
        shown = _plain_mode(picture)
        shown.thumbnail((side, side))
    ImageOps.exif_transpose(shown, in_place=True)
    return np.ascontiguousarray(_as_array(_to_srgb(shown, profile)))


def _plain_mode(picture: Image.Image) -> Image.Image:
    """In mode L, RGB, CMYK or RGBA; the EXIF stays with it."""
    has_alpha = picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info
    if picture.mode == "F" or picture.mode.startswith("I"):
        values = np.asarray(picture).astype(np.float32)
        gray = values * 255 if picture.mode == "F" else values / 257
        shown = Image.fromarray(np.nan_to_num(gray).clip(0, 255).astype(np.uint8))
        shown.info = dict(picture.info)
        shown.getexif().update(picture.getexif())
        return shown
    if has_alpha:
        return picture.convert("RGBA")
    if picture.mode in ("L", "RGB", "CMYK"):
        picture.load()
        return picture
    return picture.convert("L" if picture.mode == "1" else "RGB")


def _to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Colors in sRGB; as they are where the profile is none for them or can not be read."""
    if not profile:
        return picture
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    colors = picture if alpha is None else picture.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return picture
        converted = ImageCms.profileToProfile(
            colors, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError):
        return picture
    assert converted is not None  # not done in place
    if alpha is not None:
        converted.putalpha(alpha)
    return converted


def _as_array(picture: Image.Image) -> np.ndarray:
    if picture.mode == "RGBA" and picture.getchannel("A").getextrema() == (255, 255):
        picture = picture.convert("RGB")
    return np.asarray(picture if picture.mode == "RGBA" else picture.convert("RGB"))
