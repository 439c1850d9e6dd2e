"""`status`: for every image that came in, with its stamp, what became of it.

`status/held`, before that: an image waits for the next ones, since its stamp leaps. Whoever sends
an image only after the answer to the last one must hear both.
"""

from __future__ import annotations

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.qos import QoSProfile

from denseba_ros.nodes.outputs.diagnostics import drop_status, estimate_status
from denseba_ros.nodes.outputs.health import Health
from denseba_ros.nodes.outputs.publishers import has_subscribers
from denseba_ros.slam.state.estimate import Estimate


class StatusOutput:
    """Publishes `status` under the name of ``node``."""

    def __init__(self, node: Node) -> None:
        self._name = node.get_fully_qualified_name().lstrip("/")
        self._publisher = node.create_publisher(DiagnosticArray, "status", QoSProfile(depth=100))
        self._held_publisher = node.create_publisher(
            DiagnosticArray, "status/held", QoSProfile(depth=100)
        )

    def processed(
        self,
        estimate: Estimate,
        health: Health,
        T_map_odom: np.ndarray | None,
        predicted_before: bool = False,
    ) -> None:
        """The image of ``estimate`` was processed; ``T_map_odom`` (4, 4), None where the place in
        the map is not known.

        ``predicted_before``: its odometry was predicted and published before.
        """
        if has_subscribers(self._publisher):
            status = estimate_status(self._name, estimate, health, T_map_odom, predicted_before)
            self._publisher.publish(status)

    def dropped(self, stamp_ns: int, reason: str) -> None:
        """The image of a stamp was not processed; ``reason`` is a short name of the cause."""
        if has_subscribers(self._publisher):
            self._publisher.publish(drop_status(self._name, stamp_ns, reason))

    def held(self, stamp_ns: int, reason: str) -> None:
        """The image of a stamp waits for the next ones before it is processed or dropped."""
        if has_subscribers(self._held_publisher):
            self._held_publisher.publish(drop_status(self._name, stamp_ns, reason))
