"""What to tell the user when two QoS profiles do not meet: silence is all that DDS offers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import QoSPolicyKind, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.topic_endpoint_info import TopicEndpointInfo

from denseba_ros.nodes.base.throttled_logger import ThrottledLogger

_REMEDIES = {
    QoSPolicyKind.RELIABILITY: "reliable wants more than best effort: ask for less "
    "(node.image_qos: sensor_data) or publish reliably",
    QoSPolicyKind.DURABILITY: "transient_local wants more than volatile: ask for volatile",
    QoSPolicyKind.DEADLINE: "the deadline asked for is shorter than the one promised",
    QoSPolicyKind.LIVELINESS: "the liveliness asked for is stricter than the one promised",
}

_OVERRIDABLE = (
    QoSPolicyKind.HISTORY,
    QoSPolicyKind.DEPTH,
    QoSPolicyKind.RELIABILITY,
    QoSPolicyKind.DURABILITY,
)


def qos_overrides() -> QoSOverridingOptions:
    """The policies that ``qos_overrides./TOPIC.publisher.reliability`` and the like may set."""
    return QoSOverridingOptions(policy_kinds=_OVERRIDABLE)


def subscription_events(
    throttled: ThrottledLogger, topic: str, on_lost: Callable[[Any], None] | None = None
) -> SubscriptionEventCallbacks:
    """Callbacks of a subscription to ``topic``; they explain a publisher that it can never hear.

    ``on_lost`` gets the middleware's event when messages were lost on the way.
    """

    def explain(event: Any) -> None:
        throttled.warn(f"qos {topic}", explanation(topic, "publisher", event))

    return SubscriptionEventCallbacks(incompatible_qos=explain, message_lost=on_lost)


def publisher_events(
    throttled: ThrottledLogger, topic: str, on_matched: Callable[[Any], None] | None = None
) -> PublisherEventCallbacks:
    """Callbacks of a publisher on ``topic``; they explain a subscriber that can never hear it.

    ``on_matched`` gets the middleware's event when a subscriber came or went.
    """

    def explain(event: Any) -> None:
        throttled.warn(f"qos {topic}", explanation(topic, "subscriber", event))

    return PublisherEventCallbacks(incompatible_qos=explain, matched=on_matched)


def explanation(topic: str, other: str, event: Any) -> str:
    """One sentence with the policy in question and the remedy.

    ``other`` is "publisher" or "subscriber", ``event`` the middleware's incompatible-QoS event.
    """
    kind = QoSPolicyKind(event.last_policy_kind)
    policy, entity = kind.name.lower(), "subscription" if other == "publisher" else "publisher"
    remedy = _REMEDIES.get(kind, "give both sides the same value")
    if kind in _OVERRIDABLE:
        remedy += f", or set qos_overrides.{topic}.{entity}.{policy}"
    return (
        f"{topic}: nothing passes between this node and {event.total_count} {other}(s) of another "
        f"QoS ({policy}): {remedy}"
    )


def describe_publishers(node: Node, topic: str) -> str:
    """Who publishes on ``topic`` and with which QoS, for warnings about missing messages."""
    publishers = node.get_publishers_info_by_topic(topic)
    if not publishers:
        return "nobody publishes it"
    return "; ".join(_described(publisher) for publisher in publishers)


def _described(publisher: TopicEndpointInfo) -> str:
    qos = publisher.qos_profile
    reliable = qos.reliability == ReliabilityPolicy.RELIABLE
    kind = "reliable" if reliable else "best effort"
    name = f"{publisher.node_namespace.rstrip('/')}/{publisher.node_name}"
    return f"{name} publishes {publisher.topic_type}; its QoS is {kind}, {qos.durability.name}"
