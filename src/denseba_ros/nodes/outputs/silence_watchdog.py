"""Odometry in time, even where the processing of one image takes long."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.outputs.estimate_outputs import EstimateOutputs

_PERIOD = 0.05


class SilenceWatchdog:
    """Publishes predicted odometry where an image takes so long that the next ones wait.

    ``mount`` gives where the newest image's camera sits, None while that is unknown or while the
    node is not active. ``max_silence`` is in seconds, 0: never.
    """

    def __init__(
        self,
        node: Node,
        outputs: EstimateOutputs,
        mount: Callable[[], CameraMount | None],
        max_silence: float,
    ) -> None:
        self.max_silence = max_silence
        self._outputs, self._mount = outputs, mount
        self._received_ns = self._processing_ns = 0
        node.create_timer(_PERIOD, self._check, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def received(self, stamp_ns: int) -> None:
        """An image of this stamp arrived."""
        self._received_ns = stamp_ns

    def processing(self, stamp_ns: int) -> None:
        """The estimate of the image of this stamp is being computed."""
        self._processing_ns = stamp_ns

    def _check(self) -> None:
        mount = self._mount()
        is_waiting = self._received_ns > self._processing_ns
        if mount is not None and self.max_silence > 0 and is_waiting:
            stamps_ns = (self._processing_ns, self._received_ns)
            self._outputs.publish_prediction(stamps_ns, mount, self.max_silence)
