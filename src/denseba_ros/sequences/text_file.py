"""Text files as people bring them: with a byte order mark, in UTF-16, in Latin-1, with CRLF."""

from __future__ import annotations

import codecs
from pathlib import Path

_LARGEST_BYTES = 1 << 28


class TextFileError(ValueError):
    """The file cannot be read, or is no text; the message does not name the file."""


def read_text(path: Path, largest_bytes: int = _LARGEST_BYTES) -> str:
    r"""The file's text with ``\n`` at the end of lines and without a byte order mark.

    Without a mark it is UTF-8, or Latin-1 where it is not that: only comments hold such letters.

    Raises:
        TextFileError: when it cannot be read, is larger than ``largest_bytes``, or is no text.
    """
    try:
        if path.stat().st_size > largest_bytes:
            raise TextFileError(f"has {path.stat().st_size} bytes, too many for such a file")
        data = path.read_bytes()
    except OSError as error:
        raise TextFileError(error.strerror or "cannot be read") from error
    text = decode_text(data)
    if "\0" in text:
        raise TextFileError("is no text file")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def decode_text(data: bytes) -> str:
    """The text of ``data`` by its byte order mark, or else UTF-8, or else Latin-1.

    Raises:
        TextFileError: when it is UTF-16 by its mark, but cannot be decoded.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise TextFileError("is broken UTF-16 text") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")
