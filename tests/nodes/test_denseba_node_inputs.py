"""denseba_node around a fake system: what it waits for, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from denseba_ros.geometry.body_frame import T_base_optical
from denseba_ros.geometry.calibration import Calibration

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")

from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo
from tf2_msgs.msg import TFMessage

from denseba_ros.errors import ConfigurationError
from denseba_ros.nodes.conversions.camera_info import calibration_to_msg
from denseba_ros.nodes.conversions.poses import pose_from_msg, transform_to_msg
from denseba_ros.nodes.denseba_node import DensebaNode
from denseba_ros.nodes.inputs.camera_input import LATCHED_QOS
from denseba_ros.nodes.inputs.extrinsics import STATIC_TF_QOS
from tests.nodes.node_bench import BRIGHT, SECOND, Bench


@pytest.fixture
def bench(ros: Any, fake_system: Any, calibration: Calibration) -> Bench:
    return Bench(ros, fake_system, calibration)


def test_images_before_camera_info_wait_for_it(bench: Bench) -> None:
    bench.send(SECOND)
    bench.send(2 * SECOND)
    bench.ros.spin_until(lambda: bench.node.health.report().received == 2, "two images")
    bench.send_info()
    bench.wait_for_images(2)
    assert [state for _, state, _ in bench.statuses()] == ["initialising", "tracking"]


def test_a_camera_that_hangs_is_named_and_its_images_are_dropped(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    bench = Bench(ros, fake_system, calibration, **{"node.frozen_after": 1.0})
    bench.send_info()
    moved = np.full((6, 8, 3), 150, np.uint8)
    for i, image in enumerate([BRIGHT, BRIGHT, BRIGHT, moved]):
        bench.send(SECOND + i * SECOND * 6 // 10, image)
    bench.wait_for_images(4)
    states = [state for _, state, _ in bench.statuses()]
    assert states == ["initialising", "tracking", "dropped", "tracking"]
    bench.wait_for("odometry", 3)


def test_black_images_are_named_in_the_diagnostics(bench: Bench) -> None:
    bench.send_info()
    bench.send(SECOND, np.zeros_like(BRIGHT))
    bench.wait_for_images(1)

    def images() -> str:
        arrays = bench.heard["/diagnostics"]
        values = arrays[-1].status[0].values if arrays else []
        return "".join(v.value for v in values if v.key == "images")

    bench.ros.spin_until(lambda: "black" in images(), "black in /diagnostics")


def test_wrong_images_are_dropped_and_counted_and_the_rest_goes_on(bench: Bench) -> None:
    bench.send_info()
    bench.send(SECOND)
    bench.send(SECOND)
    bench.send(SECOND - 1)
    bench.send(SECOND + 1, np.full((5, 8, 3), 9, np.uint8))
    bench.send(SECOND + 2, encoding="invented8")
    bench.send(SECOND + 3)
    bench.wait_for_images(6)
    # What is wrong with the stamp alone is told on arrival, before the images that wait.
    assert sorted(bench.statuses(), key=lambda s: (s[0], s[1] == "dropped")) == [
        (SECOND - 1, "dropped", "stamp earlier than the last image's"),
        (SECOND, "initialising", "because the test says so"),
        (SECOND, "dropped", "duplicate stamp"),
        (SECOND + 1, "dropped", "bad image"),
        (SECOND + 2, "dropped", "bad image"),
        (SECOND + 3, "tracking", ""),
    ]

    def drops() -> dict[str, int]:
        values = (
            bench.heard["/diagnostics"][-1].status[0].values if bench.heard["/diagnostics"] else []
        )
        return {v.key: int(v.value) for v in values if v.key.startswith("dropped: ")}

    expected = {
        "dropped: duplicate stamp": 1,
        "dropped: stamp earlier than the last image's": 1,
        "dropped: bad image": 2,
    }
    bench.ros.spin_until(lambda: drops() == expected, f"{expected} in /diagnostics")


def test_a_jump_back_in_time_starts_anew(bench: Bench) -> None:
    bench.send_info()
    for second in (5, 6, 1, 2, 3):
        bench.send(second * SECOND)
    bench.wait_for_images(5)
    states = [state for _, state, _ in bench.statuses()]
    assert states == ["initialising", "tracking", "initialising", "tracking", "tracking"]
    assert bench.system.resets == 1


def test_another_calibration_starts_a_new_system(bench: Bench) -> None:
    bench.send_info()
    bench.send(SECOND)
    bench.wait_for_images(1)
    bench.calibration = Calibration(8, 6, 11.0, 11.0, 3.5, 2.5)
    bench.send_info()
    bench.ros.spin_until(
        lambda: bench.node.processor.io.input.calibration.fx == 11.0, "the calibration"
    )
    bench.send(2 * SECOND)
    bench.wait_for_images(2)
    assert [c.fx for c in bench.system.calibrations] == [10.0, 11.0]


def test_an_uncalibrated_camera_holds_the_images_back(bench: Bench) -> None:
    bench.infos.publish(CameraInfo(width=8, height=6))
    bench.send(SECOND)
    bench.ros.spin_until(lambda: bench.node.health.report().received == 1, "the image")
    assert bench.node.processor.io.input.calibration is None
    assert bench.system.calibrations == []
    bench.send_info()
    bench.wait_for_images(1)


def test_services_pause_resume_and_reset(bench: Bench) -> None:
    bench.send_info()
    bench.send(SECOND)
    bench.wait_for_images(1)
    assert bench.call("pause").message == "paused"
    bench.send(SECOND + 1)
    bench.wait_for_images(2)
    assert bench.call("resume").success
    bench.send(SECOND + 2)
    bench.wait_for_images(3)
    assert bench.call("reset").success
    bench.send(SECOND + 1)  # after a reset any stamp will do
    bench.wait_for_images(4)
    states = [state for _, state, _ in bench.statuses()]
    assert states == ["initialising", "dropped", "tracking", "initialising"]


def test_the_newest_images_win_where_the_queue_is_short(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    bench = Bench(ros, fake_system, calibration, **{"node.queue_size": 2})
    for i in range(5):
        bench.send(SECOND + i)
    bench.wait_for_images(3)
    bench.send_info()
    bench.wait_for_images(5)
    assert [(stamp - SECOND, state) for stamp, state, _ in bench.statuses()] == [
        (0, "dropped"),
        (1, "dropped"),
        (2, "dropped"),
        (3, "initialising"),
        (4, "tracking"),
    ]


def test_extrinsics_come_from_tf_and_images_wait_for_them(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    bench = Bench(ros, fake_system, calibration, **{"node.extrinsics_from_tf": True})
    bench.send_info()
    bench.send(SECOND)
    bench.send(2 * SECOND)
    bench.ros.spin_until(lambda: bench.node.health.report().received == 2, "two images")
    assert bench.statuses() == []
    static = bench.client.create_publisher(TFMessage, "/tf_static", STATIC_TF_QOS)
    T_base_mast = T_base_optical(1.0, 0.0, 0.0, 0.0, 0.0, np.pi / 2)
    transforms = [
        transform_to_msg(T_base_mast, 0, "base_link", "mast"),
        transform_to_msg(np.eye(4), 0, "mast", "camera"),
    ]
    static.publish(TFMessage(transforms=transforms))
    bench.wait_for_images(2)
    bench.wait_for("odometry", 1)
    # The camera looks to the left of the robot, so that its motion is the robot's along y.
    (odometry,) = bench.heard["odometry"]
    np.testing.assert_allclose(pose_from_msg(odometry.pose.pose)[:3, 3], [0.0, 0.1, 0.0], atol=1e-9)


def test_one_failing_image_starts_anew_and_a_lasting_bug_stops_the_node_loudly(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    good = fake_system.process

    def broken(_: int, __: np.ndarray, ___: np.ndarray | None) -> None:
        raise ZeroDivisionError("a bug")

    bench = Bench(ros, fake_system, calibration)
    bench.send_info()
    fake_system.process = broken
    bench.send(SECOND)
    ros.spin_until(lambda: bench.system.resets == 1, "a new start")
    assert bench.node.failure is None
    fake_system.process = good
    bench.send(SECOND + 1)
    bench.wait_for_images(1)
    fake_system.process = broken
    for i in range(3):
        bench.send(SECOND + 2 + i)
    ros.spin_until(lambda: bench.node.failure is not None, "the failure")
    assert isinstance(bench.node.failure, ZeroDivisionError)


@pytest.mark.usefixtures("ros")
def test_a_wrong_parameter_refuses_to_start() -> None:
    with pytest.raises(ConfigurationError, match="queue_size"):
        DensebaNode(parameter_overrides=[Parameter("node.queue_size", value=-1)])


def test_a_camera_info_that_was_published_once_is_heard(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    publisher = ros.client().create_publisher(CameraInfo, "camera_info", LATCHED_QOS)
    publisher.publish(calibration_to_msg(calibration, 1, "camera"))
    node = ros.add(DensebaNode(lambda _, __: fake_system))
    node.autostart()
    ros.spin_until(lambda: node.processor.io.input.is_ready, "the latched camera_info")
