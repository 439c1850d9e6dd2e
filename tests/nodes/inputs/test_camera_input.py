"""What the node asks of a camera's publishers."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")

from rclpy.qos import ReliabilityPolicy

from denseba_ros.nodes.inputs.camera_input import CameraInput
from denseba_ros.nodes.parameters.node_config import NodeConfig


@pytest.mark.parametrize(
    ("settings", "image", "reliability"),
    [
        ({}, "/image", ReliabilityPolicy.BEST_EFFORT),
        ({"image_qos": "sensor_data"}, "/image", ReliabilityPolicy.BEST_EFFORT),
        ({"image_qos": "reliable"}, "/image", ReliabilityPolicy.RELIABLE),
        ({"image_transport": "compressed"}, "/image/compressed", ReliabilityPolicy.BEST_EFFORT),
    ],
)
def test_it_asks_for_reliable_images_only_when_told(
    ros: Any, settings: dict[str, Any], image: str, reliability: ReliabilityPolicy
) -> None:
    """Most cameras publish best effort, which a reliable subscription never hears."""
    node = ros.client()
    camera = CameraInput(node, NodeConfig(**settings), lambda _: None, lambda: None, lambda _: None)
    assert (camera.image_topic, camera.info_topic) == (image, "/camera_info")
    for topic in (image, "/camera_info"):
        ros.spin_until(lambda t=topic: node.get_subscriptions_info_by_topic(t), topic)
        (subscription,) = node.get_subscriptions_info_by_topic(topic)
        assert subscription.qos_profile.reliability == reliability
