"""A latched topic costs nothing while nobody listens, and a late listener misses nothing."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")

from geometry_msgs.msg import PoseArray
from rclpy.qos import DurabilityPolicy, QoSProfile

from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.conversions.stamps import make_header, stamp_to_ns
from denseba_ros.nodes.outputs.publishers import LatchedPublisher

QOS = {
    "latched": QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL),
    "volatile": QoSProfile(depth=1),
}


class Topic:
    """A latched topic, what was made for it, and its listeners."""

    def __init__(self, ros: Any) -> None:
        self.ros, self.node = ros, ros.client()
        warn = ThrottledLogger(self.node.get_logger().warning)
        self.publisher = LatchedPublisher(self.node, PoseArray, "poses", warn)
        self.made: list[int] = []

    def offer(self, stamp_ns: int) -> None:
        def make() -> PoseArray:
            self.made.append(stamp_ns)
            return PoseArray(header=make_header(stamp_ns, "odom"))

        self.publisher.offer(make)

    def listen(self, qos: str) -> list[int]:
        heard: list[int] = []
        self.node.create_subscription(
            PoseArray, "poses", lambda m: heard.append(stamp_to_ns(m.header.stamp)), QOS[qos]
        )
        return heard


@pytest.fixture
def topic(ros: Any) -> Topic:
    return Topic(ros)


def test_what_was_offered_to_nobody_is_made_once_for_the_first_who_comes(topic: Topic) -> None:
    topic.offer(1)
    topic.offer(2)
    assert topic.made == []
    for qos in ("latched", "latched", "volatile"):
        heard = topic.listen(qos)
        if qos == "latched":
            topic.ros.spin_until(lambda h=heard: h, "the newest message")
            assert heard == [2]
    assert topic.made == [2]
    topic.offer(3)
    topic.ros.spin_until(lambda: heard, "the message after that")
    assert heard == [3]
    assert topic.made == [2, 3]


def test_what_is_no_longer_true_is_not_told(topic: Topic) -> None:
    topic.offer(1)
    topic.publisher.forget()
    heard = topic.listen("latched")
    topic.offer(2)
    topic.ros.spin_until(lambda: heard, "the next message")
    assert heard == [2]
    assert topic.made == [2]
