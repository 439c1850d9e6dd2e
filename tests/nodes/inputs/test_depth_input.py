"""The node hears a depth camera and gives each image its depth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")

from sensor_msgs.msg import Image

from denseba_ros.config import FrontendConfig
from denseba_ros.nodes.conversions.images import float_image_to_msg, image_to_msg
from denseba_ros.nodes.inputs.camera_image import CameraImage
from denseba_ros.nodes.inputs.depth_input import make_depth_input
from denseba_ros.nodes.outputs.health import Health
from denseba_ros.nodes.parameters.node_config import NodeConfig

_FRONTEND = FrontendConfig(depth_model="topic")
_GREY = np.zeros((6, 8), np.uint8)


def test_images_come_with_depth_or_without_after_a_wait(ros: Any) -> None:
    node, heard = ros.client(), []
    settings = NodeConfig(image_qos="reliable", depth_wait=0.3)
    depth = make_depth_input(node, settings, _FRONTEND, heard.append)
    assert depth is not None
    publisher = node.create_publisher(Image, "depth_in", 10)
    ros.spin_until(lambda: publisher.get_subscription_count() > 0, "the depth subscription")
    metres = np.full((6, 8), 2.5, np.float32)
    publisher.publish(float_image_to_msg(metres, 1000, "camera"))
    publisher.publish(image_to_msg((1000 * metres).astype(np.uint16), "16UC1", 2000, "camera"))
    publisher.publish(image_to_msg(_GREY, "mono8", 3000, "camera"))
    for stamp in (1000, 2000, 3000, 10**9):
        grey = image_to_msg(_GREY, "mono8", stamp, "camera")
        depth.receive(CameraImage(stamp, "camera", grey))
    ros.spin_until(lambda: len(heard) == 4, "four images")
    health = Health()
    decoded = [depth.decode(image, health) for image in heard]
    assert [image.stamp_ns for image in heard] == [1000, 2000, 3000, 10**9]
    for found in decoded[:2]:
        assert found is not None
        assert np.allclose(found, metres)
    # A grey image is no depth, and the last had none.
    assert decoded[2:] == [None, None]
    assert health.report().without_depth == 2


def test_another_depth_model_hears_nothing(ros: Any) -> None:
    node = ros.client()
    assert make_depth_input(node, NodeConfig(), FrontendConfig(), print) is None
    assert not any(s.topic_name == "/depth_in" for s in node.subscriptions)
