"""What SQLite says of a map file, in words that tell what to do."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from denseba_ros.errors import MapFileError

_MAGIC = b"SQLite format 3\x00"
_HEADER_BYTES = 100


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what SQLite raises about the file at ``path`` into words.

    Raises:
        MapFileError: in place of any sqlite3.Error that comes from the file or the disk.
    """
    try:
        yield
    except sqlite3.ProgrammingError:  # a bug of ours
        raise
    except sqlite3.Error as error:
        raise MapFileError(_in_words(path, error)) from error


def why_unreadable(path: Path, error: sqlite3.Error) -> str:
    """Why the file cannot be opened, with a look into it; nothing of it may be open.

    (To close a file of one's own would free the locks that SQLite has on it in this process.)
    """
    if _name(error).startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
        size = path.stat().st_size
        if not _MAGIC.startswith(header[: len(_MAGIC)]):
            return f"{path} is no map of denseba (not an SQLite file)"
        if len(header) < _HEADER_BYTES or size < _stated_size(header):
            return cut_off(path, _stated_size(header))
    return _in_words(path, error)


def cut_off(path: Path, expected: int) -> str:
    """That only a part of the ``expected`` bytes is there."""
    return f"{path} is cut off: {path.stat().st_size} of {expected or '?'} bytes; copy it again"


def log_of(path: Path) -> Path:
    """The file beside the map where SQLite keeps what was written last."""
    return path.with_name(f"{path.name}-wal")


def _stated_size(header: bytes) -> int:
    """Bytes that the file should have, https://sqlite.org/fileformat2.html section 1.3; 0 where
    the header does not know."""
    page = int.from_bytes(header[16:18], "big")
    page = 65536 if page == 1 else page
    is_known = len(header) == _HEADER_BYTES and header[24:28] == header[92:96]
    return page * int.from_bytes(header[28:32], "big") if is_known else 0


def _in_words(path: Path, error: sqlite3.Error) -> str:
    name = _name(error)
    if name in ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"):
        return (
            f"{path}: the disk is full; nothing more is saved, and all that was saved stays. Make "
            "room, then save again"
        )
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return f"{path} is damaged ({error}): take another copy; `denseba map check` says more"
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH")):
        return f"{path} cannot be written: the file or its folder is read-only"
    if name.startswith("SQLITE_CANTOPEN"):
        return (
            f"{path} cannot be opened: its folder is missing or may not be written{_remedy(path)}"
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return f"{path} is held by another program; close it and try again"
    return f"{path}: {error} ({name or type(error).__name__})"


def _remedy(path: Path) -> str:
    """What to do about a log that cannot be read where it lies."""
    log = log_of(path)
    return f"; copy it and {log.name} to a folder of your own" if log.exists() else ""


def _name(error: sqlite3.Error) -> str:
    return str(getattr(error, "sqlite_errorname", ""))
