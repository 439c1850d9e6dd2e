"""Odometry at an even rate for autopilots: between two images it is predicted."""

from __future__ import annotations

import time
from collections.abc import Callable

from nav_msgs.msg import Odometry
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile

from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.conversions.poses import odometry_to_msg
from denseba_ros.nodes.conversions.stamps import NANOSECONDS
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.slam.state.estimate import Estimate


class PredictedOdometry:
    """Publishes `odometry/predicted` ``node.prediction_rate`` times a second; stamps only rise.

    The stamps are in the images' time: that of the newest image and what passed since it arrived,
    or the simulated time. ``predict`` gives the estimate in odom at a time (ns), ``mount`` where
    the newest image's camera sits; both None while unknown. ``on_published`` gets every estimate
    that was published.
    """

    def __init__(
        self,
        node: Node,
        settings: NodeConfig,
        predict: Callable[[int], Estimate | None],
        mount: Callable[[], CameraMount | None],
        on_published: Callable[[Estimate, CameraMount], None],
    ) -> None:
        self._node, self._settings = node, settings
        self._predict, self._mount, self._on_published = predict, mount, on_published
        self._publisher = node.create_publisher(Odometry, "odometry/predicted", QoSProfile(depth=5))
        self._newest: tuple[int, float] | None = None
        self._last_ns: int | None = None
        node.create_timer(
            1.0 / settings.prediction_rate,
            self._publish,
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def received(self, stamp_ns: int) -> None:
        """Remember when the newest image arrived; an earlier stamp than before is a new time."""
        if self._newest is not None and stamp_ns < self._newest[0]:
            self._last_ns = None
        self._newest = (stamp_ns, time.monotonic())

    def _now_ns(self) -> int | None:
        if self._newest is None:
            return None
        if self._node.get_parameter("use_sim_time").value:
            now_ns: int = self._node.get_clock().now().nanoseconds
            return now_ns
        stamp_ns, arrived_at = self._newest
        return stamp_ns + round((time.monotonic() - arrived_at) * NANOSECONDS)

    def _publish(self) -> None:
        now_ns, mount = self._now_ns(), self._mount()
        if (
            now_ns is None
            or mount is None
            or (self._last_ns is not None and now_ns <= self._last_ns)
        ):
            return
        estimate = self._predict(now_ns)
        if estimate is None:
            return
        self._last_ns = now_ns
        settings = self._settings
        self._publisher.publish(odometry_to_msg(estimate, mount, settings.odom, settings.base))
        self._on_published(estimate, mount)
