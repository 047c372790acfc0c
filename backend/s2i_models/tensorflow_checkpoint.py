"""Reading TensorFlow's checkpoints ("V2 tensor bundles") without TensorFlow.

A bundle called P is `P.index`, a sorted table from variable names to where their bytes are, and
`P.data-00000-of-00001` (or several), the bytes. The table is LevelDB's: data blocks of
prefix-compressed keys, an index block of data blocks, a footer of 48 bytes. The values are
protocol buffers (`BundleEntryProto`). Nothing in it can run code.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 19: "<f2"}  # DataType of types.proto
_FILE = re.compile(r"\.(index|meta|data-\d{5}-of-\d{5})$")


@dataclass(frozen=True)
class _Entry:
    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int


class TensorFlowCheckpoint(Mapping[str, np.ndarray]):
    """Variables by name, read from disk when asked for.

    `path`: any file of the bundle, or the bundle's name without an ending. Raises
    FileNotFoundError, and ValueError for what is not such a bundle or is cut off.
    """

    def __init__(self, path: Path):
        self.prefix = path.with_name(_FILE.sub("", path.name))
        index = self.prefix.with_name(f"{self.prefix.name}.index")
        try:
            table = dict(_table(index.read_bytes()))
            header = _fields(table.pop(b"", b""))
            self._shards = _number(header, 1, default=1)
            self._entries = {name.decode(): _entry(value) for name, value in table.items()}
        except (IndexError, struct.error, ValueError) as error:
            raise ValueError(f"{index} is not a whole checkpoint index: {error}") from error
        if _number(header, 2):
            raise ValueError(f"{index} was written on a big-endian machine and can not be read")

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __getitem__(self, name: str) -> np.ndarray:
        entry = self._entries[name]
        if entry.dtype not in _TYPES:
            raise ValueError(f"{name} has TensorFlow type {entry.dtype}; only numbers are read")
        dtype = np.dtype(_TYPES[entry.dtype])
        if prod(entry.shape) * dtype.itemsize != entry.size:
            raise ValueError(f"{name}: {entry.size} bytes do not hold {entry.shape} {dtype}")
        file = f"{self.prefix.name}.data-{entry.shard:05d}-of-{self._shards:05d}"
        path = self.prefix.with_name(file)
        if path.stat().st_size < entry.offset + entry.size:
            raise ValueError(f"{path} is cut off: {name} is not all there; download it again")
        with path.open("rb") as stream:
            stream.seek(entry.offset)
            data = stream.read(entry.size)
        return np.frombuffer(data, dtype).reshape(entry.shape)


def _table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    if len(data) < _FOOTER or struct.unpack("<Q", data[-8:])[0] != _MAGIC:
        raise ValueError("it does not end like one")
    footer = data[-_FOOTER:]
    position = 0
    for _ in range(2):  # the handle of the table's own notes, of which there are none
        _, position = _varint(footer, position)
    for _, handle in _block(data, footer[position:]):
        yield from _block(data, handle)


def _block(data: bytes, handle: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The keys and values of the block that a handle (offset, size) points to."""
    offset, position = _varint(handle, 0)
    size, _ = _varint(handle, position)
    block, kind = data[offset : offset + size], data[offset + size]
    if kind != 0:
        raise ValueError("it is compressed, which TensorFlow does not do")
    end = len(block) - 4 - 4 * struct.unpack("<I", block[-4:])[0]
    key, position = b"", 0
    while position < end:
        shared, position = _varint(block, position)
        own, position = _varint(block, position)
        length, position = _varint(block, position)
        key = key[:shared] + block[position : position + own]
        position += own
        yield key, block[position : position + length]
        position += length


def _entry(value: bytes) -> _Entry:
    fields = _fields(value)
    if 7 in fields:
        raise ValueError("a variable is stored in slices; save it without a partitioner")
    shape = []
    for message in fields.get(2, []):
        for dimension in _fields(_bytes(message)).get(2, []):
            shape.append(_number(_fields(_bytes(dimension)), 1))
    return _Entry(
        _number(fields, 1), tuple(shape), _number(fields, 3), _number(fields, 4), _number(fields, 5)
    )


def _fields(message: bytes) -> dict[int, list[int | bytes]]:
    """A protocol buffer's fields by number; numbers as int, everything with a length as bytes."""
    fields: dict[int, list[int | bytes]] = {}
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        kind, value = tag & 7, b""
        if kind == 0:
            value, position = _varint(message, position)
        elif kind in (1, 2, 5):
            length = {1: 8, 5: 4}.get(kind)
            if length is None:
                length, position = _varint(message, position)
            value = message[position : position + length]
            position += length
        else:
            raise ValueError("it is damaged; download it again")
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def _number(fields: dict[int, list[int | bytes]], field: int, default: int = 0) -> int:
    value = fields.get(field, [default])[-1]
    if not isinstance(value, int):
        raise ValueError("it is damaged; download it again")
    return value


def _bytes(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("it is damaged; download it again")
    return value


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
