"""Hears a node's odometry, status and TF and notes when each message came, at little cost."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message
from tf2_msgs.msg import TFMessage

from denseba_ros.benchmark.live.outputs_heard import (
    ODOMETRY,
    STATUS,
    TF,
    TF_STATIC,
    Message,
    OutputsHeard,
)
from denseba_ros.nodes.inputs.extrinsics import STATIC_TF_QOS
from denseba_ros.nodes.tools.sent_images import Sent
from denseba_ros.nodes.tools.spinning_node import SpinningNode

_QOS = QoSProfile(depth=500)
_TOPICS: dict[str, tuple[Any, QoSProfile]] = {
    ODOMETRY: (Odometry, _QOS),
    STATUS: (DiagnosticArray, _QOS),
    TF: (TFMessage, _QOS),
    TF_STATIC: (TFMessage, STATIC_TF_QOS),
}


class OutputListener(SpinningNode):
    """Keeps messages as bytes, which are read after the run: the node needs the processor.

    ``statuses`` is the number of images that the node has reported, ``last_heard`` the monotonic
    time (s) of the last message.
    """

    def __init__(self) -> None:
        super().__init__("denseba_live")
        self.statuses = 0
        self.last_heard = time.monotonic()
        self._messages: list[tuple[float, str, bytes]] = []
        for topic, (kind, qos) in _TOPICS.items():
            self.create_subscription(kind, topic, partial(self._arrived, topic), qos, raw=True)
        self.spin()

    def is_connected(self) -> bool:
        """Whether a node publishes odometry and status."""
        return all(self.count_publishers(topic) for topic in (ODOMETRY, STATUS))

    def heard(self, sent: list[Sent]) -> OutputsHeard:
        """What came so far, read; ``sent`` are the images."""
        return OutputsHeard(
            sent,
            [
                Message(at, topic, deserialize_message(raw, _TOPICS[topic][0]))
                for at, topic, raw in list(self._messages)
            ],
        )

    def _arrived(self, topic: str, raw: bytes) -> None:
        self.last_heard = time.monotonic()
        self._messages.append((self.last_heard, topic, raw))
        self.statuses += topic == STATUS
