"""The files of one run, and their reader.

Poses are TUM rows of the camera in the first camera's frame, as estimated at that time.

``trajectory.txt``   of ``denseba run``: the pose in map, one row per tracked frame
``covariance.npz``   ``stamps_ns`` (N,), ``covariance`` (N, 6, 6) of the rows of trajectory.txt
``odometry.txt``     of ``denseba record``: what `odometry` said, one row per message
``map.txt``          the same rows with map -> odom multiplied in
``states.txt``       stamp and state of these rows: tracked, predicted or lost
``odometry_covariance.npz``, ``map_covariance.npz``  as covariance.npz, of these rows
``depth/NS.png``     uint16 millimetres of each keyframe, 0 = unknown or beyond 65.535 m
``depth/camera.json`` the undistorted pinhole camera of these depth images
``first_depth/NS.png`` the same for the initial depth, before bundle adjustment
``image/NS.png``      grey image of each keyframe on the grid of its depth
``keyframes.txt``    TUM rows of the keyframes' final poses
``points.ply``       a sparse point cloud of the keyframes' certain depth
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from denseba_ros.errors import CalibrationError, SequenceError, TrajectoryError
from denseba_ros.evaluation.depth.depth_truth import camera_from_dict, read_depth
from denseba_ros.evaluation.results.recorded_pose import PoseState
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.poses.pose_table import read_poses
from denseba_ros.sequences.trajectory import Trajectory, parse_seconds

TRAJECTORY = "trajectory.txt"
COVARIANCE = "covariance.npz"
ODOMETRY = "odometry.txt"
ODOMETRY_COVARIANCE = "odometry_covariance.npz"
MAP = "map.txt"
MAP_COVARIANCE = "map_covariance.npz"
STATES = "states.txt"
KEYFRAMES = "keyframes.txt"
POINTS = "points.ply"
DEPTH = "depth"
FIRST_DEPTH = "first_depth"
IMAGE = "image"
CAMERA = "camera.json"
SUMMARY = "summary.json"
EVALUATION = "evaluation.json"
MILLIMETRES = 1000.0


@dataclass(frozen=True)
class RunPath:
    """One path of a run. ``pose`` says of what: "odometry" (in odom) or "map" (in map).

    ``covariances`` (N, 6, 6) are of the N poses, None where unknown. ``states`` (N) say where each
    pose comes from; None: all are tracked.
    """

    pose: str
    trajectory: Trajectory
    covariances: np.ndarray | None
    states: list[PoseState] | None = None


@dataclass(frozen=True)
class RunFolder:
    """A folder that ``RunWriter`` or ``RecordingWriter`` wrote, or one with at least a
    trajectory.txt."""

    path: Path

    def summary(self) -> dict[str, Any]:
        """Content of summary.json, empty without one.

        Raises:
            SequenceError: when it is damaged.
        """
        path = self.path / SUMMARY
        if not path.is_file():
            return {}
        try:
            values: dict[str, Any] = json.loads(path.read_text())
        except ValueError as error:
            raise SequenceError(f"{path}: {error}") from error
        return values

    def paths(self) -> list[RunPath]:
        """The paths that can be judged, odometry first; of ``denseba run`` the one in map.

        Raises:
            TrajectoryError: when a file is missing or malformed.
        """
        if not (self.path / ODOMETRY).is_file():
            estimate = read_poses(self.path / TRAJECTORY)
            return [RunPath("map", estimate, self._covariances(COVARIANCE, estimate))]
        states = read_states(self.path / STATES)
        paths = []
        for pose, rows, covariances in (
            ("odometry", ODOMETRY, ODOMETRY_COVARIANCE),
            ("map", MAP, MAP_COVARIANCE),
        ):
            path = read_poses(self.path / rows)
            known = [states.get(int(stamp), PoseState.TRACKED) for stamp in path.stamps_ns]
            paths.append(RunPath(pose, path, self._covariances(covariances, path), known))
        return paths

    def _covariances(self, name: str, trajectory: Trajectory) -> np.ndarray | None:
        """Covariances (N, 6, 6) of the trajectory's N rows; None if the file is missing or has
        other stamps."""
        path = self.path / name
        if not path.is_file():
            return None
        with np.load(path) as stored:
            if not np.array_equal(stored["stamps_ns"], trajectory.stamps_ns):
                return None
            return np.asarray(stored["covariance"])

    def keyframe_stamps(self) -> np.ndarray:
        """Stamps of the keyframes that have depth, increasing, (N,) int64 nanoseconds."""
        stems = [p.stem for p in (self.path / DEPTH).glob("*.png")]
        return np.array(sorted(int(s) for s in stems if s.removeprefix("-").isdigit()), np.int64)

    def depth(self, stamp_ns: int) -> np.ndarray:
        """Depth of a keyframe, (h, w) float64 metres, NaN = unknown.

        Raises:
            SequenceError: when it is missing or damaged.
        """
        return read_depth(self.path / DEPTH / f"{stamp_ns}.png", MILLIMETRES)

    def first_depth(self, stamp_ns: int) -> np.ndarray | None:
        """Initial depth of a keyframe, as ``depth``; None if it was not stored."""
        path = self.path / FIRST_DEPTH / f"{stamp_ns}.png"
        return read_depth(path, MILLIMETRES) if path.is_file() else None

    def image(self, stamp_ns: int) -> np.ndarray | None:
        """Grey image of a keyframe, (h, w) uint8; None if it was not stored."""
        path = self.path / IMAGE / f"{stamp_ns}.png"
        return cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) if path.is_file() else None

    def depth_camera(self) -> Calibration:
        """The undistorted camera of the depth.

        Raises:
            CalibrationError: when camera.json is missing or wrong.
        """
        path = self.path / DEPTH / CAMERA
        if not path.is_file():
            raise CalibrationError(f"{path}: missing; the run has no keyframes with depth")
        return camera_from_dict(json.loads(path.read_text()), str(path))

    def image_camera(self) -> Calibration:
        """The camera of the run's images; that of the depth without a summary.

        Raises:
            CalibrationError: when the camera is missing or wrong.
        """
        calibration = self.summary().get("calibration")
        if calibration is None:
            return self.depth_camera()
        return camera_from_dict(calibration, str(self.path / SUMMARY))


def read_states(path: Path) -> dict[int, PoseState]:
    """State by stamp (ns) of states.txt; empty without the file.

    Raises:
        TrajectoryError: when a row is not a stamp and a state.
    """
    if not path.is_file():
        return {}
    states: dict[int, PoseState] = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        try:
            stamp, state = line.split()
            states[parse_seconds(stamp)] = PoseState(state)
        except ValueError as error:
            raise TrajectoryError(f"{path}:{number}: {error}") from error
    return states
