"""Publishers whose QoS may be overridden and that explain a subscriber which cannot hear them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile

from denseba_ros.nodes.base.qos_events import publisher_events, qos_overrides
from denseba_ros.nodes.base.throttled_logger import ThrottledLogger


def make_publisher(
    node: Node,
    kind: Any,
    name: str,
    depth: int,
    throttled: ThrottledLogger,
    *,
    latched: bool = False,
    on_matched: Callable[[Any], None] | None = None,
) -> Any:
    """A reliable publisher of messages ``kind`` on the topic ``name``.

    It keeps ``depth`` messages, and where it is ``latched`` gives them to a late subscriber that is
    transient_local too. A subscriber of another QoS is reported to ``throttled``; ``on_matched``
    gets the middleware's event when one comes or goes.
    """
    durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
    return node.create_publisher(
        kind,
        name,
        QoSProfile(depth=depth, durability=durability),
        qos_overriding_options=qos_overrides(),
        event_callbacks=publisher_events(throttled, node.resolve_topic_name(name), on_matched),
    )


def has_subscribers(publisher: Any) -> bool:
    """Whether anybody listens; what nobody hears need not be made."""
    return bool(publisher.get_subscription_count() > 0)


class LatchedPublisher:
    """The newest message of a topic for whoever comes, however late; made only when it is heard.

    Thread-safe.
    """

    def __init__(self, node: Node, kind: Any, name: str, throttled: ThrottledLogger) -> None:
        self._lock = threading.Lock()
        self._unheard: Callable[[], Any] | None = None
        self._publisher = make_publisher(
            node, kind, name, 1, throttled, latched=True, on_matched=self._matched
        )

    @property
    def is_heard(self) -> bool:
        """Whether anybody listens."""
        return has_subscribers(self._publisher)

    def offer(self, make: Callable[[], Any]) -> None:
        """Publish what ``make`` returns: now, or as soon as somebody listens."""
        with self._lock:
            self._unheard = make
        self._publish_if_heard()

    def forget(self) -> None:
        """What was offered and not heard is no longer true."""
        with self._lock:
            self._unheard = None

    def _matched(self, _: Any) -> None:
        self._publish_if_heard()

    def _publish_if_heard(self) -> None:
        with self._lock:
            if self._unheard is not None and has_subscribers(self._publisher):
                self._publisher.publish(self._unheard())
                self._unheard = None
