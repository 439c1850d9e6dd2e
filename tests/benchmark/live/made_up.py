"""Made-up messages of a node: images 100 ms apart, what it said of them and when."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

import numpy as np
from nav_msgs.msg import Odometry
from tf2_msgs.msg import TFMessage

from denseba_ros.benchmark.live.outputs_heard import ODOMETRY, STATUS, TF, Message
from denseba_ros.geometry.body_frame import T_base_optical
from denseba_ros.nodes.conversions.poses import transform_to_msg
from denseba_ros.nodes.conversions.stamps import stamp_from_ns
from denseba_ros.nodes.outputs.diagnostics import PREDICTED_BEFORE, drop_status, make_status
from denseba_ros.nodes.tools.sent_images import Sent

STEP_NS = 100_000_000
OPTICAL = "camera_optical_frame"


def stamp_ns(k: int) -> int:
    return (k + 10) * STEP_NS


def sent(k: int) -> Sent:
    return Sent(100.0 + 0.1 * k, stamp_ns(k), 0, k)


def odometry(k: int, after: float, position: np.ndarray | None = None) -> Message:
    """The odometry of image k, ``after`` seconds after its publication."""
    message = Odometry(child_frame_id="base_link")
    message.header.frame_id = "odom"
    message.header.stamp = stamp_from_ns(stamp_ns(k))
    message.pose.pose.orientation.w = 1.0
    at = (0.0, 0.0, 0.0) if position is None else position
    place = message.pose.pose.position
    place.x, place.y, place.z = (float(v) for v in at)
    message.pose.covariance = np.eye(6).ravel() * 1e-4
    return Message(sent(k).at + after, ODOMETRY, message)


def status(k: int, state: str = "tracking", *, predicted_before: bool = False) -> Message:
    """What the node said of image k; ``state`` "dropped" for one that it left out."""
    message = drop_status("denseba", stamp_ns(k), "too slow")
    if state != "dropped":
        values = {"reason": "", "resets": "0", "session": "1", "total (ms)": "20.0"}
        if predicted_before:
            values[PREDICTED_BEFORE] = "true"
        message.status = [make_status(b"\0", "denseba", state, values)]
    return Message(sent(k).at + 0.05, STATUS, message)


def transforms(k: int, T_map_odom: np.ndarray) -> Message:
    """What /tf said with image k."""
    both = [
        transform_to_msg(T_map_odom, stamp_ns(k), "map", "odom"),
        transform_to_msg(np.eye(4), stamp_ns(k), "odom", "base_link"),
    ]
    return Message(sent(k).at, TF, TFMessage(transforms=both))


def mounted() -> Message:
    """What /tf said of a camera that looks forward from the base."""
    T_base_camera = T_base_optical(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    transform = transform_to_msg(T_base_camera, stamp_ns(0), "base_link", OPTICAL)
    return Message(0.0, TF, TFMessage(transforms=[transform]))
