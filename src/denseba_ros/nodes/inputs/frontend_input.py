"""The topics of a frontend in another process: its messages joined by stamp."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile

from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.conversions.depth_messages import REQUEST_TOPIC
from denseba_ros.nodes.conversions.frame_names import frame_name
from denseba_ros.nodes.conversions.frontend_messages import TOPICS, FrontendMessages
from denseba_ros.nodes.conversions.stamps import stamp_to_ns
from denseba_ros.nodes.inputs.depth_requests import DepthRequests
from denseba_ros.nodes.inputs.exact_time_sync import ExactTimeSync


@dataclass(frozen=True)
class ReceivedFrame:
    """The joined messages of one image; decoding is left to the worker."""

    stamp_ns: int
    frame_id: str
    messages: FrontendMessages


class FrontendInput:
    """Subscribes to ``frontend/*`` and warns when nothing complete comes.

    ``on_frame`` gets every complete frame, ``on_incomplete`` the stamp (ns) of each that lost a
    message. ``depth`` asks for the depth of those that need one.
    """

    def __init__(
        self,
        node: Node,
        on_frame: Callable[[ReceivedFrame], None],
        on_incomplete: Callable[[int], None],
        depth: DepthRequests,
        throttled: ThrottledLogger,
    ) -> None:
        self.depth = depth
        self._on_frame, self._on_incomplete = on_frame, on_incomplete
        self._throttled = throttled
        self._sync = ExactTimeSync(TOPICS)
        self._last_frame_at = time.monotonic()
        for name, kind in TOPICS.items():
            node.create_subscription(
                kind, f"frontend/{name}", partial(self._on_message, name), QoSProfile(depth=10)
            )

    @property
    def is_ready(self) -> bool:
        """Whether depth can be asked for; every frame brings its own calibration."""
        return self.depth.has_frontend

    def _on_message(self, name: str, message: Any) -> None:
        stamp_ns = stamp_to_ns(message.header.stamp)
        parts, given_up = self._sync.add(name, stamp_ns, message)
        for stamp in given_up:
            self._on_incomplete(stamp)
        if parts is not None:
            self._last_frame_at = time.monotonic()
            frame_id = frame_name(parts["image"].header.frame_id)
            self._on_frame(ReceivedFrame(stamp_ns, frame_id, FrontendMessages(**parts)))

    def close(self) -> None:
        """Let no thread wait for a depth any more."""
        self.depth.close()

    def watch(self, limit: float) -> None:
        """Warn when no complete frame has come for ``limit`` s; to be called once a second."""
        if time.monotonic() - self._last_frame_at > limit:
            self._throttled.warn(
                "no frontend", f"nothing complete on frontend/* for {limit:g} s: does it run?"
            )
        elif not self.depth.has_frontend:
            self._throttled.warn("no depth", f"no frontend_node listens to {REQUEST_TOPIC}")
