"""Ground-truth trajectories from TUM and KITTI files or sequence folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from denseba_ros.errors import TrajectoryError
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.poses.pose_table import read_poses
from denseba_ros.sequences.rendered_names import is_rendered_name
from denseba_ros.sequences.stamps.stamp_units import stamps_in_ns
from denseba_ros.sequences.trajectory import Trajectory, read_kitti, text_lines

_KITTI_COLUMNS = (12, 16)


def read_groundtruth(path: Path, times: Path | None = None, fps: float | None = None) -> Trajectory:
    """T_world_camera of a TUM or csv file, a KITTI file with its times, or a sequence: a folder or
    the name of a rendered one.

    ``times`` are the stamps of a KITTI file's rows, by default times.txt beside it. ``fps`` is the
    frame rate of a folder of images without stamps.

    Raises:
        TrajectoryError: when the file is malformed or the folder has no ground truth.
        SequenceError: when the folder is no known sequence.
    """
    if path.is_dir() or is_rendered_name(path):
        trajectory = open_sequence(path, fps=fps).groundtruth()
        if trajectory is None:
            raise TrajectoryError(f"{path}: this sequence has no ground truth")
        return trajectory
    if _columns(path) in _KITTI_COLUMNS:
        return _kitti(path, times or path.with_name("times.txt"))
    return read_poses(path)


def read_times(path: Path) -> np.ndarray:
    """Stamps (N,) int64 nanoseconds of a file with one stamp per row, in seconds or as it seems.

    Raises:
        TrajectoryError: when the file is missing or a row is not a number.
    """
    try:
        return np.array(stamps_in_ns(path.read_text(), path), np.int64)
    except (OSError, ValueError) as error:
        raise TrajectoryError(f"{path}: {error}") from error


def _kitti(path: Path, times: Path) -> Trajectory:
    poses, stamps = read_kitti(path), read_times(times)
    if len(stamps) < len(poses):
        raise TrajectoryError(f"{times}: {len(stamps)} times for {len(poses)} poses of {path}")
    # more times than poses: a pose file of the first part of the sequence
    return Trajectory(stamps[: len(poses)], poses)


def _columns(path: Path) -> int:
    """Number of values of the first row that is no comment, 0 without one."""
    rows = (line.replace(",", " ").split() for line in text_lines(path))
    return next((len(row) for row in rows if row and not row[0].startswith("#")), 0)
