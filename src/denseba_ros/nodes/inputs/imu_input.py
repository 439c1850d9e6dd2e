"""The topic of an IMU, whose samples go into a buffer."""

from __future__ import annotations

import time

import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Imu

from denseba_ros.config import ImuConfig
from denseba_ros.imu.buffer import ImuBuffer
from denseba_ros.imu.calibration import has_extrinsics, limits_from_config
from denseba_ros.nodes.base.qos_events import (
    describe_publishers,
    qos_overrides,
    subscription_events,
)
from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.conversions.stamps import stamp_to_ns
from denseba_ros.nodes.inputs.imu_extrinsics import ImuExtrinsics
from denseba_ros.sequences.imu.imu_message import values_of_imu_message

NAME = "imu"
"""Topic of the samples, to be remapped."""
# Samples that the middleware keeps until the node takes them: a fifth of a second at 1 kHz.
_DEPTH = 200
# Kinds of problems are said at most so often (s).
_SAY_PERIOD = 60.0


class ImuInput:
    """Subscribes to ``imu`` and fills ``buffer``; each kind of problem is said now and then.

    Where the parameters do not tell where the camera sits, TF may.
    """

    def __init__(self, node: Node, config: ImuConfig) -> None:
        self._node = node
        self._throttled = ThrottledLogger(node.get_logger().warning, _SAY_PERIOD)
        self._last_sample = time.monotonic()
        self.buffer = ImuBuffer(limits_from_config(config), self._throttled.warn)
        self._frame = ""
        self._extrinsics = None if has_extrinsics(config) else ImuExtrinsics(node)
        self.topic = node.resolve_topic_name(NAME)
        node.create_subscription(
            Imu,
            NAME,
            self._on_imu_msg,
            QoSProfile(depth=_DEPTH, reliability=ReliabilityPolicy.BEST_EFFORT),
            qos_overriding_options=qos_overrides(),
            event_callbacks=subscription_events(self._throttled, self.topic),
        )

    def _on_imu_msg(self, message: Imu) -> None:
        self._last_sample, self._frame = time.monotonic(), message.header.frame_id
        self.buffer.add(stamp_to_ns(message.header.stamp), *values_of_imu_message(message))

    def take_extrinsics(self, camera_frame: str) -> np.ndarray | None:
        """T_imu_camera (4, 4) once TF tells it, and only once."""
        if self._extrinsics is None:
            return None
        return self._extrinsics.take(self._frame, camera_frame)

    def watch(self, limit: float) -> None:
        """Warn when no sample has come for ``limit`` s; to be called about once a second."""
        if time.monotonic() - self._last_sample > limit:
            self._throttled.warn(
                "no imu",
                f"no IMU on {self.topic} for {limit:g} s, going on without; "
                f"{describe_publishers(self._node, self.topic)}: is the topic remapped "
                f"({NAME}:=/your/topic)?",
            )

    def values(self) -> dict[str, str]:
        """Counts for the diagnostics: samples, and problems by kind."""
        problems = self.buffer.problems.counts
        return {
            "IMU samples": str(self.buffer.received),
            **{f"IMU: {kind.value}": str(count) for kind, count in sorted(problems.items())},
        }


def make_imu_input(node: Node, config: ImuConfig) -> ImuInput | None:
    """None where the mode is off."""
    return None if config.mode == "off" else ImuInput(node, config)
