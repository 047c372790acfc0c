"""Which emoji show the same subject, across sets, skin tones and genders.

Sets name their drawings by code point, by today's name or by the old Unicode name. All names that
one drawing has anywhere are joined, so that a subject which is held out is held out everywhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

_TONE_WORDS = re.compile(
    r"-(medium-light|medium-dark|light|medium|dark)(-skin-tone)?(?=-|$)|-tone-?[1-6](?=-|$)"
)
_GENDER_WORDS = re.compile(r"(?<![a-z])(man|woman|person|men|women|people|boy|girl|child)(?![a-z])")
_TONES = {f"{code:x}" for code in range(0x1F3FB, 0x1F400)}
_PEOPLE = {"1f468", "1f469", "1f466", "1f467", "1f9d2"}
_SILENT = {"fe0f", "200d", "2640", "2642"}


def name_key(name: str) -> str:
    """The key of a drawing's name (`man-artist-medium-skin-tone` gives `name:artist`)."""
    plain = _TONE_WORDS.sub("", name.lower())
    neutral = re.sub(r"[^a-z0-9]+", "", _GENDER_WORDS.sub("", plain))
    return f"name:{neutral or 'person'}"


def code_key(code: str) -> str:
    """The key of an emoji's code points, written in hexadecimal with dashes between."""
    parts = [part.lower() for part in code.split("-")]
    kept = ["1f9d1" if p in _PEOPLE else p for p in parts if p not in _TONES | _SILENT]
    return "code:" + "-".join(kept or parts)


def without_tone(name: str) -> str:
    """A drawing's name or code points without the skin tones in it."""
    plain = _TONE_WORDS.sub("", name.lower())
    return "-".join(part for part in plain.split("-") if part not in _TONES)


class Subjects:
    """Joins the names of each subject; two names are the same subject when a chain of sets says so.

    `charts`: for each set, code points → name. `aliases`: pairs of names for one drawing.
    """

    def __init__(
        self, charts: Iterable[Mapping[str, str]], aliases: Iterable[tuple[str, str]] = ()
    ):
        self._parent: dict[str, str] = {}
        for chart in charts:
            for code, name in chart.items():
                self._join(code_key(code), name_key(name))
                if "-" not in code:
                    old_name = unicodedata.name(chr(int(code, 16)), "")
                    if old_name:
                        self._join(code_key(code), name_key(old_name.replace(" ", "-")))
        for name, other in aliases:
            self._join(name_key(name), name_key(other))
        members: dict[str, list[str]] = {}
        for key in self._parent:
            members.setdefault(self._root(key), []).append(key)
        self._members = {root: min(keys) for root, keys in members.items()}

    def of_name(self, name: str) -> str:
        """The subject of a drawing's name; an unknown name is a subject of its own."""
        return self._of(name_key(name))

    def of_code(self, code: str) -> str:
        """The subject of an emoji's code points (hexadecimal with dashes)."""
        return self._of(code_key(code))

    def _of(self, key: str) -> str:
        return self._members[self._root(key)] if key in self._parent else key

    def _root(self, key: str) -> str:
        self._parent.setdefault(key, key)
        while self._parent[key] != key:
            self._parent[key] = self._parent[self._parent[key]]
            key = self._parent[key]
        return key

    def _join(self, key: str, other: str) -> None:
        self._parent[self._root(key)] = self._root(other)
