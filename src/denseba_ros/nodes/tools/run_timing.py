"""Whether images wait for the node (lockstep) or come when they come (live)."""

from __future__ import annotations

import time

from rclpy.node import Node

from denseba_ros.nodes.tools.player_options import PLAYER_NODE

_PERIOD = 1.0


class TimingProbe:
    """Looks who listens to `status` beside ``node``: only who hears it can hold images back.

    ``timing`` is "lockstep" once our player was among them, "live" while nobody listens, and
    "unknown" where others do or nothing was seen yet.
    """

    def __init__(self, node: Node) -> None:
        self.timing = "unknown"
        self._node, self._topic = node, node.resolve_topic_name("status")
        self._looked_at = -_PERIOD
        self._others: set[str] = set()

    def look(self) -> None:
        """Look once a second at most; call it while images come."""
        if self.timing == "lockstep" or time.monotonic() - self._looked_at < _PERIOD:
            return
        self._looked_at = time.monotonic()
        listeners = self._node.get_subscriptions_info_by_topic(self._topic)
        self._others |= {info.node_name for info in listeners} - {self._node.get_name()}
        if PLAYER_NODE in self._others:
            self.timing = "lockstep"
        else:
            self.timing = "unknown" if self._others else "live"
