"""The recorder writes what was published as `denseba run` would have written it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from denseba_ros.evaluation.results.run_folder import RunFolder
from denseba_ros.geometry.body_frame import CameraMount, T_base_optical
from denseba_ros.sequences.trajectory import read_tum

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")

from tf2_msgs.msg import TFMessage

from denseba_ros.evaluation.results.run_writer import RunWriter
from denseba_ros.nodes.conversions.camera_info import calibration_to_msg
from denseba_ros.nodes.conversions.odometry_from_msg import estimate_from_msgs
from denseba_ros.nodes.conversions.point_clouds import keyframe_from_cloud, keyframe_to_cloud
from denseba_ros.nodes.conversions.poses import odometry_to_msg, transform_to_msg
from denseba_ros.nodes.outputs.diagnostics import drop_status, estimate_status
from denseba_ros.nodes.outputs.health import Health
from denseba_ros.nodes.tools.recorder import Recorder
from denseba_ros.slam.state.estimate import Estimate, Keyframe, Tracking

MOUNT = CameraMount(T_base_optical(0.3, -0.1, 0.2, 0.05, 0.4, -0.3))
SECOND = 1_000_000_000
IMAGE = np.full((6, 8, 3), 50, np.uint8)


def test_an_estimate_survives_the_way_through_the_messages(fake_system: Any) -> None:
    fake_system.process(SECOND - 1, IMAGE)
    estimate: Estimate = fake_system.process(SECOND, IMAGE)
    odometry = odometry_to_msg(estimate, MOUNT, "odom", "base_link")
    result = estimate_from_msgs(odometry, estimate_status("denseba", estimate, Health()), MOUNT)
    assert (result.stamp_ns, result.tracking) == (SECOND, Tracking.TRACKING)
    for name in ("T_world_camera", "covariance", "twist", "twist_covariance"):
        np.testing.assert_allclose(getattr(result, name), getattr(estimate, name), atol=1e-9)


def test_a_keyframe_survives_the_way_through_the_cloud(fake_system: Any) -> None:
    keyframe: Keyframe = fake_system.keyframes()[0]
    cloud = keyframe_to_cloud(keyframe, "camera")
    result = keyframe_from_cloud(cloud, keyframe.depth.calibration, keyframe.T_world_camera)
    assert result.stamp_ns == keyframe.stamp_ns
    np.testing.assert_array_equal(result.image, keyframe.image)
    np.testing.assert_array_equal(result.depth.depth, keyframe.depth.depth)
    np.testing.assert_array_equal(result.depth.sigma, keyframe.depth.sigma)


def publish_run(ros: Any, fake_system: Any, recorder: Recorder, *, with_tf: bool) -> None:
    """Two images, the second tracked and a keyframe; then a dropped one."""
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
        recorder._on_output("status", estimate_status("denseba", estimate, Health()))
    recorder._on_output("status", drop_status("denseba", SECOND + 2, "too slow"))


@pytest.mark.parametrize("with_tf", [True, False])
def test_the_folder_holds_camera_poses_where_tf_is_known_and_base_poses_else(
    ros: Any, fake_system: Any, tmp_path: Path, with_tf: bool
) -> None:
    folder = tmp_path / "run"
    with RunWriter(folder) as writer:
        recorder = ros.add(Recorder(writer))
        publish_run(ros, fake_system, recorder, with_tf=with_tf)
        recorder.finish()
        writer.write_summary(recorder.summary())
    trajectory = read_tum(folder / "trajectory.txt")
    assert trajectory.stamps_ns.tolist() == [SECOND + 1]
    camera = np.eye(4)
    camera[2, 3] = 0.1
    expected = camera if with_tf else MOUNT.T_odom_base(camera)
    np.testing.assert_allclose(trajectory.T_world_camera[0], expected, atol=1e-8)
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["trajectory_frame"] == ("camera" if with_tf else "base")
    states = {name: summary[name] for name in ("frames", "tracked", "initialising", "dropped")}
    assert states == {"frames": 3, "tracked": 1, "initialising": 1, "dropped": 1}
    assert RunFolder(folder).keyframe_stamps().tolist() == [SECOND + 1]
    assert np.nanmedian(RunFolder(folder).depth(SECOND + 1)) == 2.0
