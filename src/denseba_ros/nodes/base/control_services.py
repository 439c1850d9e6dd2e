"""The services ~/reset, ~/pause and ~/resume."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.node import Node
from std_srvs.srv import Trigger

from denseba_ros.nodes.outputs.health import Health


class ControlServices:
    """Offers the three services on ``node``.

    ``on_reset`` is called with each ~/reset; pausing is a flag of ``health``.
    """

    def __init__(self, node: Node, health: Health, on_reset: Callable[[], None]) -> None:
        self._health, self._on_reset = health, on_reset
        node.create_service(Trigger, "~/reset", self._reset)
        node.create_service(Trigger, "~/pause", self._pause)
        node.create_service(Trigger, "~/resume", self._resume)

    def _reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._on_reset()
        response.success, response.message = True, "the next image starts a new odometry frame"
        return response

    def _pause(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.message = "was paused already" if self._health.paused else "paused"
        response.success = self._health.paused = True
        return response

    def _resume(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.message = "resumed" if self._health.paused else "was not paused"
        response.success, self._health.paused = True, False
        return response
