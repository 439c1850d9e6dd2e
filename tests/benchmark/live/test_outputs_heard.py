"""From published odometry back to poses of the camera."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from denseba_ros.benchmark.live.outputs_heard import OutputsHeard
from denseba_ros.evaluation.results.recorded_pose import PoseState
from tests.benchmark.live.made_up import OPTICAL, mounted, odometry, sent, stamp_ns, status

FORWARD = np.array([2.0, 0.0, 0.0])


def test_poses_are_of_the_camera_where_tf_says_how_it_is_mounted() -> None:
    messages = [mounted(), odometry(1, 0.02, FORWARD), status(1)]
    (pose,) = OutputsHeard([sent(1)], messages).poses(OPTICAL)
    assert pose.state is PoseState.TRACKED
    # The optical axis is the base's x.
    np.testing.assert_allclose(pose.T_odom_camera[:3, 3], [0.0, 0.0, 2.0], atol=1e-12)


def test_without_the_mount_they_are_the_bases() -> None:
    (pose,) = OutputsHeard([sent(1)], [odometry(1, 0.02, FORWARD), status(1)]).poses(OPTICAL)
    np.testing.assert_allclose(pose.T_odom_camera[:3, 3], FORWARD)


def test_an_odometry_without_status_is_kept() -> None:
    messages = [odometry(1, 0.02), status(1), odometry(2, 0.02)]
    poses = OutputsHeard([sent(1), sent(2)], messages).poses(OPTICAL)
    assert [pose.stamp_ns for pose in poses] == [stamp_ns(1), stamp_ns(2)]
    assert poses[1].state is PoseState.PREDICTED


def test_the_first_odometry_of_a_stamp_counts() -> None:
    run = OutputsHeard([sent(1)], [odometry(1, 0.02), odometry(1, 0.5)])
    assert run.odometry_arrivals() == {stamp_ns(1): sent(1).at + 0.02}
