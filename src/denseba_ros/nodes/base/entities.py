"""What a lifecycle transition makes on a node, so that the opposite one takes it away again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rclpy.node import Node


class Entities:
    """Everything that ``node`` gained since this object was made."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._kept = [entity for _, entity in self._all()]

    def destroy(self) -> None:
        """Destroy publishers, subscriptions and timers that were not there at first."""
        for kind, entity in list(self._all()):
            if not any(entity is kept for kept in self._kept):
                getattr(self._node, f"destroy_{kind}")(entity)

    def _all(self) -> Iterator[tuple[str, Any]]:
        yield from (("publisher", p) for p in self._node.publishers)
        yield from (("subscription", s) for s in self._node.subscriptions)
        yield from (("timer", t) for t in self._node.timers)
