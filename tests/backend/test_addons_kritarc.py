"""kritarc keeps every byte that is not about the plugin."""

from __future__ import annotations

import pytest

from s2i_backend.addons.kritarc import enabled, resource_folder, without

# What real files and people's hands leave there.
ODD = (
    b"\xef\xbb\xbfHideSplash=true\n"
    b'LastColor=<!DOCTYPE x>\\n<RGB a="[python]"/>\\n\n'
    b"no equals sign\n"
    b"; a comment = of INI\n# and another\n"
    b"=no key\n"
    b"Name[de]=G\xfcnter\n"  # Latin-1
    b"Same=1\nSame=2\n"
    b"%(x)s=%s\n"
    b"\n\n  [Window][1]\\x2f[$i]  \n"
    b"enable_s2i_krita=elsewhere\n"
    b"[python][sub]\nenable_s2i_krita=nested\n"
    b"[python]\nenable_other=true\nenable_s2i_krita_two=false\n\n"
    b"[theme]\nTheme=Krita dark\n"
    b"[python]\nenable_third=false\n"
    b"[last]\nno=newline"
)
ENTRY = b"enable_s2i_krita=true\n"


def added(before: bytes, after: bytes) -> list[bytes]:
    """The lines of `after` that `before` lacks, if all else is kept in its order."""
    rest, new = before.splitlines(keepends=True), []
    for line in after.splitlines(keepends=True):
        if rest and line.rstrip(b"\r\n") == rest[0].rstrip(b"\r\n"):
            rest.pop(0)
        else:
            new.append(line)
    assert rest == []
    return new


def test_one_line_is_added_and_all_others_are_kept() -> None:
    after = enabled(ODD, "s2i_krita")
    assert added(ODD, after) == [ENTRY]
    assert b"[python]\n" + ENTRY in after
    assert after.startswith(ODD[: ODD.index(b"[python]\nenable_other")])


def test_going_back_gives_the_same_bytes() -> None:
    before = ODD + b"\n"
    assert without(enabled(before, "s2i_krita"), "s2i_krita") == before
    assert without(before, "s2i_krita") == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"[python]\nenable_s2i_krita=true\n"),
        (b"a=1", b"a=1\n\n[python]\nenable_s2i_krita=true\n"),
        (b"a=1\r\n[python]\r\n", b"a=1\r\n[python]\r\nenable_s2i_krita=true\r\n"),
        (b"a=1\r\n", b"a=1\r\n\r\n[python]\r\nenable_s2i_krita=true\r\n"),
        (b"[python]", b"[python]\nenable_s2i_krita=true\n"),
        (b"[python][$i]\nb=2\n", b"[python][$i]\nenable_s2i_krita=true\nb=2\n"),
        (
            b"[python]\nenable_s2i_krita=false\nb=2\n",
            b"[python]\nenable_s2i_krita=true\nb=2\n",
        ),
        (b"[python]\nenable_s2i_krita=", b"[python]\nenable_s2i_krita=true\n"),
        (b"[python]\nenable_s2i_krita[$d]\nb=2\n", b"[python]\nenable_s2i_krita=true\nb=2\n"),
        # The last of equal entries is the one that counts.
        (
            b"[python]\nenable_s2i_krita=true\n[a]\n[python]\n enable_s2i_krita = false\n",
            b"[python]\n[a]\n[python]\nenable_s2i_krita=true\n",
        ),
    ],
)
def test_it_is_switched_on_whatever_was_there(before: bytes, after: bytes) -> None:
    assert enabled(before, "s2i_krita") == after
    assert enabled(after, "s2i_krita") == after
    assert b"s2i_krita" not in without(after, "s2i_krita")


def test_the_folder_of_resources_is_read_above_all_groups() -> None:
    assert resource_folder(b"a=1\nResourceDirectory=/big disk/krita\n[x]\n") == "/big disk/krita"
    assert resource_folder(b"a=1\nResourceDirectory=\n") is None
    assert resource_folder(b"a=1\n[x]\nResourceDirectory=/big\n") is None
    assert resource_folder(b"") is None
