"""The recorder writes what was published: poses in odom and in map, keyframes, counts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from denseba_ros.evaluation.results.recorded_pose import PoseState
from denseba_ros.evaluation.results.run_folder import RunFolder
from denseba_ros.geometry.body_frame import CameraMount, T_base_optical

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")

from tf2_msgs.msg import TFMessage

from denseba_ros.evaluation.results.recording_writer import RecordingWriter
from denseba_ros.nodes.conversions.camera_info import calibration_to_msg
from denseba_ros.nodes.conversions.point_clouds import keyframe_from_cloud, keyframe_to_cloud
from denseba_ros.nodes.conversions.poses import odometry_to_msg, transform_to_msg
from denseba_ros.nodes.map.map_messages import path_message
from denseba_ros.nodes.outputs.diagnostics import drop_status, estimate_status
from denseba_ros.nodes.outputs.health import Health
from denseba_ros.nodes.tools.recorder import Recorder
from denseba_ros.slam.state.estimate import Keyframe, Tracking

MOUNT = CameraMount(T_base_optical(0.3, -0.1, 0.2, 0.05, 0.4, -0.3))
SECOND = 1_000_000_000
IMAGE = np.full((6, 8, 3), 50, np.uint8)


def test_a_keyframe_survives_the_way_through_the_cloud(fake_system: Any) -> None:
    keyframe: Keyframe = fake_system.keyframes()[0]
    cloud = keyframe_to_cloud(keyframe, "camera")
    result = keyframe_from_cloud(cloud, keyframe.depth.calibration, keyframe.T_world_camera)
    assert result.stamp_ns == keyframe.stamp_ns
    np.testing.assert_array_equal(result.image, keyframe.image)
    np.testing.assert_array_equal(result.depth.depth, keyframe.depth.depth)
    np.testing.assert_array_equal(result.depth.sigma, keyframe.depth.sigma)


T_MAP_ODOM = np.eye(4)
T_MAP_ODOM[0, 3] = 5.0


def publish_run(fake_system: Any, recorder: Recorder, *, with_tf: bool) -> None:
    """Two images, the second tracked and a keyframe; then a dropped one, predicted before."""
    for estimate in (fake_system.process(SECOND + i, IMAGE) for i in range(2)):
        if with_tf:
            T = transform_to_msg(MOUNT.T_base_camera, 0, "base_link", "camera")
            recorder._on_tf(TFMessage(transforms=[T]))
        if estimate.tracking is Tracking.TRACKING:
            odometry = odometry_to_msg(estimate, MOUNT, "odom", "base_link")
            recorder._on_output("odometry", odometry)
            keyframe = fake_system.keyframes()[0]
            cloud = keyframe_to_cloud(
                Keyframe(1, estimate.stamp_ns, np.eye(4), keyframe.depth, keyframe.image), "camera"
            )
            recorder._on_output("points", cloud)
            info = calibration_to_msg(keyframe.depth.calibration, estimate.stamp_ns, "camera")
            recorder._on_output("depth/camera_info", info)
        recorder._on_output("status", estimate_status("denseba", estimate, Health(), T_MAP_ODOM))
    ahead = replace(estimate, stamp_ns=SECOND + 2)
    recorder._on_output("odometry", odometry_to_msg(ahead, MOUNT, "odom", "base_link"))
    recorder._on_output("status", drop_status("denseba", SECOND + 2, "too slow"))


@pytest.mark.parametrize("with_tf", [True, False])
def test_the_folder_holds_camera_poses_where_tf_is_known_and_base_poses_else(
    ros: Any, fake_system: Any, tmp_path: Path, with_tf: bool
) -> None:
    folder = tmp_path / "run"
    with RecordingWriter(folder) as writer:
        recorder = ros.add(Recorder(writer))
        publish_run(fake_system, recorder, with_tf=with_tf)
        recorder.finish()
        writer.write_summary(recorder.summary())
    odometry, in_map = RunFolder(folder).paths()  # no final one without a map
    assert (odometry.pose, in_map.pose) == ("odometry", "map")
    assert odometry.trajectory.stamps_ns.tolist() == [SECOND + 1, SECOND + 2]
    assert odometry.states == in_map.states == [PoseState.TRACKED, PoseState.PREDICTED]
    camera = np.eye(4)
    camera[2, 3] = 0.1
    base = MOUNT.T_odom_base(camera)
    expected = camera if with_tf else base
    np.testing.assert_allclose(odometry.trajectory.T_world_camera[0], expected, atol=1e-8)
    base_in_map = T_MAP_ODOM @ base
    expected = MOUNT.T_world_camera(base_in_map) if with_tf else base_in_map
    for T in in_map.trajectory.T_world_camera:
        np.testing.assert_allclose(T, expected, atol=1e-8)
    assert not (folder / "trajectory.txt").exists()
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["trajectory_frame"] == ("camera" if with_tf else "base")
    states = {name: summary[name] for name in ("frames", "tracked", "initialising", "dropped")}
    assert states == {"frames": 3, "tracked": 1, "initialising": 1, "dropped": 1}
    assert summary["map_started"] is True
    assert summary["reasons_not_tracking"] == {"because the test says so": 1}
    assert summary["poses"] == {"tracked": 1, "predicted": 1, "lost": 0}
    assert summary["seconds_per_frame"]["tracking"]["median"] == pytest.approx(0.001)
    assert summary["timing"] in ("live", "unknown")
    assert RunFolder(folder).keyframe_stamps().tolist() == [SECOND + 1]
    assert np.nanmedian(RunFolder(folder).depth(SECOND + 1)) == 2.0


@pytest.mark.parametrize("with_tf", [True, False])
def test_the_path_at_the_end_is_that_of_the_last_map_path(
    ros: Any, fake_system: Any, tmp_path: Path, with_tf: bool
) -> None:
    folder = tmp_path / "run"
    corrected = np.eye(4)
    corrected[1, 3] = 7.0
    with RecordingWriter(folder) as writer:
        recorder = ros.add(Recorder(writer))
        recorder._on_map_path(path_message({SECOND + 1: np.eye(4)}, MOUNT, 0, "map"))
        publish_run(fake_system, recorder, with_tf=with_tf)
        recorder._on_map_path(path_message({SECOND + 1: corrected}, MOUNT, 0, "map"))
        recorder.finish()
    final = RunFolder(folder).paths()[2]
    assert final.pose == "final"
    assert final.trajectory.stamps_ns.tolist() == [SECOND + 1]  # the other was a prediction
    expected = corrected if with_tf else MOUNT.T_odom_base(corrected)
    np.testing.assert_allclose(final.trajectory.T_world_camera[0], expected, atol=1e-8)
