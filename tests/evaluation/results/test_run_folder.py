"""What the two writers wrote is read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from denseba_ros.errors import DensebaError, TrajectoryError
from denseba_ros.evaluation.results.recorded_pose import PoseState, RecordedPose
from denseba_ros.evaluation.results.recording_writer import RecordingWriter
from denseba_ros.evaluation.results.run_folder import RunFolder
from denseba_ros.evaluation.results.run_writer import RunWriter
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.poses.pose_table import read_poses
from denseba_ros.slam.state.estimate import DepthMap, DepthParts, Keyframe


def recorded(stamp_ns: int, state: PoseState) -> RecordedPose:
    T_odom, T_map = np.eye(4), np.eye(4)
    T_odom[0, 3], T_map[0, 3] = stamp_ns, stamp_ns + 0.5
    return RecordedPose(stamp_ns, state, T_odom, np.eye(6), T_map, 2.0 * np.eye(6))


def test_both_poses_of_a_recorded_run_come_back_with_their_states(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path) as writer:
        for stamp, state in enumerate(PoseState):
            writer.poses.add_pose(recorded(stamp, state))
        writer.poses.add_pose(recorded(1, PoseState.TRACKED))  # time went back
    assert writer.poses.left_out == 1
    assert (writer.poses.states[PoseState.TRACKED], writer.poses.states.total()) == (1, 3)
    odometry, in_map = RunFolder(tmp_path).paths()
    assert (odometry.pose, in_map.pose) == ("odometry", "map")
    assert odometry.states == in_map.states == list(PoseState)
    assert odometry.trajectory.T_world_camera[:, 0, 3].tolist() == [0.0, 1.0, 2.0]
    assert in_map.trajectory.T_world_camera[:, 0, 3].tolist() == [0.5, 1.5, 2.5]
    assert odometry.covariances is not None
    assert in_map.covariances is not None
    assert (odometry.covariances[1, 0, 0], in_map.covariances[1, 0, 0]) == (1.0, 2.0)


def test_what_the_metric_scale_has_in_a_covariance_is_along_the_way_in_map(tmp_path: Path) -> None:
    turned = np.eye(4)
    turned[:2, :2] = [[0.0, -1.0], [1.0, 0.0]]
    with RecordingWriter(tmp_path) as writer:
        for stamp, deviation in enumerate((0.25, 0.5)):
            T_map = np.eye(4)
            T_map[:3, 3] = [stamp, 2.0, 0.0]
            pose = RecordedPose(
                stamp, PoseState.TRACKED, turned @ T_map, np.eye(6), T_map, np.eye(6), deviation
            )
            writer.poses.add_pose(pose)
    odometry, in_map = RunFolder(tmp_path).paths()
    for path in (odometry, in_map):
        assert path.scale_deviations is not None
        assert path.scale_deviations.tolist() == [0.25, 0.5]
    assert in_map.scale_errors is not None
    assert odometry.scale_errors is not None
    np.testing.assert_allclose(in_map.scale_errors, [[0.0, 0.5, 0.0], [0.5, 1.0, 0.0]], atol=1e-9)
    np.testing.assert_allclose(
        odometry.scale_errors, [[-0.5, 0.0, 0.0], [-1.0, 0.5, 0.0]], atol=1e-9
    )


def test_edited_rows_have_no_covariance_and_a_wrong_state_is_an_error(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path) as writer:
        for stamp in range(2):
            writer.poses.add_pose(recorded(stamp, PoseState.LOST))
    rows = (tmp_path / "map.txt").read_text().splitlines()
    (tmp_path / "map.txt").write_text(rows[0] + "\n")
    odometry, in_map = RunFolder(tmp_path).paths()
    assert odometry.covariances is not None
    assert in_map.covariances is None
    assert in_map.states == [PoseState.LOST]
    (tmp_path / "states.txt").write_text("0.0 asleep\n")
    with pytest.raises(TrajectoryError, match=r"states\.txt:1"):
        RunFolder(tmp_path).paths()


def test_a_writer_clears_what_the_other_one_left_but_no_foreign_folder(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path):
        pass
    (tmp_path / "depth" / "1.png").touch()
    with RunWriter(tmp_path):
        pass
    assert not (tmp_path / "odometry.txt").exists()
    assert not (tmp_path / "depth" / "1.png").exists()
    (tmp_path / "trajectory.txt").unlink()
    (tmp_path / "depth" / "1.png").touch()
    with pytest.raises(DensebaError, match="denseba record"):
        RecordingWriter(tmp_path)


def test_what_a_keyframes_depth_is_made_of_comes_back(tmp_path: Path) -> None:
    """In half precision; a run that was not made by this writer has none."""
    grids = [np.full((3, 4), 0.1 * (k + 1), np.float32) for k in range(5)]
    depth = DepthMap(grids[0], grids[0], Calibration(4, 3, 3.0, 3.0, 1.5, 1.0))
    image = np.zeros((3, 4), np.uint8)
    with RunWriter(tmp_path) as writer:
        writer.add_keyframe(Keyframe(0, 7, np.eye(4), depth, image, parts=DepthParts(*grids)))
        writer.add_keyframe(Keyframe(1, 9, np.eye(4), depth, image))
    parts = RunFolder(tmp_path).parts(7)
    assert parts is not None
    for read, written in zip(vars(parts).values(), grids, strict=True):
        assert read.dtype == np.float32
        np.testing.assert_allclose(read, written, rtol=5e-4)
    assert RunFolder(tmp_path).parts(9) is None
    with RunWriter(tmp_path):
        assert RunFolder(tmp_path).parts(7) is None


def test_keyframes_before_stamp_zero_are_found(tmp_path: Path) -> None:
    (tmp_path / "depth").mkdir()
    for stamp in (-966_667_000, 0, 5):
        (tmp_path / "depth" / f"{stamp}.png").touch()
    assert RunFolder(tmp_path).keyframe_stamps().tolist() == [-966_667_000, 0, 5]


def test_a_keyframe_of_another_map_replaces_the_one_of_the_same_stamp(tmp_path: Path) -> None:
    """A map that two views begin anew counts its keyframes from zero, of stamps that were seen."""
    first, second = np.full((3, 4), 70.0, np.float32), np.full((3, 4), 2.0, np.float32)
    camera, image = Calibration(4, 3, 3.0, 3.0, 1.5, 1.0), np.full((3, 4), 9, np.uint8)
    moved = np.eye(4)
    moved[0, 3] = 3.0
    with RunWriter(tmp_path) as writer:
        for depth, T in ((first, np.eye(4)), (second, moved)):
            grid = DepthMap(depth, 0.01 * depth, camera)
            writer.add_keyframe(Keyframe(0, 7, T, grid, image))
        assert (writer.keyframes, writer.depth_pixels_clipped) == (1, 0)
    keyframes = read_poses(tmp_path / "keyframes.txt")
    assert keyframes.stamps_ns.tolist() == RunFolder(tmp_path).keyframe_stamps().tolist() == [7]
    np.testing.assert_allclose(keyframes.T_world_camera[0], moved)
    assert np.nanmedian(RunFolder(tmp_path).depth(7)) == 2.0
    header = (tmp_path / "points.ply").read_bytes().partition(b"end_header")[0]
    assert b"element vertex 12" in header
