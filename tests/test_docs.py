"""The documentation is whole: links and pictures lead to files, nothing waits to be written."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parent.parent
KRITA_PLUGIN = ROOT / "krita_plugin"
MANUAL = KRITA_PLUGIN / "s2i_krita" / "manual.html"
DOCS = sorted(
    [
        ROOT / "README.md",
        MANUAL,
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "backend/s2i_models/weights").glob("*.md"),
    ]
)
# [text](target), ![text](target "title"), [name]: target, and src= or href= of HTML.
TARGETS = re.compile(
    r"""\]\(\s*<?([^)>\s]+)|^\[[^\]]+\]:\s*<?([^>\s]+)|(?:src|href)=["']([^"']+)""", re.MULTILINE
)
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#", re.IGNORECASE)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def targets(text: str) -> list[str]:
    """The relative links of a document, without the part after #."""
    found = ["".join(groups) for groups in TARGETS.findall(CODE.sub("", text))]
    return [unquote(t.partition("#")[0]) for t in found if not ELSEWHERE.match(t)]


def test_every_way_to_write_a_link_is_looked_at() -> None:
    text = (
        'See [a](one.md), ![b\nc](two.png "title"), [d](three.md#part) and [e](https://x.org/).\n'
        '`[f](no.md)`\n\n[g]: four.md\n<img alt="" src="five%20.png">\n[h](#here)\n'
    )
    assert targets(text) == ["one.md", "two.png", "three.md", "four.md", "five .png"]


@pytest.mark.parametrize("path", DOCS, ids=name_of)
def test_relative_links_and_pictures_lead_to_files(path: Path) -> None:
    found = targets(path.read_text(encoding="utf-8"))
    assert [t for t in found if not (path.parent / t).exists()] == []


@pytest.mark.parametrize("path", DOCS, ids=name_of)
def test_nothing_waits_to_be_written(path: Path) -> None:
    assert re.findall(r"\b(?:RESULTS|SHADING|TODO\w*)\b", path.read_text(encoding="utf-8")) == []


def krita_shortcuts() -> dict[str, str]:
    """The default keys of the Krita plugin's actions, by their texts in the menu."""
    actions = ElementTree.parse(KRITA_PLUGIN / "s2i_krita.action").iter("Action")
    return {a.findtext("text", ""): a.findtext("shortcut", "") for a in actions}


def test_the_guide_to_krita_has_the_shortcuts_that_there_are() -> None:
    guide = (ROOT / "docs" / "krita.md").read_text(encoding="utf-8")
    assert (
        dict(re.findall(r"^\| (s2i: .+?) \| (.+?) \|$", guide, re.MULTILINE)) == krita_shortcuts()
    )


def test_krita_finds_the_manual_and_it_has_the_shortcuts_that_there_are() -> None:
    desktop = (KRITA_PLUGIN / "s2i_krita.desktop").read_text(encoding="utf-8")
    assert f"X-Krita-Manual={MANUAL.name}" in desktop.splitlines()
    html = "{http://www.w3.org/1999/xhtml}"
    terms = [term.text for term in ElementTree.parse(MANUAL).iter(f"{html}dt")]
    assert [t for t in terms if t in krita_shortcuts().values()] == list(krita_shortcuts().values())
