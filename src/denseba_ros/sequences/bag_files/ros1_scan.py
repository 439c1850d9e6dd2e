"""A ROS 1 bag from its beginning, record by record: ``.bag.active`` has no index yet.

The format is http://wiki.ros.org/Bags/Format/2.0: a header of fields, then data, each with its
length. The chunk that was being written states no length, so its records follow by themselves.
"""

from __future__ import annotations

import bz2
import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import lz4.frame
from rosbags.typesys.msg import normalize_msgtype

from denseba_ros.sequences.bag_files.scanned_records import (
    Damage,
    ScannedConnection,
    ScannedMessage,
    ScannedRecord,
)

MAGIC = b"#ROSBAG V2.0\n"
_MESSAGE, _CHUNK, _CONNECTION = 2, 5, 7
_LARGEST_RECORD = 1 << 31


class _CutOffError(Exception):
    """The file ends inside of a record, or a record is none."""


def scan_ros1(path: Path) -> Iterator[ScannedRecord]:
    """The connections and messages up to the end of the file or of what can be read."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            yield Damage("it is no ROS 1 bag of version 2.0")
            return
        try:
            yield from _scan(file)
        except _CutOffError:
            yield Damage("the recording was cut off")


def _scan(file: BinaryIO) -> Iterator[ScannedRecord]:
    while (header := _header(file)) is not None:
        kind = header.get(b"op", b"")
        if kind == bytes([_CHUNK]):
            data, is_whole = _block(file)
            records = _scan_chunk(data, header.get(b"compression", b"none"))
            yield from (r for r in records if is_whole or not isinstance(r, Damage))
            if not is_whole:
                raise _CutOffError
            continue
        data = _whole_block(file)
        if kind == bytes([_CONNECTION]):
            yield _connection(header, data)
        elif kind == bytes([_MESSAGE]):
            yield _message(header, data)


def _scan_chunk(data: bytes, compression: bytes) -> Iterator[ScannedRecord]:
    """The records of a chunk, also of the beginning of one that was cut."""
    try:
        if compression == b"bz2":
            data = bz2.BZ2Decompressor().decompress(data)
        elif compression == b"lz4":
            data = lz4.frame.LZ4FrameDecompressor().decompress(data)
        yield from _scan(io.BytesIO(data))
    except (OSError, ValueError, RuntimeError, EOFError, _CutOffError):
        yield Damage("a chunk is damaged")


def _connection(header: dict[bytes, bytes], data: bytes) -> ScannedRecord:
    try:
        (key,) = struct.unpack("<I", header[b"conn"])
        kind = _fields(data)[b"type"].decode()
        return ScannedConnection(key, header[b"topic"].decode(), normalize_msgtype(kind))
    except (KeyError, struct.error, UnicodeDecodeError, ValueError, _CutOffError):
        return Damage("a connection is damaged")


def _message(header: dict[bytes, bytes], data: bytes) -> ScannedRecord:
    try:
        (key,) = struct.unpack("<I", header[b"conn"])
        seconds, nanoseconds = struct.unpack("<II", header[b"time"])
    except (KeyError, struct.error):
        return Damage("a message is damaged")
    return ScannedMessage(key, seconds * 1_000_000_000 + nanoseconds, data)


def _header(file: BinaryIO) -> dict[bytes, bytes] | None:
    """The fields of the next record's header, None at the end of the file."""
    position = file.tell()
    if not file.read(1):
        return None
    file.seek(position)
    return _fields(_whole_block(file))


def _whole_block(file: BinaryIO) -> bytes:
    data, is_whole = _block(file)
    if not is_whole:
        raise _CutOffError
    return data


def _block(file: BinaryIO) -> tuple[bytes, bool]:
    """A length and so many bytes, and whether they are all there."""
    length = file.read(4)
    if len(length) < 4:
        return b"", False
    (size,) = struct.unpack("<I", length)
    if size >= _LARGEST_RECORD:
        return b"", False
    data = file.read(size)
    return data, len(data) == size


def _fields(content: bytes) -> dict[bytes, bytes]:
    fields: dict[bytes, bytes] = {}
    position = 0
    while position < len(content):
        if position + 4 > len(content):
            raise _CutOffError
        (size,) = struct.unpack_from("<I", content, position)
        name, equals, value = content[position + 4 : position + 4 + size].partition(b"=")
        if not equals or position + 4 + size > len(content):
            raise _CutOffError
        fields[name] = value
        position += 4 + size
    return fields
