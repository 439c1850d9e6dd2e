"""Writes the poses that a node published."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from denseba_ros.evaluation.results.path_writer import PathWriter
from denseba_ros.evaluation.results.recorded_pose import PoseState, RecordedPose
from denseba_ros.evaluation.results.run_folder import (
    MAP,
    MAP_COVARIANCE,
    ODOMETRY,
    ODOMETRY_COVARIANCE,
    STATES,
)
from denseba_ros.sequences.trajectory import format_seconds


class PosesWriter:
    """Every published pose in odometry.txt and in map.txt, its state in states.txt.

    ``states`` counts the poses that were written; ``left_out`` those with a stamp that is not later
    than the one before, as after a reset of time: a TUM file cannot hold them. ``not_in_map`` are
    those that map.txt lacks, as their place in the map was not known.
    """

    def __init__(self, folder: Path) -> None:
        self.states: Counter[PoseState] = Counter()
        self.left_out = self.not_in_map = 0
        self._odometry = PathWriter(folder / ODOMETRY, folder / ODOMETRY_COVARIANCE)
        self._map = PathWriter(folder / MAP, folder / MAP_COVARIANCE)
        self._states = (folder / STATES).open("w", buffering=1)
        self._last_ns: int | None = None

    def add_pose(self, pose: RecordedPose) -> None:
        """Append what one message said."""
        if self._last_ns is not None and pose.stamp_ns <= self._last_ns:
            self.left_out += 1
            return
        self._last_ns = pose.stamp_ns
        self.states[pose.state] += 1
        stamp_ns, deviation = pose.stamp_ns, pose.scale_deviation
        self._odometry.add(stamp_ns, pose.T_odom_camera, pose.odom_covariance, deviation)
        if pose.T_map_camera is None:
            self.not_in_map += 1
        else:
            self._map.add(stamp_ns, pose.T_map_camera, pose.map_covariance, deviation)
        self._states.write(f"{format_seconds(pose.stamp_ns)} {pose.state.value}\n")

    def close(self) -> None:
        """Write the files that are complete only at the end; may be called again."""
        for file in (self._odometry, self._map, self._states):
            file.close()
