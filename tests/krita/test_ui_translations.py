"""The German table has every text that a user may read, and nothing else."""

from __future__ import annotations

import json
import string

import pytest
from shown_texts import PLUGIN, declared_texts, failure_texts, plugin_texts, shown_texts, step_texts

TABLES = sorted((PLUGIN / "translations").glob("*.json"))


def table(path) -> dict[str, str]:
    return json.loads(path.read_text(encoding="utf-8"))


def placeholders(text: str) -> set[str]:
    return {name for _text, name, _format, _conversion in string.Formatter().parse(text) if name}


def test_the_collection_finds_each_kind_of_text() -> None:
    assert "Generate" in plugin_texts()
    assert {"Auto-painter", "best", "Gap closing"} <= declared_texts()
    assert {"finding regions", "Installing PyTorch"} <= step_texts()
    assert "The backend is not installed." in failure_texts()


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_table_is_complete_and_has_nothing_that_is_not_used(path) -> None:
    texts = shown_texts()
    assert texts - set(table(path)) == set()
    assert set(table(path)) - texts == set()


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_placeholders_are_those_of_the_english_text(path) -> None:
    for english, translated in table(path).items():
        assert placeholders(translated) == placeholders(english), english
        assert translated.strip(), english


def test_there_is_german() -> None:
    assert [path.stem for path in TABLES] == ["de"]
