"""The protocol's documentation names what the code has."""

from dataclasses import fields
from pathlib import Path

import pytest

from s2i_client import framing, pixels
from s2i_client.errors import FIXES
from s2i_client.messages import FROM_DAEMON, FROM_HOST, MAX_PICTURES

DOCUMENT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
ROWS = [line for line in DOCUMENT.splitlines() if line.startswith("|")]


@pytest.mark.parametrize("code", FIXES)
def test_every_error_is_explained_with_its_fix(code):
    (row,) = (row for row in ROWS if row.startswith(f"| `{code}` |"))
    assert FIXES[code] in row


@pytest.mark.parametrize(("heading", "known"), [("host", FROM_HOST), ("daemon", FROM_DAEMON)])
def test_every_message_is_there_with_its_fields(heading, known):
    section = DOCUMENT.split(f"## From {heading} ")[1].split("\n## ")[0]
    rows = {row.split("`")[1]: row for row in section.splitlines() if row.startswith("| `")}
    assert rows.keys() == known.keys()
    for name, message in known.items():
        listed = rows[name].split("|")[2]
        assert all(f"`{field.name}`" in listed for field in fields(message))


def test_limits_are_those_of_the_code():
    limits = {row.split("|")[1].strip(): row.split("|")[2] for row in ROWS}
    assert f"{framing.MAX_HEADER_BYTES >> 10} KiB, {framing.MAX_DEPTH} levels" in limits["header"]
    assert str(framing.MAX_FRAMES) in limits["frames of a message"]
    assert str(MAX_PICTURES) in limits["pictures of a message"]
    assert f"{pixels.MAX_PICTURE_BYTES >> 30} GiB" in limits["a picture"]
    assert str(pixels.MAX_SIDE) in limits["a picture"]
