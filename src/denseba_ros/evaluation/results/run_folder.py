"""The files of one run, and their reader.

Poses are TUM rows of the camera, as estimated at that time, in the first camera's frame, or in the
map's that the run went on with.

``trajectory.txt``   of ``denseba run``: the pose in map, one row per tracked frame
``covariance.npz``   ``stamps_ns`` (N,), ``covariance`` (N, 6, 6) of the rows of trajectory.txt, in
                     metres, and ``scale_deviation`` (N,), relative, of the metric scale in it
``final.txt``        with a map: the tracked rows of trajectory.txt or map.txt as the map has them
                     at the end
``tracked.txt``, ``tracked_covariance.npz``  with a map: the tracked rows in the window's world, as
                     tracking told them, which no closure moved
``unjoined.txt``, ``unjoined_covariance.npz``  of a run that goes on with a map: rows before a place
                     of it was recognised, in a frame of the run's own
``refined_camera.yaml``  of ``denseba run`` with a map that was adjusted: the calibration with what
                     it left over, as camera_info
``odometry.txt``     of ``denseba record``: what `odometry` said, one row per message
``map.txt``          the same rows with map -> odom multiplied in
``states.txt``       stamp and state of these rows: tracked, predicted or lost
``odometry_covariance.npz``, ``map_covariance.npz``  as covariance.npz, of these rows
``depth/NS.png``     uint16 millimetres of each keyframe, 0 = unknown or beyond 65.535 m
``depth/camera.json`` the undistorted pinhole camera of these depth images
``first_depth/NS.png`` the same for the initial depth, before bundle adjustment
``image/NS.png``      grey image of each keyframe on the grid of its depth
``parts/NS.npz``      of ``denseba run``: what that depth is made of, the arrays of ``DepthParts``
``keyframes.txt``    TUM rows of the keyframes' final poses
``points.ply``       a sparse point cloud of the keyframes' certain depth
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
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
from denseba_ros.slam.state.estimate import DepthParts

TRAJECTORY = "trajectory.txt"
COVARIANCE = "covariance.npz"
FINAL = "final.txt"
TRACKED = "tracked.txt"
TRACKED_COVARIANCE = "tracked_covariance.npz"
UNJOINED = "unjoined.txt"
UNJOINED_COVARIANCE = "unjoined_covariance.npz"
REFINED_CAMERA = "refined_camera.yaml"
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
PARTS = "parts"
CAMERA = "camera.json"
SUMMARY = "summary.json"
EVALUATION = "evaluation.json"
MILLIMETRES = 1000.0


@dataclass(frozen=True)
class RunPath:
    """One path of a run. ``pose`` says of what: "odometry" (in odom), "map" (in map, as told at the
    time) or "final" (in map, as corrected at the end).

    ``covariances`` (N, 6, 6) are of the N poses, None where unknown; what the metric scale adds to
    them is the square of ``scale_errors`` (N, 3), and that scale's relative deviation
    ``scale_deviations`` (N,); both None where unknown. ``states`` (N) say where each pose comes
    from; None: all are tracked. ``tracked`` are the same poses as tracking told them, where a map
    moved them since: their motions are what the covariances are of.
    """

    pose: str
    trajectory: Trajectory
    covariances: np.ndarray | None
    states: list[PoseState] | None = None
    scale_errors: np.ndarray | None = None
    scale_deviations: np.ndarray | None = None
    tracked: RunPath | None = None


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
        """The paths that can be judged, odometry first; of ``denseba run`` the one in map, and
        the final one where there was a map.

        Raises:
            TrajectoryError: when a file is missing or malformed.
        """
        if not (self.path / ODOMETRY).is_file():
            estimate = read_poses(self.path / TRAJECTORY)
            live = self._path("map", estimate, COVARIANCE, estimate.T_world_camera)
            return [replace(live, tracked=self._tracked()), *self._final()]
        states = read_states(self.path / STATES)
        paths = []
        in_map = read_poses(self.path / MAP).T_world_camera
        for pose, rows, covariances in (
            ("odometry", ODOMETRY, ODOMETRY_COVARIANCE),
            ("map", MAP, MAP_COVARIANCE),
        ):
            path = read_poses(self.path / rows)
            known = [states.get(int(stamp), PoseState.TRACKED) for stamp in path.stamps_ns]
            paths.append(replace(self._path(pose, path, covariances, in_map), states=known))
        return [*paths, *self._final()]

    def _final(self) -> list[RunPath]:
        """The path as the map had it at the end, where there was one."""
        path = self.path / FINAL
        return [RunPath("final", read_poses(path), None)] if path.is_file() else []

    def _tracked(self) -> RunPath | None:
        """The path that no map moved, where there was a map."""
        path = self.path / TRACKED
        if not path.is_file():
            return None
        tracked = read_poses(path)
        return self._path("tracked", tracked, TRACKED_COVARIANCE, tracked.T_world_camera)

    def _path(
        self, pose: str, trajectory: Trajectory, covariances: str, in_map: np.ndarray
    ) -> RunPath:
        """A path with what the file ``covariances`` says of its rows; nothing if that is missing
        or has other stamps. ``in_map`` (N, 4, 4) are the same poses in map, where the metric scale
        grows from the origin."""
        path, nothing = self.path / covariances, RunPath(pose, trajectory, None)
        if not path.is_file():
            return nothing
        with np.load(path) as stored:
            if not np.array_equal(stored["stamps_ns"], trajectory.stamps_ns):
                return nothing
            covariance = np.asarray(stored["covariance"])
            if "scale_deviation" not in stored or len(in_map) != len(covariance):
                return RunPath(pose, trajectory, covariance)
            deviation = np.asarray(stored["scale_deviation"])
        R_path_map = trajectory.T_world_camera[:, :3, :3] @ in_map[:, :3, :3].transpose(0, 2, 1)
        errors = deviation[:, None] * np.einsum("nij,nj->ni", R_path_map, in_map[:, :3, 3])
        return RunPath(
            pose, trajectory, covariance, scale_errors=errors, scale_deviations=deviation
        )

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

    def parts(self, stamp_ns: int) -> DepthParts | None:
        """What the depth of a keyframe is made of; None if it was not stored."""
        path = self.path / PARTS / f"{stamp_ns}.npz"
        if not path.is_file():
            return None
        with np.load(path) as stored:
            names = (field.name for field in fields(DepthParts))
            return DepthParts(*(stored[name].astype(np.float32) for name in names))

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
