"""The manifest of a built set: what every drawing is, where it came from, and its split."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Split = Literal["train", "validation", "test"]

MANIFEST = "manifest.jsonl"
TEST_SHARE = 0.1
VALIDATION_SHARE = 0.02


@dataclass(frozen=True)
class Item:
    """One drawing of a built set.

    `subject`: what is drawn; drawings of one subject share a split, whatever their source, skin
    tone or gender. `color`, `lines`: paths below the set's folder; `lines` is None where the source
    has no ink layer of its own. `side`: width and height of the pictures in pixels. The hashes are
    SHA-256, hexadecimal: of the source's text and of the picture files.
    """

    id: str
    source: str
    version: str
    license: str
    author: str
    subject: str
    split: Split
    side: int
    color: str
    lines: str | None
    source_sha256: str
    color_sha256: str
    lines_sha256: str | None


def split_of(subject: str) -> Split:
    """The split of a subject, by the hash of its name alone: it never changes when drawings or
    sources are added."""
    digest = hashlib.sha256(f"split:{subject}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place < TEST_SHARE:
        return "test"
    return "validation" if place < TEST_SHARE + VALIDATION_SHARE else "train"


def write_manifest(folder: Path, items: Iterable[Item]) -> None:
    """Write the manifest of `folder`, one JSON object a line, replacing it in one step."""
    text = "".join(json.dumps(asdict(item), ensure_ascii=False) + "\n" for item in items)
    unfinished = folder / f"{MANIFEST}.part"
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(folder / MANIFEST)


def read_manifest(folder: Path) -> list[Item]:
    """The items of a built set in their written order.

    Raises FileNotFoundError when the folder holds no built set, with the command that builds one.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise not_built(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Item(**json.loads(line)) for line in lines if line]


def not_built(missing: Path) -> FileNotFoundError:
    """The error for a file that a built set would have, with the commands that build one."""
    command = f"`s2i-train data build lineart --out {missing.parent}`"
    return FileNotFoundError(
        f"{missing} does not exist; build the set with {command}, or `faces` for one of faces"
    )
