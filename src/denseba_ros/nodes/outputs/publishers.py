"""Publishers whose QoS may be overridden and that explain a subscriber which cannot hear them."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions

from denseba_ros.nodes.base.qos_events import publisher_events
from denseba_ros.nodes.base.throttled_logger import ThrottledLogger


def make_publisher(node: Node, kind: Any, name: str, depth: int, throttled: ThrottledLogger) -> Any:
    """A reliable, volatile publisher of messages ``kind`` on the topic ``name``.

    It keeps ``depth`` messages; a subscriber of another QoS is reported to ``throttled``.
    """
    return node.create_publisher(
        kind,
        name,
        QoSProfile(depth=depth),
        qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        event_callbacks=publisher_events(throttled, node.resolve_topic_name(name)),
    )


def has_subscribers(publisher: Any) -> bool:
    """Whether anybody listens; what nobody hears need not be made."""
    return bool(publisher.get_subscription_count() > 0)
