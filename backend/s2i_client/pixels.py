"""Pictures as they travel: raw pixels with a description, rows top to bottom, no padding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Literal, get_args

from .declaration import MAX_TITLE, BlendMode, LayerKind
from .geometry import Bounds, Extent, Point

Depth = Literal["u8", "u16", "f16", "f32"]
Order = Literal["rgba", "bgra", "rgb", "bgr", "gray", "graya"]
Profile = Literal["sRGB", "linear"]
Buffer = bytes | bytearray | memoryview

DEPTH_BYTES: dict[str, int] = {"u8": 1, "u16": 2, "f16": 2, "f32": 4}
ORDER_CHANNELS: dict[str, int] = {
    "rgba": 4,
    "bgra": 4,
    "rgb": 3,
    "bgr": 3,
    "gray": 1,
    "graya": 2,
}
PROFILES: tuple[str, ...] = get_args(Profile)
MAX_SIDE = 32768
# 8192 × 8192 in four channels of 32-bit float, the largest canvas there is.
MAX_PICTURE_BYTES = 8192 * 8192 * 4 * 4
MAX_ORIGIN = 1 << 24
ORIGIN = Point(0, 0)


class PictureError(ValueError):
    """A picture's description or bytes do not fit; `field` names what is wrong."""

    def __init__(self, field: str, message: str):
        self.field = field
        super().__init__(message)


@dataclass(frozen=True, kw_only=True)
class PictureInfo:
    """All about a picture but its bytes.

    Integers are in the machine's little-endian order and use their full range, floats run from
    0 to 1. Alpha is straight. `profile`: `sRGB` is encoded, `linear` has sRGB's primaries and no
    curve. `origin`: canvas position (x, y) of the top left pixel.
    """

    name: str
    width: int
    height: int
    channels: int = 4
    depth: Depth = "u8"
    order: Order = "rgba"
    profile: Profile = "sRGB"
    origin: Point = ORIGIN

    def __post_init__(self) -> None:
        object.__setattr__(self, "origin", Point(*self.origin))
        if self.depth not in DEPTH_BYTES:
            raise PictureError("depth", f"{self.name}: depth is one of {', '.join(DEPTH_BYTES)}")
        if self.order not in ORDER_CHANNELS:
            raise PictureError("order", f"{self.name}: order is one of {', '.join(ORDER_CHANNELS)}")
        if self.profile not in PROFILES:
            raise PictureError("profile", f"{self.name}: profile is one of {', '.join(PROFILES)}")
        if self.channels != ORDER_CHANNELS[self.order]:
            raise PictureError(
                "channels",
                f"{self.name}: order {self.order} has {ORDER_CHANNELS[self.order]} channels, "
                f"not {self.channels}",
            )
        for side in ("width", "height"):
            if not 1 <= getattr(self, side) <= MAX_SIDE:
                raise PictureError(side, f"{self.name}: {side} is from 1 to {MAX_SIDE}")
        if self.byte_count > MAX_PICTURE_BYTES:
            raise PictureError(
                "width", f"{self.name}: a picture has at most {MAX_PICTURE_BYTES} bytes"
            )

    @property
    def byte_count(self) -> int:
        return self.width * self.height * self.channels * DEPTH_BYTES[self.depth]

    @property
    def extent(self) -> Extent:
        return Extent(self.width, self.height)

    @property
    def bounds(self) -> Bounds:
        """Where the picture lies on the canvas."""
        return Bounds.of(self.extent, self.origin)


@dataclass(frozen=True, kw_only=True)
class Picture(PictureInfo):
    """A picture with its bytes. `data` may be any contiguous bytes-like object; it is not copied.

    Raises `PictureError` when the length is not width × height × channels × depth.
    """

    data: Buffer

    def __post_init__(self) -> None:
        super().__post_init__()
        length = memoryview(self.data).nbytes
        if length != self.byte_count:
            raise PictureError(
                "data",
                f"{self.name}: {self.width} × {self.height} × {self.channels} channels of "
                f"{self.depth} are {self.byte_count} bytes, not {length}",
            )

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.name!r}, {self.width}×{self.height} {self.order} "
            f"{self.depth} {self.profile}, at {self.origin.x},{self.origin.y})"
        )


@dataclass(frozen=True, kw_only=True)
class LayerInfo(PictureInfo):
    """Description of a layer of a result: what it shows and how a host should stack it.

    `title`: which one it is, where a result has several layers of one name, such as "Step 3";
    at most `MAX_TITLE` characters.
    """

    kind: LayerKind = "image"
    blend: BlendMode = "normal"
    title: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.title) > MAX_TITLE:
            raise PictureError("title", f"{self.name}: a title has at most {MAX_TITLE} characters")


@dataclass(frozen=True, kw_only=True, repr=False)
class ResultLayer(Picture, LayerInfo):
    """A layer of a result with its bytes."""


def join(pieces: Iterable[Buffer]) -> Buffer:
    """The pieces of one picture in one buffer; a single piece is not copied."""
    parts = list(pieces)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def with_data(info: PictureInfo, data: Buffer) -> Picture:
    """The picture, or for a `LayerInfo` the result layer, of this description and these bytes."""
    values = {f.name: getattr(info, f.name) for f in fields(info)}
    return (ResultLayer if isinstance(info, LayerInfo) else Picture)(**values, data=data)
