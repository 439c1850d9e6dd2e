"""The node hears an IMU and counts its samples and their problems; without one nothing changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from denseba_ros.geometry.calibration import Calibration

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")

from sensor_msgs.msg import Imu
from tf2_msgs.msg import TFMessage

from denseba_ros.config import ImuConfig
from denseba_ros.geometry import pose_step
from denseba_ros.nodes.conversions.imu_messages import imu_to_msg
from denseba_ros.nodes.conversions.poses import maybe_inverted
from denseba_ros.nodes.inputs.extrinsics import STATIC_TF_QOS
from denseba_ros.nodes.inputs.imu_input import make_imu_input
from tests.nodes.node_bench import Bench

MS = 1_000_000
RATE, FORCE = np.array([0.1, -0.2, 0.3]), np.array([0.0, 0.5, 9.8])


def _sent(ros: Any, node: Any, stamps_ms: list[int]) -> None:
    publisher = node.create_publisher(Imu, "imu", 1000)
    ros.spin_until(lambda: publisher.get_subscription_count() > 0, "the subscription to the IMU")
    for stamp in stamps_ms:
        publisher.publish(imu_to_msg(stamp * MS, RATE, FORCE, "imu_link"))


def test_samples_reach_the_buffer(ros: Any) -> None:
    node = ros.client()
    imu = make_imu_input(node, ImuConfig(mode="gyroscope"))
    assert imu is not None
    _sent(ros, node, [*range(0, 200, 5), 190])
    ros.spin_until(lambda: imu.buffer.received == 41, "all samples")
    cut = imu.buffer.between(12 * MS, 188 * MS)
    assert cut is not None
    np.testing.assert_allclose(cut.gyroscope, np.tile(RATE, (len(cut), 1)))
    np.testing.assert_allclose(cut.accelerometer, np.tile(FORCE, (len(cut), 1)))
    assert imu.values() == {"IMU samples": "41", "IMU: duplicate": "1"}


def test_off_hears_nothing(ros: Any) -> None:
    node = ros.client()
    assert make_imu_input(node, ImuConfig()) is None
    assert not any(s.topic_name == "/imu" for s in node.subscriptions)


def _has_subscription(bench: Bench) -> bool:
    return any(s.topic_name == "/imu" for s in bench.node.subscriptions)


def test_the_diagnostics_count_samples(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    bench = Bench(ros, fake_system, calibration, **{"imu.mode": "inertial"})
    assert _has_subscription(bench)
    assert fake_system.imu.received == 0
    _sent(ros, bench.client, list(range(0, 100, 5)))

    def counted() -> str:
        messages = bench.heard["/diagnostics"]
        values = messages[-1].status[0].values if messages else []
        return next((v.value for v in values if v.key == "IMU samples"), "")

    ros.spin_until(lambda: counted() == "20", "twenty samples in the diagnostics")


def test_without_imu_nothing_changes(ros: Any, fake_system: Any, calibration: Calibration) -> None:
    bench = Bench(ros, fake_system, calibration)
    assert not _has_subscription(bench)
    bench.wait_for("/diagnostics", 1)
    keys = [v.key for v in bench.heard["/diagnostics"][-1].status[0].values]
    assert not any(key.startswith("IMU") for key in keys)


def test_tf_tells_where_the_camera_sits_once(ros: Any) -> None:
    node, other = ros.client(), ros.client()
    imu = make_imu_input(node, ImuConfig(mode="inertial"))
    assert imu is not None
    publisher = other.create_publisher(TFMessage, "/tf_static", STATIC_TF_QOS)
    T_base_imu = pose_step.exp(np.array([0.1, 0.2, 0.3, 0.0, 0.0, 1.0]))
    T_base_camera = pose_step.exp(np.array([0.5, 0.0, 0.1, 1.0, -0.5, 0.2]))
    transforms = [
        maybe_inverted(T_base_imu, 1, "base_link", "imu_link", False),
        maybe_inverted(T_base_camera, 1, "base_link", "camera", False),
    ]
    publisher.publish(TFMessage(transforms=transforms))
    _sent(ros, other, [0, 5, 10])
    found: list[np.ndarray] = []

    def is_found() -> bool:
        T = imu.take_extrinsics("camera")
        found.extend([] if T is None else [T])
        return bool(found)

    ros.spin_until(is_found, "the extrinsics")
    np.testing.assert_allclose(found[0], pose_step.inverse(T_base_imu) @ T_base_camera, atol=1e-12)
    assert imu.take_extrinsics("camera") is None


def test_parameters_that_tell_it_are_not_asked_again(ros: Any) -> None:
    node = ros.client()
    T = pose_step.exp(np.array([0.1, 0.0, 0.0, 0.0, 0.0, 1.0]))
    imu = make_imu_input(node, ImuConfig(mode="inertial", T_imu_camera=tuple(T.ravel().tolist())))
    assert imu is not None
    assert not any(s.topic_name == "/tf_static" for s in node.subscriptions)
    assert imu.take_extrinsics("camera") is None
