"""Errors of the two paths of a live run, and what is said where there are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from denseba_ros.benchmark.live.live_errors import live_errors
from denseba_ros.evaluation.results.poses_writer import PosesWriter
from denseba_ros.evaluation.results.recorded_pose import PoseState, RecordedPose
from denseba_ros.sequences.trajectory import Trajectory

STEP_NS = 100_000_000
COUNT = 20


def path() -> np.ndarray:
    """A bend, (COUNT, 4, 4)."""
    s = np.linspace(0.0, 2.0, COUNT)
    T = np.tile(np.eye(4), (COUNT, 1, 1))
    T[:, :3, 3] = np.stack([np.sin(s), 0.1 * s**2, s], axis=1)
    return T


def groundtruth() -> Trajectory:
    return Trajectory(np.arange(COUNT, dtype=np.int64) * STEP_NS, path())


def write(folder: Path, count: int = COUNT) -> None:
    """A path of half the size that errs in odom and not in map."""
    writer = PosesWriter(folder)
    for k, T in enumerate(path()[:count]):
        in_map = T.copy()
        in_map[:3, 3] *= 0.5
        in_odom = in_map.copy()
        in_odom[0, 3] += 0.1 * (k > 9)
        pose = RecordedPose(k * STEP_NS, PoseState.TRACKED, in_odom, np.eye(6), in_map, np.eye(6))
        writer.add_pose(pose)
    writer.close()


def test_odometry_and_map_are_judged_each(tmp_path: Path) -> None:
    write(tmp_path)
    errors = live_errors(tmp_path, groundtruth(), 1)
    assert errors["map"]["ate_m"]["rmse"] == pytest.approx(0.0, abs=1e-6)
    assert errors["map"]["scale"] == pytest.approx(2.0)
    assert errors["odometry"]["ate_m"]["rmse"] > 0.01
    assert errors["odometry"]["matched_poses"] == COUNT


def test_without_ground_truth_the_errors_are_not_known(tmp_path: Path) -> None:
    write(tmp_path)
    errors = live_errors(tmp_path, None, 1)
    assert errors["odometry"] is errors["map"] is None
    assert errors["notes"] == ["no ground truth: no errors of the path"]


def test_a_path_that_cannot_be_aligned_says_so(tmp_path: Path) -> None:
    write(tmp_path, count=2)
    errors = live_errors(tmp_path, groundtruth(), 1)
    assert errors["odometry"] is None
    assert "only 2 of 2 estimated poses" in errors["notes"][0]


def test_several_odometry_frames_are_named(tmp_path: Path) -> None:
    write(tmp_path)
    assert "began 3 odometry frames" in live_errors(tmp_path, groundtruth(), 3)["notes"][0]
