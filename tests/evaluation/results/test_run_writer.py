"""Poses before and after the map was recognised, and keyframes that moved since."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from denseba_ros.evaluation.results.run_folder import RunFolder
from denseba_ros.evaluation.results.run_writer import RunWriter
from denseba_ros.geometry import sim3
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.poses.pose_table import read_poses
from denseba_ros.slam.state.estimate import DepthMap, DepthParts, Estimate, Keyframe, Tracking

CAMERA = Calibration(4, 3, 4.0, 4.0, 2.0, 1.5)


def _estimate(stamp_ns: int) -> Estimate:
    T = np.eye(4)
    T[0, 3] = stamp_ns
    return Estimate(
        stamp_ns, Tracking.TRACKING, T, np.eye(6), np.zeros(6), np.eye(6), None, False, "", {}
    )


def _keyframe(stamp_ns: int) -> Keyframe:
    depth = np.full((3, 4), 2.0, np.float32)
    parts = DepthParts(1.0 / depth, 0.01 * depth, 0.4 * depth, 0.2 * depth, depth)
    map = DepthMap(depth, 0.01 * depth, CAMERA)
    return Keyframe(1, stamp_ns, np.eye(4), map, np.zeros((3, 4), np.uint8), depth, parts)


def _stamps(path: Path) -> list[int]:
    return list(read_poses(path).stamps_ns)


def test_poses_in_another_frame_have_a_file_of_their_own(tmp_path: Path) -> None:
    with RunWriter(tmp_path) as writer:
        for stamp in (1, 2, 3):
            writer.add_estimate(_estimate(stamp), is_joined=stamp == 3)
    assert _stamps(tmp_path / "unjoined.txt") == [1, 2]
    assert _stamps(tmp_path / "trajectory.txt") == [3]
    with np.load(tmp_path / "covariance.npz") as stored:
        assert stored["stamps_ns"].tolist() == [3]
    with np.load(tmp_path / "unjoined_covariance.npz") as stored:
        assert stored["stamps_ns"].tolist() == [1, 2]


def test_a_frame_of_its_own_for_all_is_the_trajectory(tmp_path: Path) -> None:
    with RunWriter(tmp_path) as writer:
        writer.add_estimate(_estimate(1), is_joined=False)
        writer.keep_own_frame()
        writer.add_estimate(_estimate(2))
    assert _stamps(tmp_path / "trajectory.txt") == [1, 2]
    assert not (tmp_path / "unjoined.txt").exists()
    with np.load(tmp_path / "covariance.npz") as stored:
        assert stored["stamps_ns"].tolist() == [1, 2]


def test_files_of_the_run_before_are_gone(tmp_path: Path) -> None:
    with RunWriter(tmp_path) as writer:
        writer.add_estimate(_estimate(1), is_joined=False)
        writer.add_tracked(_estimate(1))
        writer.write_final(np.array([1]), np.eye(4)[None])
    files = {"unjoined.txt", "unjoined_covariance.npz", "final.txt", "tracked.txt"}
    assert files <= {path.name for path in tmp_path.iterdir()}
    RunWriter(tmp_path).close()
    names = {path.name for path in tmp_path.iterdir()}
    assert not names & {*files, "tracked_covariance.npz"}


def test_a_keyframe_moves_with_its_points_and_depths(tmp_path: Path) -> None:
    S = sim3.exp(np.array([1.0, 2.0, 3.0, 0.1, 0.2, 0.3, np.log(1.5)]))
    with RunWriter(tmp_path) as writer:
        writer.add_keyframe(_keyframe(7))
        writer.add_keyframe(_keyframe(8))
        before = {k: v.copy() for k, v in writer._points.items()}
        writer.move_keyframes({7: S, 99: S})
        after = writer._points
    poses = read_poses(tmp_path / "keyframes.txt").T_world_camera
    np.testing.assert_allclose(poses[0], sim3.rigid(S), atol=1e-6)
    np.testing.assert_allclose(poses[1], np.eye(4))
    xyz = [np.stack([v["x"], v["y"], v["z"]], -1) for v in (before[7], after[7])]
    np.testing.assert_allclose(xyz[1], sim3.apply(S, xyz[0]), rtol=1e-5)
    folder = RunFolder(tmp_path)
    assert folder.depth(7) == pytest.approx(3.0)
    assert folder.depth(8) == pytest.approx(2.0)
    first, parts, other = folder.first_depth(7), folder.parts(7), folder.parts(8)
    assert first is not None
    assert parts is not None
    assert other is not None
    assert first == pytest.approx(3.0)
    for name, factor in (("inverse_depth", 1.5), ("network", 1.5), ("points", 1.5)):
        np.testing.assert_allclose(
            getattr(parts, name), getattr(other, name) / factor, rtol=2e-3, err_msg=name
        )
    for name in ("relative_sigma", "point_weight"):
        np.testing.assert_allclose(getattr(parts, name), getattr(other, name), err_msg=name)


def test_the_final_path_is_judged_beside_the_one_of_the_time(tmp_path: Path) -> None:
    with RunWriter(tmp_path) as writer:
        writer.add_estimate(_estimate(1))
        writer.write_final(np.array([1]), np.eye(4)[None])
    assert [path.pose for path in RunFolder(tmp_path).paths()] == ["map", "final"]


def test_what_was_tracked_is_kept_beside_what_the_map_made_of_it(tmp_path: Path) -> None:
    with RunWriter(tmp_path) as writer:
        for stamp in (1, 2):
            writer.add_tracked(_estimate(stamp))
            writer.add_estimate(_estimate(stamp))
    (path,) = RunFolder(tmp_path).paths()
    assert path.tracked is not None
    assert path.tracked.covariances is not None
    assert path.tracked.trajectory.stamps_ns.tolist() == [1, 2]
