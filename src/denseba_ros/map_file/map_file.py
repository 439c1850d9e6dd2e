"""Writes a map file; whatever a call has written is there after the process was killed."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from denseba_ros import __version__
from denseba_ros.errors import MapFileError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.map_file.closure_event import ClosureEvent
from denseba_ros.map_file.database import open_writable
from denseba_ros.map_file.file_errors import told
from denseba_ros.map_file.keyframe_rows import Row, to_rows
from denseba_ros.map_file.map_keyframe import MapKeyframe
from denseba_ros.map_file.map_reader import MapReader
from denseba_ros.map_file.session import calibration_to_text, check_same_camera
from denseba_ros.map_file.similarity import are_similarities, matrix_to_bytes
from denseba_ros.map_file.writer_lock import WriterLock
from denseba_ros.pose_graph.graph import Edge

_log = logging.getLogger(__name__)

# What a power cut may take, seconds: a checkpoint waits for the disk. A killed process loses less.
_CHECKPOINT_SECONDS = 2.0


class MapFile(MapReader):
    """The one writer of a map file, which is made where there is none.

    Each call is written whole or not at all, and so is what stands in one ``transaction``. When a
    call raises MapFileError the map is as before it, and the next call may be made.
    """

    def __init__(self, path: Path) -> None:
        """Open the map at ``path`` for writing.

        Raises:
            MapFileError: when another process writes it, when the file is no map, cut off, damaged
                or of a newer version, or when it cannot be written.
        """
        self.path = path.resolve()
        self._writer_lock = WriterLock(self.path)
        try:
            self._set_connection(open_writable(self.path))
        except BaseException:
            self._writer_lock.release()
            raise
        self._is_open = True
        self._checkpointed = time.monotonic()

    def close(self) -> None:
        """Fold the log into the file and let go of it; may be called again."""
        with self._lock:
            if not self._is_open:
                return
            self._is_open = False
            try:
                self.checkpoint()
            except MapFileError as error:
                _log.warning("%s; until then keep %s-wal beside it", error, self.path.name)
            finally:
                self._connection.close()
                self._writer_lock.release()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Calls within it are written together or, when one of them raises, not at all.

        Other threads wait meanwhile. One may stand within another.

        Raises:
            MapFileError: when they cannot be written.
        """
        with self._lock, told(self.path):
            is_within = self._connection.in_transaction
            self._connection.execute("SAVEPOINT part" if is_within else "BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("RELEASE part" if is_within else "COMMIT")
            except BaseException:
                # SQLite itself may have rolled back already, on a full disk for example.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK TO part" if is_within else "ROLLBACK")
                raise
        if not is_within:
            self._checkpoint_if_due()

    def begin_session(self, calibration: Calibration, parameters: str) -> int:
        """Note a new run; its number, from 0.

        Args:
            calibration: the undistorted pinhole camera of the images (``Rectifier.calibration``).
            parameters: the configuration, as text.

        Raises:
            MapFileError: when the map is of another camera, or cannot be written.
        """
        with self.transaction():
            sessions = self.sessions()
            if sessions:
                check_same_camera(sessions[0].calibration, calibration)
            number = 1 + max((session.number for session in sessions), default=-1)
            text = calibration_to_text(calibration)
            self._execute(
                "INSERT INTO session VALUES (?, ?, ?, ?, ?)",
                (number, time.time_ns(), __version__, text, parameters),
            )
        return number

    def next_keyframe_id(self) -> int:
        """A number above those of all keyframes.

        Raises:
            MapFileError: when the file is damaged.
        """
        return int(self._rows("SELECT ifnull(max(id) + 1, 0) AS next FROM keyframe")[0]["next"])

    def add_keyframe(self, keyframe: MapKeyframe, S_map_camera: NDArray[np.float64]) -> None:
        """Save a keyframe and its pose (4, 4), some 25 ms for 640x480.

        Raises:
            MapFileError: when its number is taken, its session was not begun, its descriptor is of
                another length than the map's, or the disk is full.
            ValueError: when arrays do not fit each other or the pose is no similarity.
        """
        (pose,) = _poses_to_bytes({keyframe.id: S_map_camera})
        small, data, place = to_rows(keyframe)
        with self.transaction():
            self._check_new(keyframe, place)
            self._insert("keyframe", {**small, "pose": pose})
            self._insert("keyframe_data", data)
            if place is not None:
                self._insert("place", place)

    def remove_keyframe(self, id: int) -> None:
        """Forget a keyframe and its edges; its room in the file is used again.

        Raises:
            MapFileError: when there is none of this number, or it cannot be written.
        """
        with self.transaction():
            if self._execute("DELETE FROM keyframe WHERE id = ?", (id,)) == 0:
                raise MapFileError(f"{self.path} has no keyframe {id}")

    def update_poses(self, poses: Mapping[int, NDArray[np.float64]]) -> None:
        """Set S_map_camera (4, 4) of keyframes, all or none.

        Raises:
            MapFileError: when one of them is not in the map, or they cannot be written.
            ValueError: when one is no similarity.
        """
        rows = list(zip(_poses_to_bytes(poses), poses, strict=True))
        with self.transaction():
            for row in rows:
                if self._execute("UPDATE keyframe SET pose = ? WHERE id = ?", row) == 0:
                    raise MapFileError(f"{self.path} has no keyframe {row[1]}")

    def add_edge(self, edge: Edge) -> None:
        """Save an edge; it takes the place of one of its kind between the same two, in this order.

        Raises:
            MapFileError: when a keyframe of it is not in the map, or it cannot be written.
            ValueError: when its pose or covariance is not finite or of a wrong shape.
        """
        (measured,) = _poses_to_bytes({edge.first: edge.S_first_second})
        if edge.covariance.shape != (7, 7) or not np.all(np.isfinite(edge.covariance)):
            raise ValueError(f"the covariance of edge {edge.first}, {edge.second} is not (7, 7)")
        covariance = matrix_to_bytes(edge.covariance)
        row = (edge.first, edge.second, int(edge.is_closure), measured, covariance)
        with self.transaction():
            for id in (edge.first, edge.second):
                if not self._rows("SELECT id FROM keyframe WHERE id = ?", id):
                    raise MapFileError(f"{self.path} has no keyframe {id}, so no edge to it")
            self._execute("INSERT OR REPLACE INTO edge VALUES (?, ?, ?, ?, ?)", row)

    def remove_edge(self, first: int, second: int, is_closure: bool) -> None:
        """Forget an edge, such as a closure that is taken back.

        Raises:
            MapFileError: when there is none, or it cannot be written.
        """
        row = (first, second, int(is_closure))
        with self.transaction():
            query = "DELETE FROM edge WHERE first = ? AND second = ? AND is_closure = ?"
            if self._execute(query, row) == 0:
                raise MapFileError(f"{self.path} has no edge from keyframe {first} to {second}")

    def add_closure_event(self, event: ClosureEvent) -> None:
        """Note what became of a place that was tried.

        Raises:
            MapFileError: when it cannot be written.
        """
        with self.transaction():
            self._insert("closure_event", vars(event))

    def checkpoint(self) -> None:
        """Fold the log into the file, and wait for the disk: then the file alone is all of the map,
        and a power cut takes nothing of it. Calls do this by themselves every two seconds.

        Raises:
            MapFileError: when the disk is full or broken.
        """
        with self._lock, told(self.path):
            self._checkpointed = time.monotonic()
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _checkpoint_if_due(self) -> None:
        with self._lock:
            if time.monotonic() - self._checkpointed < _CHECKPOINT_SECONDS:
                return
            self._checkpointed = time.monotonic()
            # What is written is written; a full disk is said by the next call that needs room.
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _check_new(self, keyframe: MapKeyframe, place: Row | None) -> None:
        if self._rows("SELECT id FROM keyframe WHERE id = ?", keyframe.id):
            raise MapFileError(f"{self.path} has a keyframe {keyframe.id} already")
        if not self._rows("SELECT number FROM session WHERE number = ?", keyframe.session):
            raise MapFileError(f"{self.path}: session {keyframe.session} was not begun")
        others = self._rows("SELECT length FROM place LIMIT 1")
        if place is not None and others and others[0]["length"] != place["length"]:
            raise MapFileError(
                f"{self.path} has descriptors of {others[0]['length']} numbers, this one has "
                f"{place['length']}: the map was made with other weights for places"
            )

    def _insert(self, table: str, row: Mapping[str, Any]) -> None:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        self._execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))

    def _execute(self, query: str, values: tuple[Any, ...]) -> int:
        return self._connection.execute(query, values).rowcount


def _poses_to_bytes(poses: Mapping[int, NDArray[np.float64]]) -> list[bytes]:
    """Raises ValueError when one is no similarity."""
    S = np.array(list(poses.values()), np.float64).reshape(len(poses), 4, 4)
    for id, is_right in zip(poses, are_similarities(S), strict=True):
        if not is_right:
            raise ValueError(f"the pose of keyframe {id} is no similarity: {poses[id].tolist()}")
    return [matrix_to_bytes(one) for one in S]
