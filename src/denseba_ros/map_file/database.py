"""Opens the SQLite file of a map."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from denseba_ros.errors import MapFileError
from denseba_ros.map_file import schema
from denseba_ros.map_file.file_errors import cut_off, log_of, told, why_unreadable

# A reader may wait for a moment while the writer folds its log into the file.
_WAIT_SECONDS = 5.0
_SETTINGS = (
    # Readers and the writer do not wait for each other; a killed writer's last commit is whole.
    "PRAGMA journal_mode = WAL",
    # A commit waits for no disk; a power cut takes what came after the last checkpoint.
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
    # The log is cut to this many bytes once it has been folded into the file.
    "PRAGMA journal_size_limit = 16777216",
    # Overwriting what is deleted with zeros would only cost time.
    "PRAGMA secure_delete = OFF",
)


def open_writable(path: Path) -> sqlite3.Connection:
    """The map at ``path`` for reading and writing; an empty one is made where there is no file.

    Raises:
        MapFileError: when the file is no map, cut off, damaged or newer, or cannot be written.
    """
    with _opened(path, "rwc") as connection:
        # The kind first: another program's file is not touched.
        is_new = schema.is_empty(connection)
        if not is_new:
            _check_kind(path, connection)
        for setting in _SETTINGS:
            connection.execute(setting)
        if is_new:
            schema.create_tables(connection)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        # That the file cannot be written is not to be found out at the first keyframe.
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    return connection


def open_readable(path: Path) -> sqlite3.Connection:
    """The map at ``path`` for reading, also while another process writes it.

    Raises:
        MapFileError: when there is none, or the file is no map, cut off, damaged or newer.
    """
    if not path.exists():
        raise MapFileError(f"{path}: no such file")
    with _opened(path, _reading_mode(path)) as connection:
        if schema.is_empty(connection):
            raise MapFileError(f"{path} holds no map: whoever began it had written nothing yet")
        _check_kind(path, connection)
    return connection


@contextlib.contextmanager
def _opened(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """A connection that is closed again when what is done first with it fails."""
    if path.is_dir():
        raise MapFileError(f"{path} is a folder, not a map file")
    with told(path):
        connection = _connect(path, mode)
    try:
        yield connection
    except sqlite3.Error as error:
        connection.close()
        raise MapFileError(why_unreadable(path, error)) from error
    except BaseException:
        connection.close()
        raise


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    # Calls come from several threads, one at a time (``MapReader`` has a lock).
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=_WAIT_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )


def _reading_mode(path: Path) -> str:
    """``ro``; in a folder that may not be written SQLite cannot share the file, and must be told
    that nobody else has it."""
    is_shared = log_of(path).exists() or os.access(path.parent, os.W_OK, effective_ids=True)
    return "ro" if is_shared else "ro&immutable=1"


def _check_kind(path: Path, connection: sqlite3.Connection) -> None:
    if schema.application_id(connection) != schema.APPLICATION_ID:
        raise MapFileError(f"{path} is no map of denseba, but a database of another program")
    _check_whole(path, connection)
    version = schema.version(connection)
    if version > schema.VERSION:
        raise MapFileError(
            f"{path} was written by a newer denseba (map version {version}; this one reads up to "
            f"{schema.VERSION}): update denseba. The file was not changed"
        )


def _check_whole(path: Path, connection: sqlite3.Connection) -> None:
    """Refuse a file that lacks a part of its last page; SQLite would find out late."""
    pages = int(connection.execute("PRAGMA page_count").fetchone()[0])
    page = int(connection.execute("PRAGMA page_size").fetchone()[0])
    log = log_of(path)
    # In this order: with an empty log all of the pages are in the file, even if a writer goes on.
    if not (log.exists() and log.stat().st_size) and path.stat().st_size < pages * page:
        raise MapFileError(cut_off(path, pages * page))
