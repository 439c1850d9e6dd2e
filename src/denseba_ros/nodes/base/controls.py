"""The services ~/reset, ~/pause and ~/resume."""

from __future__ import annotations

import threading

from rclpy.node import Node
from std_srvs.srv import Trigger

from denseba_ros.nodes.outputs.health import Health


class Controls:
    """Remembers what the services asked for; the worker looks between two images."""

    def __init__(self, node: Node, health: Health) -> None:
        self._health = health
        self._reset = threading.Event()
        node.create_service(Trigger, "~/reset", self._on_reset)
        node.create_service(Trigger, "~/pause", self._on_pause)
        node.create_service(Trigger, "~/resume", self._on_resume)

    @property
    def paused(self) -> bool:
        return self._health.paused

    def take_reset(self) -> bool:
        """True once after each ~/reset."""
        asked = self._reset.is_set()
        self._reset.clear()
        return asked

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._reset.set()
        response.success, response.message = True, "the next image starts a new odometry frame"
        return response

    def _on_pause(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.message = "was paused already" if self._health.paused else "paused"
        response.success = self._health.paused = True
        return response

    def _on_resume(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.message = "resumed" if self._health.paused else "was not paused"
        response.success, self._health.paused = True, False
        return response
