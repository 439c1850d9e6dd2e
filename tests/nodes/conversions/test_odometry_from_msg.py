"""Where a published pose comes from, and which transform its status names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from denseba_ros.evaluation.results.recorded_pose import PoseState
from denseba_ros.geometry.body_frame import CameraMount, T_base_optical
from denseba_ros.nodes.conversions.odometry_from_msg import (
    map_to_odom,
    pose_state,
    scale_deviation,
)
from denseba_ros.nodes.conversions.poses import odometry_to_msg
from denseba_ros.nodes.outputs.diagnostics import drop_status, estimate_status
from denseba_ros.nodes.outputs.estimate_outputs import UNKNOWN
from denseba_ros.nodes.outputs.health import Health
from denseba_ros.slam.state.estimate import Estimate, Tracking
from denseba_ros.slam.state.metric_scale import UNKNOWN_SCALE, MetricScale

MOUNT = CameraMount(T_base_optical(0.3, -0.1, 0.2, 0.05, 0.4, -0.3))
IMAGE = np.full((6, 8, 3), 50, np.uint8)


@pytest.fixture
def estimate(fake_system: Any) -> Estimate:
    fake_system.process(0, IMAGE)
    made: Estimate = fake_system.process(1, IMAGE)
    return made


@pytest.mark.parametrize(
    ("tracking", "predicted_before", "state"),
    [
        (Tracking.TRACKING, False, PoseState.TRACKED),
        (Tracking.TRACKING, True, PoseState.PREDICTED),
        (Tracking.LOST, False, PoseState.LOST),
        (Tracking.INITIALISING, False, PoseState.LOST),
    ],
)
def test_the_state_of_a_processed_image(
    estimate: Estimate, tracking: Tracking, predicted_before: bool, state: PoseState
) -> None:
    odometry = odometry_to_msg(estimate, MOUNT, "odom", "base_link")
    of = replace(estimate, tracking=tracking)
    status = estimate_status("node", of, Health(), predicted_before=predicted_before)
    assert pose_state(odometry, status) is state
    np.testing.assert_array_equal(map_to_odom(status), np.eye(4))


def test_the_state_of_an_image_that_was_dropped_or_of_which_nothing_is_known(
    estimate: Estimate,
) -> None:
    odometry = odometry_to_msg(estimate, MOUNT, "odom", "base_link")
    dropped = drop_status("node", 1, "too slow")
    assert pose_state(odometry, dropped) is PoseState.PREDICTED
    assert pose_state(odometry, None) is PoseState.PREDICTED
    assert map_to_odom(dropped) is None
    unknown = replace(estimate, covariance=UNKNOWN)
    odometry = odometry_to_msg(unknown, MOUNT, "odom", "base_link")
    assert pose_state(odometry, dropped) is PoseState.LOST


def test_the_metric_scale_comes_back_from_the_status(estimate: Estimate) -> None:
    scale = MetricScale(0.2, 0.3)
    status = estimate_status("node", replace(estimate, metric_scale=scale), Health())
    assert scale_deviation(status) == scale.deviation
    values = {value.key: value.value for value in status.status[0].values}
    assert values["metric scale"] == "known"
    assert float(values["metres per unit"]) == pytest.approx(scale.factor, abs=1e-4)
    unknown = replace(estimate, metric_scale=UNKNOWN_SCALE)
    values = {v.key: v.value for v in estimate_status("n", unknown, Health()).status[0].values}
    assert values["metric scale"] == "unknown"
    assert scale_deviation(drop_status("node", 1, "too slow")) is None
