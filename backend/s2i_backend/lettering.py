"""A font for words in a picture: one of the system's that has their letters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from PIL import Image, ImageDraw, ImageFont

# Looked for among the system's fonts in this order, by file name as Pillow does it.
FONTS = (
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf"),
    *("arial.ttf", "Arial.ttf", "segoeui.ttf", "Helvetica.ttc"),
    *("NotoSansCJK-Regular.ttc", "msgothic.ttc", "Hiragino Sans GB.ttc", "Arial Unicode.ttf"),
)
_NO_CHARACTER = "\U0010ffff"


class Lettering:
    """A font of a height in pixels that has the letters of all `words`, as far as there is one."""

    def __init__(self, words: Iterable[str], height: int):
        letters = "".join(set("".join(words))) + "…"
        self.font, self._is_plain = _own(height), True
        for name in FONTS:
            font = _load(name, height)
            if font is not None and (self._is_plain or _has_all(font, letters)):
                self.font, self._is_plain = font, False
                if _has_all(font, letters):
                    break

    def fitted(self, text: str, room: int) -> str:
        """The text, or as much of its beginning and its end as there is room for, in pixels."""
        dots = "..." if self._is_plain else "…"
        text = shown = _plain(text) if self._is_plain else text
        keep = len(text)
        while keep > 2 and self.font.getlength(shown) > room:
            keep -= 1
            shown = f"{text[: (keep + 1) // 2]}{dots}{text[len(text) - keep // 2 :]}"
        return shown


def _own(height: int) -> ImageFont.FreeTypeFont:
    """Pillow's own font, of plain letters only."""
    font = ImageFont.load_default(height)
    assert isinstance(font, ImageFont.FreeTypeFont)  # it is where a height is asked for
    return font


def _load(name: str, height: int) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(name, height)
    except OSError:
        return None


def _has_all(font: ImageFont.FreeTypeFont, letters: str) -> bool:
    missing = _drawn(font, _NO_CHARACTER)
    return all(_drawn(font, letter) != missing for letter in letters)


def _drawn(font: ImageFont.FreeTypeFont, letter: str) -> bytes:
    side = round(3 * font.size)
    image = Image.new("L", (side, side))
    ImageDraw.Draw(image).text((side // 3, side // 3), letter, 255, font)
    return image.tobytes()


def _plain(text: str) -> str:
    """Without accents, and with "?" for other letters."""
    apart = unicodedata.normalize("NFKD", text.replace("×", "x"))
    bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return bare.encode("ascii", "replace").decode()
