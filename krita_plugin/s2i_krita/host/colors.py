"""Color spaces of Krita: which travel as they are, and the way from one to another."""

from __future__ import annotations

from typing import Any, NamedTuple

from krita import Krita
from s2i_client.pixels import Depth, Order, PictureInfo, Profile

from .scratch import ConversionFailed

__all__ = ["CHANNELS", "ColorSpace", "ConversionFailed", "krita_order", "space_of"]

CHANNELS = {"A": 1, "GRAYA": 2, "RGBA": 4, "LABA": 4, "XYZA": 4, "YCbCrA": 4, "CMYKA": 5}
DEPTHS: dict[str, Depth] = {"U8": "u8", "U16": "u16", "F16": "f16", "F32": "f32"}
CHANNEL_BYTES = {"U8": 1, "U16": 2, "F16": 2, "F32": 4}

# The first of each is what Krita ships; the others are the same by another name.
PROFILES: dict[tuple[str, Profile], tuple[str, ...]] = {
    ("RGBA", "sRGB"): (
        "sRGB-elle-V2-srgbtrc.icc",
        "sRGB-elle-V4-srgbtrc.icc",
        "sRGB built-in",
    ),
    ("RGBA", "linear"): (
        "sRGB-elle-V2-g10.icc",
        "sRGB-elle-V4-g10.icc",
        "scRGB (linear)",
        "krita-2.5, lcms sRGB built-in with linear gamma TRC",
    ),
    ("GRAYA", "sRGB"): ("Gray-D50-elle-V2-srgbtrc.icc", "Gray-D50-elle-V4-srgbtrc.icc"),
    ("GRAYA", "linear"): ("Gray-D50-elle-V2-g10.icc", "Gray-D50-elle-V4-g10.icc"),
}
KNOWN: dict[tuple[str, str], Profile] = {
    (model, name): profile for (model, profile), names in PROFILES.items() for name in names
}


class ColorSpace(NamedTuple):
    """A color space by Krita's names, such as `ColorSpace("RGBA", "U8", "sRGB built-in")`."""

    model: str
    depth: str
    profile: str

    @staticmethod
    def of(thing: Any) -> ColorSpace:
        """Of a Krita document or node."""
        return ColorSpace(thing.colorModel(), thing.colorDepth(), thing.colorProfile())

    @property
    def pixel_size(self) -> int:
        """Bytes per pixel."""
        return CHANNELS[self.model] * CHANNEL_BYTES[self.depth]

    @property
    def readable(self) -> tuple[Order, Depth, Profile] | None:
        """How its bytes are described on the wire, None when they can not go as they are.

        Krita keeps integers as BGRA and floats as RGBA.
        """
        profile = KNOWN.get((self.model, self.profile))
        if profile is None:
            return None
        return _order(self.model, self.depth), DEPTHS[self.depth], profile

    @property
    def travel(self) -> ColorSpace:
        """The readable space that loses least: the same depth, gray or RGB; floats are linear."""
        if self.readable is not None:
            return self
        model = "GRAYA" if self.model in ("GRAYA", "A") else "RGBA"
        return _shipped(model, self.depth, "linear" if self.depth.startswith("F") else "sRGB")


def space_of(picture: PictureInfo) -> ColorSpace:
    """The color space that holds the picture's pixels once they are in Krita's channel order."""
    model = "GRAYA" if picture.order in ("gray", "graya") else "RGBA"
    return _shipped(model, picture.depth.upper(), picture.profile)


def krita_order(space: ColorSpace) -> Order:
    """The order of channels that Krita keeps pixels of an RGB or gray space in."""
    return _order(space.model, space.depth)


def _order(model: str, depth: str) -> Order:
    if model == "GRAYA":
        return "graya"
    return "rgba" if depth.startswith("F") else "bgra"


def _shipped(model: str, depth: str, profile: Profile) -> ColorSpace:
    """A space with the first known profile that this Krita has."""
    names = PROFILES[model, profile]
    there = Krita.instance().profiles(model, depth)
    return ColorSpace(model, depth, next((name for name in names if name in there), names[0]))
