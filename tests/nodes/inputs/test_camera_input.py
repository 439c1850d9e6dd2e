"""What the node asks of a camera's publishers."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")

from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.nodes.conversions.camera_info import calibration_to_msg
from denseba_ros.nodes.inputs.camera_input import LATCHED_QOS, CameraInput
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


class Camera:
    """A CameraInput that counts what it says."""

    def __init__(self, node: Any) -> None:
        self.calibrations: list[float] = []
        self.input = CameraInput(
            node, NodeConfig(), lambda _: None, self._on_calibration, lambda _: None
        )

    def is_ready(self) -> bool:
        self.input.watch(limit=1e9)
        return self.input.is_ready

    def _on_calibration(self) -> None:
        assert self.input.calibration is not None
        self.calibrations.append(self.input.calibration.fx)


def test_a_camera_info_that_was_published_once_before_is_heard(
    ros: Any, calibration: Calibration
) -> None:
    node = ros.client()
    publisher = node.create_publisher(CameraInfo, "camera_info", LATCHED_QOS)
    publisher.publish(calibration_to_msg(calibration, 1, "camera"))
    camera = Camera(node)
    ros.spin_until(camera.is_ready, "the latched camera_info")
    # Both subscriptions hear what follows; it counts once.
    publisher.publish(calibration_to_msg(calibration, 2, "camera"))
    other = Calibration(8, 6, 11.0, 11.0, 3.5, 2.5)
    publisher.publish(calibration_to_msg(other, 3, "camera"))
    ros.spin_until(lambda: len(camera.calibrations) > 1, "the changed camera_info")
    for _ in range(5):
        ros.executor.spin_once(timeout_sec=0.05)
    assert camera.calibrations == [10.0, 11.0]


def test_a_camera_that_is_not_latched_is_not_asked_for_what_it_cannot_give(ros: Any) -> None:
    """It would warn of a subscription that it can never serve."""
    node = ros.client()
    node.create_publisher(CameraInfo, "camera_info", QoSProfile(depth=5))
    camera = Camera(node)
    ros.spin_until(lambda: node.get_publishers_info_by_topic("/camera_info"), "the publisher")
    assert not camera.is_ready()
    assert [s.topic_name for s in node.subscriptions].count("/camera_info") == 1


def test_a_latched_camera_info_that_lags_behind_changes_nothing(
    ros: Any, calibration: Calibration
) -> None:
    camera = Camera(ros.client())
    other = Calibration(8, 6, 11.0, 11.0, 3.5, 2.5)
    camera.input._on_info_msg(calibration_to_msg(other, 2, "camera"))
    camera.input._on_latched_info_msg(calibration_to_msg(calibration, 1, "camera"))
    assert camera.calibrations == [11.0]
