"""What the node tells the user about two QoS profiles that do not meet is a remedy that works."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")

from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSPolicyKind

from denseba_ros.nodes.base.qos_events import explanation
from denseba_ros.nodes.denseba_node import DensebaNode


def explain(topic: str, other: str, kind: QoSPolicyKind) -> str:
    return explanation(topic, other, SimpleNamespace(last_policy_kind=kind, total_count=1))


@pytest.mark.parametrize("kind", [QoSPolicyKind.RELIABILITY, QoSPolicyKind.DURABILITY])
@pytest.mark.parametrize(
    ("topic", "other"),
    [
        ("/image", "publisher"),
        ("/camera_info", "publisher"),
        ("/odometry", "subscriber"),
        ("/path", "subscriber"),
        ("/points", "subscriber"),
    ],
)
def test_the_parameter_of_the_remedy_exists(
    ros: Any, fake_system: Any, topic: str, other: str, kind: QoSPolicyKind
) -> None:
    node = ros.add(DensebaNode(lambda _, __: fake_system))
    node.autostart()
    (name,) = re.findall(r"qos_overrides\S+", explain(topic, other, kind))
    assert node.has_parameter(name)


def test_no_parameter_is_named_where_there_is_none() -> None:
    assert "qos_overrides" not in explain("/image", "publisher", QoSPolicyKind.DEADLINE)


def test_the_remedy_changes_the_durability(ros: Any, fake_system: Any) -> None:
    overrides = {
        "qos_overrides./image.subscription.durability": "transient_local",
        "qos_overrides./path.publisher.durability": "volatile",
    }
    parameters = [Parameter(name, value=value) for name, value in overrides.items()]
    node = ros.add(DensebaNode(lambda _, __: fake_system, parameter_overrides=parameters))
    node.autostart()
    (image,) = [s for s in node.subscriptions if s.topic_name == "/image"]
    (path,) = [p for p in node.publishers if p.topic_name == "/path"]
    assert image.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
    assert path.qos_profile.durability == DurabilityPolicy.VOLATILE
