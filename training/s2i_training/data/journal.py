"""What a source's folder holds already: a build that was interrupted goes on from there."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from s2i_training.data.manifest import Item, split_of
from s2i_training.data.packages import file_hash

JOURNAL = "journal.jsonl"


class Journal:
    """The finished items of one source below the set's folder `root`, one JSON object a line.

    The last record of an item counts; a line that a crash cut off does not. A context manager, as
    it holds the file open.
    """

    def __init__(self, root: Path, source: str):
        self._root = root
        path = root / source / JOURNAL
        path.parent.mkdir(parents=True, exist_ok=True)
        self._items = _read(path)
        self._stream = path.open("a", encoding="utf-8")
        if self._stream.tell() and not path.read_bytes().endswith(b"\n"):
            self._stream.write("\n")

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stream.close()

    def find(self, identity: str, subject: str, source_sha256: str) -> Item | None:
        """The finished item `identity`; None when it has to be made: never made, of another
        content or subject, or its files are missing or changed."""
        item = self._items.get(identity)
        if item is None or item.source_sha256 != source_sha256 or item.subject != subject:
            return None
        files = [(item.color, item.color_sha256)]
        if item.lines is not None and item.lines_sha256 is not None:
            files.append((item.lines, item.lines_sha256))
        valid = item.split == split_of(subject) and all(
            (self._root / path).is_file() and file_hash(self._root / path) == digest
            for path, digest in files
        )
        return item if valid else None

    def record(self, item: Item) -> None:
        """Note an item whose files are written."""
        self._items[item.id] = item
        self._stream.write(json.dumps(asdict(item), ensure_ascii=False) + "\n")
        self._stream.flush()


def _read(path: Path) -> dict[str, Item]:
    items: dict[str, Item] = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                item = Item(**json.loads(line))
            except (ValueError, TypeError):
                continue
            items[item.id] = item
    return items
