"""Picture files to pictures and layers to PNG files, for the command line.

Nothing on the way between a host and the daemon is a file: this is for `s2i-backend run` only.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import struct
import warnings
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from s2i_backend.pixels_numpy import DEPTHS, ORDERS
from s2i_client.pixels import Picture, PictureError, ResultLayer

KINDS = "PNG, JPEG, WebP or TIFF"
_PNG = b"\x89PNG\r\n\x1a\n"
_TIFF = (b"II*\0", b"MM\0*")
_RECORD_KEY = b"s2i"
# A PNG begins with its signature (8 bytes) and IHDR (25); the record comes next, in an iTXt chunk
# whose text is UTF-8, not compressed, of no language.
_RECORD_AT = 33
_RECORD_START = b"iTXt" + _RECORD_KEY + b"\0\0\0\0\0"
_CONTENT_KEY = "content"
_ORIENTATION_TAG = 0x0112
_BITS_PER_SAMPLE_TAG = 258
# Steps of the table through which deep pictures change their profile: 52 values, 0, 5, … 255.
_TABLE_STEP = 5


# Pillow opens no larger picture: twice as many as it warns of.
MAX_PIXELS = 2 * (Image.MAX_IMAGE_PIXELS or 0)
# A broken file raises nearly anything: OSError for a short one, SyntaxError for PNG chunks,
# struct.error for TIFF directories, TypeError for tags of another kind than is usual.
_BROKEN = (
    OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError,
    struct.error, zlib.error,
)  # fmt: skip


class PictureFileError(ValueError):
    """A file that can not be read or written; the text names it and says what to do."""


def read_file(path: Path) -> bytes:
    """The bytes of a file. Raises `PictureFileError`."""
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise PictureFileError(f"{path}: {reason}. Check the name and the permissions.") from error


def digest(data: bytes) -> str:
    """What tells one file's bytes from another's: their SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def decode_picture(data: bytes, path: Path, name: str) -> Picture:
    """Decode a PNG, JPEG, WebP or TIFF file, read from `path`, as the picture called `name`.

    8-bit files give u8, 16-bit PNG and TIFF u16, float TIFF f32; gray, gray and alpha, RGB or
    RGBA as the file has it, palettes and CMYK become RGB. The picture is turned upright as its
    EXIF says. Colors of an embedded ICC profile become sRGB, deep ones through a table with an
    error of at most about 1/500; a profile that can not be read is taken for sRGB. Of several
    pages or frames the first is read. Raises `PictureFileError`.
    """
    try:
        pixels = _decode(data)
    except UnidentifiedImageError:
        raise PictureFileError(
            f"{path}: not a picture that can be read. Save it as {KINDS}."
        ) from None
    except Image.DecompressionBombError:
        raise PictureFileError(
            f"{path}: more than {MAX_PIXELS / 1e6:.0f} megapixels. Make the picture smaller."
        ) from None
    except _BROKEN as error:
        raise PictureFileError(
            f"{path}: damaged or incomplete ({error}). Save or copy it again."
        ) from error
    pixels = np.ascontiguousarray(pixels)
    height, width, channels = pixels.shape
    try:
        return Picture(
            name=name,
            width=width,
            height=height,
            channels=channels,
            depth=DEPTHS[pixels.dtype.name],
            order=ORDERS[channels],
            data=pixels.reshape(-1).view(np.uint8).data,
        )
    except PictureError as error:
        raise PictureFileError(f"{path}: {error}. Make the picture smaller.") from error


def _decode(data: bytes) -> np.ndarray:
    with warnings.catch_warnings():
        # Pillow warns of pictures above 89 megapixels; ours are limited by what is sent.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            picture = Image.open(io.BytesIO(data))
        except UnidentifiedImageError:
            if data[:4] not in _TIFF:
                raise
            return _decode_deep(data)  # Pillow does not know colors in floats
        orientation = picture.getexif().get(_ORIENTATION_TAG, 1)
        profile = _read_profile(picture)
        if _is_deep(picture, data):
            pixels = _decode_deep(data)
            if profile is not None:
                pixels = _deep_to_srgb(pixels, profile)
        else:
            pixels = np.asarray(_plain_mode(picture, profile))
    pixels = pixels if pixels.ndim == 3 else pixels[:, :, None]
    return _upright(pixels, orientation)


def _is_deep(picture: Image.Image, data: bytes) -> bool:
    """True for more than eight bits, which Pillow would cut off from colors."""
    if data.startswith(_PNG):
        return data[24] == 16
    tags = getattr(picture, "tag_v2", None)
    return tags is not None and max(tags.get(_BITS_PER_SAMPLE_TAG, (1,))) > 8


def _decode_deep(data: bytes) -> np.ndarray:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:  # its text names OpenCV's source, not the file
        pixels = None
    if pixels is None:
        raise ValueError("its pixels can not be decoded")
    if pixels.dtype not in (np.uint16, np.float32):
        raise ValueError(f"pixels of type {pixels.dtype} are not supported")
    if pixels.ndim == 3 and pixels.shape[2] not in ORDERS:
        raise ValueError(f"{pixels.shape[2]} channels are not supported")
    if pixels.ndim == 3 and pixels.shape[2] >= 3:
        pixels = pixels[:, :, [2, 1, 0, 3][: pixels.shape[2]]]
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def _plain_mode(picture: Image.Image, profile: ImageCms.ImageCmsProfile | None) -> Image.Image:
    """In mode L, LA, RGB or RGBA, with sRGB colors."""
    has_alpha = picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info
    is_gray = picture.mode in ("1", "L", "LA", "La")
    if picture.mode in ("P", "PA"):  # a palette first as its colors, or Pillow warns
        picture = picture.convert("RGBA" if has_alpha else "RGB")
    alpha = picture.convert("RGBA").getchannel("A") if has_alpha else None
    if profile is not None:
        colors = picture if picture.mode == "CMYK" else picture.convert("L" if is_gray else "RGB")
        picture = _to_srgb(colors, profile)
    picture = picture.convert("L" if is_gray else "RGB")
    if alpha is not None:
        picture.putalpha(alpha)
    return picture


def _read_profile(picture: Image.Image) -> ImageCms.ImageCmsProfile | None:
    """The embedded profile; None when there is none to convert from."""
    data = picture.info.get("icc_profile")
    if not data:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        is_srgb = "srgb" in ImageCms.getProfileDescription(profile).lower()
    except (ImageCms.PyCMSError, OSError):
        return None
    return None if is_srgb else profile


def _to_srgb(picture: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    """RGB in sRGB; `picture` as it is when its profile is for other kinds of pixels."""
    try:
        converted = ImageCms.profileToProfile(
            picture,
            profile,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except ImageCms.PyCMSError:
        return picture
    assert converted is not None  # not done in place
    return converted


def _deep_to_srgb(pixels: np.ndarray, profile: ImageCms.ImageCmsProfile) -> np.ndarray:
    """Pillow converts 8 bits only, so deep colors are interpolated in a table it converted."""
    from scipy.ndimage import map_coordinates

    color_count = 1 if pixels.shape[2] < 3 else 3
    axis = np.arange(0, 256, _TABLE_STEP, dtype=np.uint8)
    grid = np.stack(np.meshgrid(*[axis] * color_count, indexing="ij"), axis=-1)
    flat = Image.fromarray(grid.reshape(1, -1, color_count).squeeze(-1 if color_count == 1 else ()))
    table = np.asarray(_to_srgb(flat, profile).convert("L" if color_count == 1 else "RGB"))
    table = table.reshape(grid.shape).astype(np.float32) / 255
    full = 1.0 if pixels.dtype == np.float32 else 65535.0
    converted = pixels.copy()
    for row in range(pixels.shape[0]):  # whole pictures of coordinates would fill the memory
        at = pixels[row, :, :color_count].T.astype(np.float32) / full * (len(axis) - 1)
        for channel in range(color_count):
            values = map_coordinates(table[..., channel], at, order=1, mode="nearest") * full
            if full != 1.0:
                values = np.rint(values)
            converted[row, :, channel] = values
    return converted


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Apply the EXIF orientation, 1 to 8."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    # After the swap, 5 is done, 6 is mirrored left to right, 8 top to bottom, 7 both.
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def encode_png(layer: ResultLayer, record: Mapping[str, Any]) -> bytes:
    """A layer as a PNG file, with `record` (how it was made) as JSON in a text chunk.

    The chunk also has the digest of all that is not the chunk, which is how `read_record` knows
    a file that was changed since.

    u8 layers are written with 8 bits and u16 with 16, both exactly; float ones with 16. Gray and
    alpha becomes RGBA.
    """
    pixels = _pixels_of(layer)
    if pixels.dtype in (np.float16, np.float32):
        pixels = np.rint(np.clip(pixels.astype(np.float32), 0, 1) * 65535).astype(np.uint16)
    if layer.order == "graya":
        pixels = pixels[:, :, [0, 0, 0, 1]]
    elif layer.order in ("rgb", "rgba"):
        pixels = pixels[:, :, [2, 1, 0, 3][: layer.channels]]
    # OpenCV writes every depth exactly, Pillow only 8 bits of colors.
    written, encoded = cv2.imencode(".png", pixels)
    if not written:
        raise PictureFileError(f"{layer.name}: this layer can not be written as PNG.")
    return _insert_record(encoded.tobytes(), record)


def _pixels_of(layer: ResultLayer) -> np.ndarray:
    dtype = {short: long for long, short in DEPTHS.items()}[layer.depth]
    values = np.frombuffer(layer.data, np.dtype(dtype).newbyteorder("<"))
    return values.astype(dtype, copy=False).reshape(layer.height, layer.width, layer.channels)


def _insert_record(png: bytes, record: Mapping[str, Any]) -> bytes:
    told = {**record, _CONTENT_KEY: digest(png)}
    body = _RECORD_START + json.dumps(told, sort_keys=True, ensure_ascii=False).encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:_RECORD_AT] + chunk + png[_RECORD_AT:]


def read_record(path: Path) -> dict[str, Any] | None:
    """The record in a PNG file that `encode_png` made.

    None when there is no such file, when another program made it, and when anything in it was
    changed since: then it is no longer what the record says.
    """
    try:
        data = path.read_bytes()
        length = struct.unpack_from(">I", data, _RECORD_AT)[0]
        text_at, end = _RECORD_AT + 4 + len(_RECORD_START), _RECORD_AT + 8 + length
        if data[_RECORD_AT + 4 : text_at] != _RECORD_START:
            return None
        record = json.loads(data[text_at:end])
        content = record.pop(_CONTENT_KEY)
    except (OSError, ValueError, KeyError, AttributeError, struct.error):
        return None
    return record if content == digest(data[:_RECORD_AT] + data[end + 4 :]) else None


def write_file(path: Path, data: bytes) -> None:
    """Write whole or not at all, so that a file that is there is finished.

    Raises `PictureFileError` when the folder can not be written to.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(data)
        unfinished.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise PictureFileError(
            f"{path}: {reason}. Choose another folder with -o, or make room."
        ) from error
