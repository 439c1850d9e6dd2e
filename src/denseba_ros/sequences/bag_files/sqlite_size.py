"""Whether a file of sqlite3 is as long as it says: rows of a cut one cannot be read one by one."""

from __future__ import annotations

from pathlib import Path

_MAGIC = b"SQLite format 3\x00"
_HEADER = 100


def what_is_cut(path: Path) -> str:
    """That and how a .db3 file is cut off, in a sentence; empty where it is not."""
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER)
        size = path.stat().st_size
    except OSError:
        return ""
    if size == 0:
        return f"{path}: is empty"
    if not header.startswith(_MAGIC) or len(header) < _HEADER:
        return ""
    # File format of SQLite, sections 1.3.2 and 1.3.8; a page size of 65536 is written as 1.
    page = int.from_bytes(header[16:18], "big")
    whole = (65536 if page == 1 else page) * int.from_bytes(header[28:32], "big")
    if size >= whole:
        return ""
    return (
        f"{path}: is cut off, {size} of {whole} bytes are there: `sqlite3 {path.name} .recover | "
        "sqlite3 saved.db3` saves what can be read, or copy it again"
    )
