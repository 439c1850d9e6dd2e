"""Reads a map file; keyframes come one at a time, when they are asked for."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from denseba_ros.errors import MapFileError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.map_file.closure_event import ClosureEvent
from denseba_ros.map_file.codes.descriptors import whole_from_bytes
from denseba_ros.map_file.codes.images import image_suffix
from denseba_ros.map_file.codes.packing import CodeError
from denseba_ros.map_file.database import open_readable
from denseba_ros.map_file.file_errors import log_of, told
from denseba_ros.map_file.keyframe_rows import features_from_row, from_row
from denseba_ros.map_file.map_keyframe import LocalFeatures, MapKeyframe
from denseba_ros.map_file.session import Session, calibration_from_text
from denseba_ros.map_file.similarity import matrix_from_bytes, similarities_from_bytes
from denseba_ros.pose_graph.graph import Edge, PoseGraph

if TYPE_CHECKING:
    from typing_extensions import Self

_KEYFRAME = """
    SELECT keyframe.id, session, stamp_ns, affine, height, width, map_height, map_width,
        keyframe.points AS points_count, corners, features, feature_length, checksum, image,
        depth_map, keyframe_data.points AS points, feature_places, feature_descriptors, length,
        descriptor
    FROM keyframe JOIN keyframe_data USING (id) LEFT JOIN place USING (id) WHERE id = ?
"""
_FEATURES = """
    SELECT height, width, features, feature_length, feature_places, feature_descriptors
    FROM keyframe JOIN keyframe_data USING (id) WHERE id = ?
"""
_SIZES = {
    "images": "SELECT ifnull(sum(length(image)), 0) FROM keyframe_data",
    "depth maps": "SELECT ifnull(sum(length(depth_map)), 0) FROM keyframe_data",
    "points": "SELECT ifnull(sum(length(points)), 0) FROM keyframe_data",
    "features": "SELECT ifnull(sum(length(feature_places) + length(feature_descriptors)), 0) "
    "FROM keyframe_data",
    "descriptors": "SELECT ifnull(sum(length(descriptor)), 0) FROM place",
    "poses": "SELECT ifnull(sum(length(pose)), 0) FROM keyframe",
    "edges": "SELECT ifnull(sum(length(measured) + length(covariance)), 0) FROM edge",
}


@dataclass(frozen=True)
class KeyframeEntry:
    """What is known of a keyframe without its arrays; ``S_map_camera`` (4, 4) float64."""

    id: int
    session: int
    stamp_ns: int
    S_map_camera: NDArray[np.float64]


class MapReader:
    """A map file that is only read, also while another process writes it.

    Calls may come from several threads. Each read sees the map as it was at one moment.
    """

    def __init__(self, path: Path) -> None:
        """Open the map at ``path``.

        Raises:
            MapFileError: when it is missing, no map, cut off, damaged or of a newer version.
        """
        self.path = path
        self._set_connection(open_readable(path))

    def _set_connection(self, connection: sqlite3.Connection) -> None:
        connection.row_factory = sqlite3.Row
        self._connection = connection
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; may be called again."""
        with self._lock:
            self._connection.close()

    def sessions(self) -> list[Session]:
        """All runs, the first first.

        Raises:
            MapFileError: when the file is damaged.
        """
        rows = self._rows("SELECT * FROM session ORDER BY number")
        return [
            Session(
                row["number"],
                row["begun_ns"],
                row["version"],
                calibration_from_text(row["calibration"]),
                row["parameters"],
            )
            for row in rows
        ]

    def calibration(self) -> Calibration | None:
        """The camera of all images of the map, None while it has no session.

        Raises:
            MapFileError: when the file is damaged.
        """
        sessions = self.sessions()
        return sessions[0].calibration if sessions else None

    def keyframe_ids(self) -> list[int]:
        """Numbers of all keyframes, rising.

        Raises:
            MapFileError: when the file is damaged.
        """
        return [row["id"] for row in self._rows("SELECT id FROM keyframe ORDER BY id")]

    def entries(self) -> list[KeyframeEntry]:
        """All keyframes without their arrays, by rising number; none of the images is read.

        Raises:
            MapFileError: when a pose is damaged; it names the keyframe.
        """
        rows = self._rows("SELECT id, session, stamp_ns, pose FROM keyframe ORDER BY id")
        names = [f"the pose of keyframe {row['id']}" for row in rows]
        with self._damage_told():
            poses = similarities_from_bytes([row["pose"] for row in rows], names)
        return [
            KeyframeEntry(row["id"], row["session"], row["stamp_ns"], S)
            for row, S in zip(rows, poses, strict=True)
        ]

    def load_keyframe(self, id: int) -> MapKeyframe:
        """A keyframe with all its arrays, some 3 ms for 640x480.

        Raises:
            MapFileError: when it is missing or damaged; it names the keyframe.
        """
        return from_row(self._one(_KEYFRAME, id))

    def load_features(self, id: int) -> LocalFeatures | None:
        """The features of a keyframe, without decoding its image; None where it has none.

        Raises:
            MapFileError: when it is missing or damaged; it names the keyframe.
        """
        row = self._one(_FEATURES, id)
        try:
            return features_from_row(row)
        except (CodeError, TypeError, ValueError) as error:
            raise MapFileError(f"keyframe {id} is damaged: {error}") from error

    def image_file(self, id: int) -> tuple[str, bytes]:
        """The image of a keyframe as it is stored: the ending of a file of it, and its bytes.

        Raises:
            MapFileError: when there is no such keyframe.
        """
        data = bytes(self._one("SELECT image FROM keyframe_data WHERE id = ?", id)["image"])
        return image_suffix(data), data

    def descriptors(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Numbers (K,) and descriptors (K, D) of all keyframes that have one, by rising number.

        Raises:
            MapFileError: when one is damaged; it names the keyframe.
        """
        rows = self._rows("SELECT id, length, descriptor FROM place ORDER BY id")
        ids = [int(row["id"]) for row in rows]
        with self._damage_told():
            found = whole_from_bytes(
                [row["descriptor"] for row in rows], ids, rows[0]["length"] if rows else 0
            )
        return np.array(ids, np.int64), found

    def load_graph(self) -> PoseGraph:
        """Poses of all keyframes and the edges between them.

        Raises:
            MapFileError: when a row is damaged; it names the keyframes.
        """
        with self._at_one_moment():
            poses = {entry.id: entry.S_map_camera for entry in self.entries()}
            rows = self._rows("SELECT * FROM edge ORDER BY first, second, is_closure")
        with self._damage_told():
            return PoseGraph(poses, _edges(rows, poses))

    def closure_events(self) -> list[ClosureEvent]:
        """What became of each place that was tried, the oldest first.

        Raises:
            MapFileError: when the file is damaged.
        """
        rows = self._rows(
            "SELECT session, stamp_ns, first, second, outcome, reason FROM closure_event "
            "ORDER BY number"
        )
        return [ClosureEvent(*row) for row in rows]

    def integrity_problems(self) -> list[str]:
        """What SQLite finds wrong in the file's pages and in references between rows, a line each.

        Reads the whole file.
        """
        try:
            found = [row[0] for row in self._rows("PRAGMA integrity_check")]
            found += [
                f"a row of {row[0]} belongs to no {row[2]}"
                for row in self._rows("PRAGMA foreign_key_check")
            ]
        except MapFileError as error:
            return [str(error)]
        return [line for line in found if line != "ok"]

    def file_bytes(self) -> int:
        """Size of the file and of the log beside it."""
        log = log_of(self.path)
        return self.path.stat().st_size + (log.stat().st_size if log.exists() else 0)

    def part_bytes(self) -> dict[str, int]:
        """Stored bytes by what they are for, without reading them.

        Raises:
            MapFileError: when the file is damaged.
        """
        return {name: int(self._rows(query)[0][0]) for name, query in _SIZES.items()}

    def _rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock, told(self.path):
            return self._connection.execute(query, values).fetchall()

    def _one(self, query: str, id: int) -> sqlite3.Row:
        rows = self._rows(query, id)
        if not rows:
            raise MapFileError(f"{self.path} has no keyframe {id}")
        return rows[0]

    @contextlib.contextmanager
    def _damage_told(self) -> Iterator[None]:
        try:
            yield
        except CodeError as error:
            raise MapFileError(f"{self.path} is damaged: {error}") from error

    @contextlib.contextmanager
    def _at_one_moment(self) -> Iterator[None]:
        """Reads within it see no change between them."""
        with self._lock, told(self.path):
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("ROLLBACK")


def _edges(rows: list[sqlite3.Row], poses: dict[int, NDArray[np.float64]]) -> list[Edge]:
    names = [f"the edge of keyframes {row['first']} and {row['second']}" for row in rows]
    measured = similarities_from_bytes([row["measured"] for row in rows], names)
    edges = []
    for row, name, S in zip(rows, names, measured, strict=True):
        if row["first"] not in poses or row["second"] not in poses:
            raise CodeError(f"{name} has no keyframe")
        try:
            covariance = matrix_from_bytes(row["covariance"], (7, 7))
        except CodeError as error:
            raise CodeError(f"{name}: {error}") from error
        edges.append(Edge(row["first"], row["second"], S, covariance, bool(row["is_closure"])))
    return edges
