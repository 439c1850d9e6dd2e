"""What a lifecycle transition creates on a node, so that the opposite transition destroys it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rclpy.node import Node


class NodeResources:
    """The publishers, subscriptions and timers that ``node`` gained since this object exists."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._kept = [resource for _, resource in self._all()]

    def destroy(self) -> None:
        """Destroy the publishers, subscriptions and timers that were not there at first."""
        for kind, resource in list(self._all()):
            if not any(resource is kept for kept in self._kept):
                getattr(self._node, f"destroy_{kind}")(resource)

    def _all(self) -> Iterator[tuple[str, Any]]:
        yield from (("publisher", p) for p in self._node.publishers)
        yield from (("subscription", s) for s in self._node.subscriptions)
        yield from (("timer", t) for t in self._node.timers)
