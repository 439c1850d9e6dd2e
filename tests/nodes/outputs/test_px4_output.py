"""VehicleOdometry through the message's definition (px4_msgs of PX4 1.14 and later)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from denseba_ros.geometry.body_frame import CameraMount, T_base_optical
from denseba_ros.slam.state.estimate import Estimate, Tracking
from denseba_ros.slam.state.metric_scale import UNKNOWN_SCALE, MetricScale

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.outputs.px4_output import fill_vehicle_odometry, warn_without_metres

NAME = "px4_msgs/msg/VehicleOdometry"
DEFINITION = """\
uint64 timestamp
uint64 timestamp_sample
uint8 POSE_FRAME_UNKNOWN = 0
uint8 POSE_FRAME_NED = 1
uint8 POSE_FRAME_FRD = 2
uint8 pose_frame
float32[3] position
float32[4] q
uint8 VELOCITY_FRAME_UNKNOWN = 0
uint8 VELOCITY_FRAME_NED = 1
uint8 VELOCITY_FRAME_FRD = 2
uint8 VELOCITY_FRAME_BODY_FRD = 3
uint8 velocity_frame
float32[3] velocity
float32[3] angular_velocity
float32[3] position_variance
float32[3] orientation_variance
float32[3] velocity_variance
uint8 reset_counter
int8 quality
"""
STORE = get_typestore(Stores.ROS2_JAZZY)
STORE.register(get_types_from_msg(DEFINITION, NAME))
MOUNT = CameraMount(T_base_optical(0.0, 0.0, 0.0, 0.0, 0.0, 0.0))


def empty() -> Any:
    """A message with every field of the definition; anything else cannot be set on it."""
    three, four = np.zeros(3, np.float32), np.zeros(4, np.float32)
    return STORE.types[NAME](
        timestamp=0, timestamp_sample=0, pose_frame=0, position=three, q=four, velocity_frame=0,
        velocity=three, angular_velocity=three, position_variance=three,
        orientation_variance=three, velocity_variance=three, reset_counter=0, quality=0,
    )  # fmt: skip


def filled(estimate: Estimate, resets: int = 0) -> Any:
    """There and back through CDR, which checks every type and length."""
    message = empty()
    fields = set(vars(message))
    fill_vehicle_odometry(message, estimate, MOUNT, resets, 5_000_000_000)
    assert set(vars(message)) == fields
    return STORE.deserialize_cdr(STORE.serialize_cdr(message, NAME), NAME)


def estimate(tracking: Tracking = Tracking.TRACKING) -> Estimate:
    """The camera is 1 m right, 2 m down and 3 m ahead, turned to the right by 90 degrees."""
    T = np.eye(4)
    T[:3, :3] = [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]
    T[:3, 3] = [1.0, 2.0, 3.0]
    return Estimate(
        stamp_ns=4_000_001_000,
        tracking=tracking,
        T_world_camera=T,
        covariance=np.diag([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        twist=np.array([0.1, 0.2, 0.3, 0.01, 0.02, 0.03]),
        twist_covariance=np.diag([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
        depth=None,
        is_keyframe=False,
        reason="",
        seconds={},
        quality=0.87,
    )


def test_position_attitude_and_twist_are_forward_right_down() -> None:
    message = filled(estimate())
    assert (message.pose_frame, message.velocity_frame) == (2, 3)
    np.testing.assert_allclose(message.position, [3.0, 1.0, 2.0], atol=1e-6)
    # A turn to the right is positive about the axis that points down.
    np.testing.assert_allclose(message.q, [np.sqrt(0.5), 0, 0, np.sqrt(0.5)], atol=1e-6)
    np.testing.assert_allclose(message.velocity, [0.3, 0.1, 0.2], atol=1e-6)
    np.testing.assert_allclose(message.angular_velocity, [0.03, 0.01, 0.02], atol=1e-6)
    np.testing.assert_allclose(message.position_variance, [3.0, 1.0, 2.0], atol=1e-5)
    np.testing.assert_allclose(message.orientation_variance, [6.0, 4.0, 5.0], atol=1e-5)
    np.testing.assert_allclose(message.velocity_variance, [0.3, 0.1, 0.2], atol=1e-6)


def test_times_are_microseconds_and_quality_and_resets_fit() -> None:
    message = filled(estimate(), resets=258)
    assert (message.timestamp, message.timestamp_sample) == (5_000_000, 4_000_001)
    assert (message.reset_counter, message.quality) == (2, 87)
    assert filled(estimate(Tracking.LOST)).quality == 0


@pytest.mark.parametrize(
    ("tracking", "scale", "warns"),
    [
        (Tracking.TRACKING, UNKNOWN_SCALE, True),
        (Tracking.TRACKING, MetricScale(0.1, 0.25), False),
        (Tracking.LOST, UNKNOWN_SCALE, False),
    ],
)
def test_it_warns_where_nothing_tells_what_a_metre_is(
    tracking: Tracking, scale: MetricScale, warns: bool
) -> None:
    said: list[str] = []
    warn_without_metres(
        replace(estimate(tracking), metric_scale=scale), ThrottledLogger(said.append)
    )
    assert bool(said) == warns
    assert all("metric scale is unknown" in text for text in said)
