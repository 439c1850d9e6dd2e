"""An MCAP file from its beginning, record by record: its index at the end may be missing.

The format is https://mcap.dev/spec: an opcode, the length of the record, its content.
"""

from __future__ import annotations

import struct
import sys
from binascii import crc32
from collections.abc import Iterator
from pathlib import Path

import lz4.frame

from denseba_ros.sequences.bag_files.scanned_records import (
    Damage,
    ScannedConnection,
    ScannedMessage,
    ScannedRecord,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAGIC = b"\x89MCAP0\r\n"
_FOOTER, _SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _DATA_END = 0x02, 0x03, 0x04, 0x05, 0x06, 0x0F
_PREFIX = struct.Struct("<BQ")
_MESSAGE_HEADER = struct.Struct("<HIQQ")
_CHUNK_HEADER = struct.Struct("<QQQI")
_LARGEST_RECORD = 1 << 31


def scan_mcap(path: Path) -> Iterator[ScannedRecord]:
    """The channels and messages up to the end of the file or of what can be read."""
    schemas: dict[int, str] = {}
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            yield Damage("it is no MCAP file")
            return
        while prefix := file.read(_PREFIX.size):
            if len(prefix) < _PREFIX.size:
                break
            opcode, length = _PREFIX.unpack(prefix)
            if opcode in (_FOOTER, _DATA_END):
                return
            if length > _LARGEST_RECORD:
                break
            content = file.read(length)
            if len(content) < length:
                if opcode == _CHUNK:
                    records = _scan_chunk(content, schemas)
                    yield from (r for r in records if not isinstance(r, Damage))
                break
            if opcode == _CHUNK:
                yield from _scan_chunk(content, schemas)
            else:
                yield from _scan_record(opcode, content, schemas)
    yield Damage("the recording was cut off")


def _scan_record(opcode: int, content: bytes, schemas: dict[int, str]) -> Iterator[ScannedRecord]:
    try:
        if opcode == _SCHEMA:
            (key,) = struct.unpack_from("<H", content)
            schemas[key], _ = _text(content, 2)
        elif opcode == _CHANNEL:
            key, schema = struct.unpack_from("<HH", content)
            topic, _ = _text(content, 4)
            yield ScannedConnection(key, topic, schemas.get(schema, ""))
        elif opcode == _MESSAGE:
            key, _, time_ns, _ = _MESSAGE_HEADER.unpack_from(content)
            yield ScannedMessage(key, time_ns, content[_MESSAGE_HEADER.size :])
    except (struct.error, UnicodeDecodeError):
        yield Damage("a record is damaged")


def _scan_chunk(content: bytes, schemas: dict[int, str]) -> Iterator[ScannedRecord]:
    """The records of a chunk, also of the beginning of one that was cut."""
    try:
        _, _, size, crc = _CHUNK_HEADER.unpack_from(content)
        compression, at = _text(content, _CHUNK_HEADER.size)
        records = _decompressed(content[at + 8 :], compression)
    except (struct.error, UnicodeDecodeError):
        yield Damage("a chunk is damaged")
        return
    is_whole = len(records) == size
    if is_whole and crc and crc32(records) != crc:
        yield Damage("a chunk is damaged")
        return
    position = 0
    while position + _PREFIX.size <= len(records):
        opcode, length = _PREFIX.unpack_from(records, position)
        position += _PREFIX.size
        if position + length > len(records):
            break
        yield from _scan_record(opcode, records[position : position + length], schemas)
        position += length
    if not is_whole:
        yield Damage("a chunk is damaged")


def _decompressed(data: bytes, compression: str) -> bytes:
    """As much as can be decompressed."""
    if compression == "":
        return data
    decompressor = zstd.ZstdDecompressor() if compression == "zstd" else None
    if compression == "lz4":
        decompressor = lz4.frame.LZ4FrameDecompressor()
    if decompressor is None:
        return b""
    records = bytearray()
    try:
        for begin in range(0, len(data), 1 << 16):
            if decompressor.eof:
                break
            records += decompressor.decompress(data[begin : begin + (1 << 16)])
    except (zstd.ZstdError, RuntimeError, EOFError):
        pass  # what came before it is kept
    return bytes(records)


def _text(content: bytes, at: int) -> tuple[str, int]:
    """The text at an offset, and the offset behind it."""
    (length,) = struct.unpack_from("<I", content, at)
    end = at + 4 + length
    if end > len(content):
        raise struct.error("the text is cut")
    return content[at + 4 : end].decode(), end
