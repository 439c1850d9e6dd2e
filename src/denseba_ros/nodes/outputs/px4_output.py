"""Odometry as px4_msgs/VehicleOdometry, where that package is installed.

PX4's axes: the reference is x forward, y right, z down of the base at the first image (its FRD
frame, whose heading is not north), the body is forward, right, down.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile
from scipy.spatial.transform import Rotation

from denseba_ros.errors import ConfigurationError
from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.slam.state.estimate import Estimate

TOPIC = "fmu/in/vehicle_visual_odometry"
# From forward-left-up to forward-right-down, in the reference and in the body.
_SIGNS = np.array([1.0, -1.0, -1.0])


class Px4Output:
    """Publishes estimates for PX4's EKF2, and warns while it is not known what a metre is.

    Raises:
        ConfigurationError: where px4_msgs is not installed.
    """

    def __init__(self, node: Node, throttled: ThrottledLogger) -> None:
        if importlib.util.find_spec("px4_msgs") is None:
            raise ConfigurationError(
                "node.px4 needs the package px4_msgs in the version of the autopilot's firmware: "
                "build it into the workspace and source it"
            )
        self._kind: Any = importlib.import_module("px4_msgs.msg").VehicleOdometry
        self._node, self._throttled = node, throttled
        self._publisher = node.create_publisher(self._kind, TOPIC, QoSProfile(depth=10))

    def publish(self, estimate: Estimate, mount: CameraMount, resets: int) -> None:
        """Publish an estimate in odom; another ``resets`` tells the autopilot of a new odom."""
        warn_without_metres(estimate, self._throttled)
        now_ns = self._node.get_clock().now().nanoseconds
        message = self._kind()
        fill_vehicle_odometry(message, estimate, mount, resets, now_ns)
        self._publisher.publish(message)


def warn_without_metres(estimate: Estimate, throttled: ThrottledLogger) -> None:
    """Warn where an autopilot would take lengths for metres whose metric scale is unknown."""
    scale = estimate.metric_scale
    if estimate.is_measured and not scale.is_known:
        throttled.warn(
            "metric scale",
            f"node.px4: the metric scale is unknown (deviation of its logarithm {scale.sigma:.2f}):"
            " a length may be wrong by a factor, as the variances say; use a depth model that"
            " knows this world",
        )


def fill_vehicle_odometry(
    message: Any, estimate: Estimate, mount: CameraMount, resets: int, now_ns: int
) -> None:
    """Write an estimate in odom into a VehicleOdometry; times in microseconds, q as w, x, y, z.

    ``reset_counter`` changes with ``resets`` (it wraps at 256), ``quality`` is 0 to 100.
    """
    T = mount.T_odom_base(estimate.T_world_camera)
    x, y, z, w = Rotation.from_matrix(T[:3, :3]).as_quat(canonical=True)
    twist = mount.twist(estimate.twist)
    pose_variance = np.diag(mount.pose_covariance(estimate.covariance, estimate.T_world_camera))
    twist_variance = np.diag(mount.twist_covariance(estimate.twist_covariance))
    message.timestamp = now_ns // 1000
    message.timestamp_sample = estimate.stamp_ns // 1000
    message.pose_frame = type(message).POSE_FRAME_FRD
    message.position = (_SIGNS * T[:3, 3]).astype(np.float32)
    message.q = np.array([w, x, -y, -z], dtype=np.float32)
    message.velocity_frame = type(message).VELOCITY_FRAME_BODY_FRD
    message.velocity = (_SIGNS * twist[:3]).astype(np.float32)
    message.angular_velocity = (_SIGNS * twist[3:]).astype(np.float32)
    message.position_variance = pose_variance[:3].astype(np.float32)
    message.orientation_variance = pose_variance[3:].astype(np.float32)
    message.velocity_variance = twist_variance[:3].astype(np.float32)
    message.reset_counter = resets % 256
    is_tracked = estimate.is_measured
    message.quality = round(100 * min(max(estimate.quality, 0.0), 1.0)) if is_tracked else 0
