"""What is published about estimates goes forward in time."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")

from nav_msgs.msg import Odometry
from tf2_msgs.msg import TFMessage

from denseba_ros.geometry.body_frame import CameraMount, T_base_optical
from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.conversions.stamps import stamp_to_ns
from denseba_ros.nodes.outputs.estimate_outputs import EstimateOutputs
from denseba_ros.nodes.parameters.node_config import NodeConfig

SECOND = 1_000_000_000
MOUNT = CameraMount(T_base_optical(0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
BRIGHT = np.full((6, 8), 100, np.uint8)


class _Ears:
    """Outputs of a plain node, and the stamps of odometry and odom -> base that they publish."""

    def __init__(self, ros: Any, system: Any) -> None:
        self._ros, self.system = ros, system
        node = ros.client()
        logger = ThrottledLogger(node.get_logger().warning)
        self.outputs = EstimateOutputs(node, NodeConfig(), logger)
        self.odometry: list[int] = []
        self.tf: list[int] = []
        hear = [
            node.create_subscription(Odometry, "odometry", self._hear_odometry, 50),
            node.create_subscription(TFMessage, "/tf", self._hear_tf, 50),
        ]
        ros.spin_until(lambda: all(s.get_publisher_count() for s in hear), "the outputs")
        ours = [p for p in node.publishers if p.topic_name in ("/odometry", "/tf")]
        ros.spin_until(lambda: all(p.get_subscription_count() for p in ours), "the ears")

    def _hear_odometry(self, message: Odometry) -> None:
        self.odometry.append(stamp_to_ns(message.header.stamp))

    def _hear_tf(self, message: TFMessage) -> None:
        self.tf.append(stamp_to_ns(message.transforms[-1].header.stamp))

    def publish(self, stamp_ns: int) -> None:
        estimate = self.system.process(stamp_ns, BRIGHT)
        self.outputs.publish(estimate, self.system, MOUNT, "camera")

    def wait_for(self, stamp_ns: int) -> None:
        self._ros.spin_until(
            lambda: stamp_ns in self.odometry and stamp_ns in self.tf, "the last stamp"
        )


@pytest.fixture
def ears(ros: Any, fake_system: Any) -> _Ears:
    made = _Ears(ros, fake_system)
    made.publish(SECOND)  # the first image initialises
    return made


def test_what_was_predicted_of_an_image_is_not_said_again(ears: _Ears) -> None:
    """The late estimate of an image whose pose went out ahead has the same stamp."""
    ears.publish(2 * SECOND)
    ears.outputs.publish_prediction([3 * SECOND], MOUNT, 0.0)
    ears.publish(3 * SECOND)
    ears.publish(4 * SECOND)
    ears.wait_for(4 * SECOND)
    assert ears.odometry == [2 * SECOND, 3 * SECOND, 4 * SECOND] == ears.tf


def test_stamps_never_go_back(ears: _Ears) -> None:
    """An estimate of an image before the one that was predicted, and images that were missed."""
    ears.publish(2 * SECOND)
    ears.outputs.publish_prediction([4 * SECOND], MOUNT, 0.0)
    ears.publish(3 * SECOND)
    ears.outputs.coast(3 * SECOND + 1, MOUNT)
    ears.outputs.coast(4 * SECOND, MOUNT)
    ears.outputs.coast(5 * SECOND, MOUNT)
    ears.outputs.publish_prediction([5 * SECOND], MOUNT, 0.0)
    ears.publish(6 * SECOND)
    ears.wait_for(6 * SECOND)
    assert ears.odometry == [s * SECOND for s in (2, 4, 5, 6)] == ears.tf


def test_a_prediction_waits_until_odometry_is_silent(ears: _Ears) -> None:
    ears.outputs.publish_prediction([2 * SECOND], MOUNT, 0.0)
    ears.publish(3 * SECOND)
    ears.outputs.publish_prediction([4 * SECOND], MOUNT, 1e9)
    ears.outputs.publish_prediction([5 * SECOND, 3 * SECOND, 6 * SECOND], MOUNT, 0.0)
    ears.publish(7 * SECOND)
    ears.wait_for(7 * SECOND)
    assert ears.odometry == [s * SECOND for s in (3, 5, 7)] == ears.tf


def test_the_measured_pose_is_known_while_a_prediction_lends(ears: _Ears) -> None:
    """/tf stays as it is; the status' transform gives what was measured in map."""
    ears.publish(2 * SECOND)
    outputs = ears.outputs
    estimate = outputs.newest
    assert estimate is not None
    np.testing.assert_array_equal(outputs.T_map_odom_measured, outputs.T_map_odom)
    outputs.publish_prediction([3 * SECOND], MOUNT, 0.0)
    T = estimate.T_world_camera.copy()
    T[:3, 3] += [0.7, 0.1, 0.2]
    measured = replace(estimate, stamp_ns=3 * SECOND + 1, T_world_camera=T)
    outputs.publish(measured, ears.system, MOUNT, "camera")
    np.testing.assert_array_equal(outputs.T_map_odom, np.eye(4))
    assert outputs.newest is not None
    in_odom = MOUNT.T_odom_base(outputs.newest.T_world_camera)
    assert np.abs(in_odom - MOUNT.T_odom_base(T)).max() > 0.1
    np.testing.assert_allclose(
        outputs.T_map_odom_measured @ in_odom, MOUNT.T_odom_base(T), atol=1e-12
    )


def test_stamps_rise_under_two_publishing_threads(ears: _Ears) -> None:
    """The worker publishes what it measured, the executor predicts, both as fast as they can."""
    count = 500
    ears.publish(2 * SECOND)
    published: list[int] = []
    send = ears.outputs._poses._odometry.publish
    ears.outputs._poses._odometry.publish = lambda message: (
        published.append(stamp_to_ns(message.header.stamp)),
        send(message),
    )
    is_done = threading.Event()

    def work() -> None:
        try:
            for k in range(count):
                ears.publish(3 * SECOND + k * 1_000_000)
        finally:
            is_done.set()

    def predict() -> None:
        while not is_done.is_set():
            last_ns = published[-1] if published else 2 * SECOND
            ahead = [last_ns + 500_000, last_ns + 1_500_000]
            ears.outputs.publish_prediction(ahead, MOUNT, 0.0)
            ears.outputs.predict(last_ns + 2_000_000)
            time.sleep(1e-4)  # a lock goes to whoever asks first: the worker must get it, too

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=one) for one in (work, predict)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert published[-1] >= 3 * SECOND + (count - 1) * 1_000_000
    assert len(published) > count // 2
    assert (np.diff(published) > 0).all()


def test_after_a_reset_time_may_begin_anew(ears: _Ears) -> None:
    """A bag that is played again."""
    ears.publish(9 * SECOND)
    ears.outputs.reset()
    ears.publish(2 * SECOND)
    ears.wait_for(2 * SECOND)
    assert ears.odometry == [9 * SECOND, 2 * SECOND] == ears.tf
