"""Every text that the user reads goes through `_`: the English text is the key of one table.

A table is `translations/LANGUAGE.json`, from English texts to translated ones. Texts that the
daemon declares go through it too; those that the table does not have stay English.
"""

from __future__ import annotations

import json
from pathlib import Path

FOLDER = Path(__file__).with_name("translations")
_table: dict[str, str] = {}


def use_language(name: str) -> str:
    """Translate from now on into `name`, such as `de` or `de_AT`; returns the one that is used.

    That is `en` when there is no table for it.
    """
    for code in (name, name.split("_", maxsplit=1)[0]):
        path = FOLDER / f"{code}.json"
        if code and path.is_file():
            _set_table(json.loads(path.read_text(encoding="utf-8")))
            return code
    _set_table({})
    return "en"


def languages() -> list[str]:
    """The languages there are, English first."""
    return ["en", *sorted(path.stem for path in FOLDER.glob("*.json"))]


def _(text: str, **values: object) -> str:
    """The text in the user's language, with `{name}` replaced by `values`."""
    translated = _table.get(text, text)
    return translated.format(**values) if values else translated


def _set_table(table: dict[str, str]) -> None:
    _table.clear()
    _table.update(table)
