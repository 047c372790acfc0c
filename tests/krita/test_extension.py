"""The actions in Krita's menus: their names, and Live's check mark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from fake_krita.application import Krita
from pytestqt.qtbot import QtBot
from studio import Studio, settle

from s2i_krita import extension
from s2i_krita.texts import use_language

ACTIONS = Path(__file__).parents[2] / "krita_plugin" / "s2i_krita.action"


@pytest.fixture
def studio(krita: Krita, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """A daemon that answers, nothing open, and the plugin registered; no window has it yet."""
    made = Studio(qtbot)
    made.connect()
    monkeypatch.setattr(extension, "_workspace", made.workspace)
    yield made
    made.close()
    use_language("en")


def open_window(krita: Krita, language: str = "en") -> dict[str, Any]:
    """Krita's actions once the plugin is there and a window is open."""
    krita.writeSetting("s2i", "language", language)
    extension.register()
    krita.openWindow()
    krita.actions["s2i_live"].setCheckable(True)  # as its file tells Krita
    settle()
    return krita.actions


def described() -> dict[str, tuple[str, str]]:
    """Text and tooltip of each action in the file that Krita reads."""
    return {
        action.attrib["name"]: (action.findtext("text", ""), action.findtext("toolTip", ""))
        for action in ElementTree.parse(ACTIONS).iter("Action")
    }


def test_english_names_are_those_of_the_file(krita: Krita, studio: Studio) -> None:
    actions = open_window(krita)
    assert {n: (a.text(), a.toolTip()) for n, a in actions.items()} == described()


def test_menus_speak_the_user_s_language(krita: Krita, studio: Studio) -> None:
    actions = open_window(krita, "de")
    assert actions["s2i_generate"].text() == "s2i: Erzeugen"
    english = described()
    for name, action in actions.items():
        if name != "s2i_live":  # a word that German has too
            assert action.text() != english[name][0]
        assert action.toolTip() != english[name][1]


def test_live_in_the_menu_is_checked_while_it_is_live(krita: Krita, studio: Studio) -> None:
    live = open_window(krita)["s2i_live"]
    raw, first = studio.open()
    first.live.start()
    assert live.isChecked(), "started in the docker"
    _, second = studio.open()
    settle()
    assert not live.isChecked(), "another document"
    krita.setActiveDocument(raw)
    settle()
    assert live.isChecked()
    first.live.stop()  # as Escape does
    assert not live.isChecked()
    live.trigger()
    assert first.live.active
    assert live.isChecked()
    live.trigger()
    assert not first.live.active
    assert not live.isChecked()
    assert not second.live.active


def test_live_that_can_not_begin_is_not_checked(krita: Krita, studio: Studio) -> None:
    live = open_window(krita)["s2i_live"]
    live.trigger()
    assert not live.isChecked(), "no document"
    _, model = studio.open()
    model.generate()
    live.trigger()
    assert not live.isChecked(), "it is busy"
