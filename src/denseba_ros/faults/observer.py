"""Subscribes to a node as an autopilot and a ground station would; records arrival times."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.srv import ChangeState
from nav_msgs.msg import Odometry
from rcl_interfaces.srv import SetParameters
from rclpy.qos import QoSProfile

from denseba_ros.faults.measures import Heard, State
from denseba_ros.nodes.conversions.odometry_from_msg import map_to_odom, status_values
from denseba_ros.nodes.conversions.poses import pose_from_msg
from denseba_ros.nodes.conversions.stamps import stamp_to_ns
from denseba_ros.nodes.tools.spinning_node import SpinningNode


class Observer(SpinningNode):
    """Keeps received messages in order of arrival."""

    def __init__(self) -> None:
        super().__init__("observer")
        self.odometry: list[Heard] = []
        self.predicted_at: list[float] = []
        self.states: list[State] = []
        self.diagnostics: list[tuple[int, str, dict[str, str]]] = []
        deep = QoSProfile(depth=500)
        self.create_subscription(Odometry, "odometry", self._odometry_arrived, deep)
        self.create_subscription(Odometry, "odometry/predicted", self._predicted_arrived, deep)
        self.create_subscription(DiagnosticArray, "status", self._status_arrived, deep)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._diagnostics_arrived, deep)
        self.change_state = self.create_client(ChangeState, "/denseba/change_state")
        self.set_parameters_of_node = self.create_client(SetParameters, "/denseba/set_parameters")
        self.spin()

    def is_tracking(self, since: float) -> bool:
        """Whether an image was tracked after the monotonic time ``since``."""
        return any(s.is_tracked and s.at >= since for s in reversed(self.states))

    def _odometry_arrived(self, message: Odometry) -> None:
        T = np.zeros((4, 4))
        if message.pose.pose.orientation.w != 0.0:
            T = pose_from_msg(message.pose.pose)
        v = message.twist.twist.linear
        variance = float(max(message.pose.covariance[0], message.pose.covariance[7]))
        velocity = np.array([v.x, v.y, v.z])
        stamp_ns = stamp_to_ns(message.header.stamp)
        self.odometry.append(Heard(time.monotonic(), stamp_ns, T, velocity, variance))

    def _predicted_arrived(self, _: Odometry) -> None:
        self.predicted_at.append(time.monotonic())

    def _status_arrived(self, message: DiagnosticArray) -> None:
        status: Any = message.status[0]
        values = status_values(message)
        self.states.append(
            State(
                time.monotonic(),
                stamp_to_ns(message.header.stamp),
                status.message,
                values.get("reason", ""),
                int(values.get("resets", "0")),
                int(values.get("session", "0")),
                map_to_odom(message),
            )
        )

    def _diagnostics_arrived(self, message: DiagnosticArray) -> None:
        for status in message.status:
            level = int.from_bytes(status.level, "little")
            values = {v.key: v.value for v in status.values}
            self.diagnostics.append((level, status.message, values))
