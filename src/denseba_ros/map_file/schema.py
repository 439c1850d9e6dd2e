"""Tables of a map file, and how one is told from other files.

Small columns and large ones stand in different tables: a pose is changed without writing its image
again, and a graph is read without its images.
"""

from __future__ import annotations

import sqlite3

APPLICATION_ID = int.from_bytes(b"DBmp", "big")
"""Stands in the file's header."""
VERSION = 1
"""Rises with each change of the tables or of what their bytes mean; the file's ``user_version``."""

_TABLES = (
    """CREATE TABLE session (
        number INTEGER PRIMARY KEY,
        begun_ns INTEGER NOT NULL,
        version TEXT NOT NULL,
        calibration TEXT NOT NULL,
        parameters TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE keyframe (
        id INTEGER PRIMARY KEY,
        session INTEGER NOT NULL REFERENCES session,
        stamp_ns INTEGER NOT NULL,
        pose BLOB NOT NULL,
        affine BLOB NOT NULL,
        height INTEGER NOT NULL,
        width INTEGER NOT NULL,
        map_height INTEGER NOT NULL,
        map_width INTEGER NOT NULL,
        points INTEGER NOT NULL,
        corners INTEGER NOT NULL,
        features INTEGER,
        feature_length INTEGER
    ) STRICT""",
    """CREATE TABLE keyframe_data (
        id INTEGER PRIMARY KEY REFERENCES keyframe ON DELETE CASCADE,
        checksum INTEGER NOT NULL,
        image BLOB NOT NULL,
        depth_map BLOB NOT NULL,
        points BLOB NOT NULL,
        feature_places BLOB,
        feature_descriptors BLOB
    ) STRICT""",
    """CREATE TABLE place (
        id INTEGER PRIMARY KEY REFERENCES keyframe ON DELETE CASCADE,
        length INTEGER NOT NULL,
        descriptor BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE edge (
        first INTEGER NOT NULL REFERENCES keyframe ON DELETE CASCADE,
        second INTEGER NOT NULL REFERENCES keyframe ON DELETE CASCADE,
        is_closure INTEGER NOT NULL,
        measured BLOB NOT NULL,
        covariance BLOB NOT NULL,
        PRIMARY KEY (first, second, is_closure)
    ) STRICT""",
    "CREATE INDEX edge_second ON edge (second)",
    """CREATE TABLE closure_event (
        number INTEGER PRIMARY KEY,
        session INTEGER NOT NULL REFERENCES session,
        stamp_ns INTEGER NOT NULL,
        first INTEGER NOT NULL,
        second INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        reason TEXT NOT NULL
    ) STRICT""",
)


def create_tables(connection: sqlite3.Connection) -> None:
    """Make an empty map of an empty database, whole or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in _TABLES:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether nothing was ever made in this database."""
    count = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    return int(count) == 0 and application_id(connection) == 0


def application_id(connection: sqlite3.Connection) -> int:
    """Which program's file this is."""
    return int(connection.execute("PRAGMA application_id").fetchone()[0])


def version(connection: sqlite3.Connection) -> int:
    """The version of the tables."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
