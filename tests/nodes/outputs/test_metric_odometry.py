"""Once an IMU tells metres and gravity, odometry begins anew in metres and upright, and says so."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from denseba_ros.geometry.calibration import Calibration

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")

from denseba_ros.slam.inertial.imu_status import ImuStatus
from denseba_ros.slam.state.metric_scale import MetricScale
from tests.nodes.node_bench import SECOND, Bench

_PITCH = 0.1


@pytest.fixture
def bench(ros: Any, fake_system: Any, calibration: Calibration) -> Bench:
    """From the fourth image on one unit is two metres, and the camera began 0.1 rad nose up."""
    told = ImuStatus(up=(0.0, -math.cos(_PITCH), math.sin(_PITCH)), up_sigma=0.001)
    scale, process = MetricScale(math.log(2.0), 0.01), fake_system.process

    def with_metres(stamp_ns: int, image: np.ndarray, depth: np.ndarray | None = None) -> Any:
        estimate = process(stamp_ns, image, depth)
        if fake_system.count > 3:
            estimate = replace(estimate, imu=told, metric_scale=scale)
        return estimate

    fake_system.process = with_metres
    return Bench(ros, fake_system, calibration)


def _values(bench: Bench, index: int) -> dict[str, str]:
    return {v.key: v.value for v in bench.heard["status"][index].status[0].values}


def test_odometry_begins_anew_in_metres_and_upright(bench: Bench) -> None:
    bench.send_info()
    for i in range(7):
        bench.send(SECOND + i * SECOND // 30)
    bench.wait_for_images(7)
    bench.wait_for("odometry", 6)
    positions = [m.pose.pose.position for m in bench.heard["odometry"]]
    np.testing.assert_allclose([p.x for p in positions[:2]], [0.1, 0.2], atol=1e-6)
    assert abs(positions[2].x) < 1e-6
    step = np.array([positions[4].x - positions[3].x, positions[4].z - positions[3].z])
    np.testing.assert_allclose(step, 0.2 * np.array([math.cos(0.1), math.sin(0.1)]), atol=1e-6)
    q = bench.heard["odometry"][-1].pose.pose.orientation
    assert 2.0 * math.atan2(-q.y, q.w) == pytest.approx(_PITCH, abs=1e-6)
    assert bench.heard["odometry"][-1].twist.twist.linear.x == pytest.approx(6.0, abs=0.1)
    assert _values(bench, 2)["resets"] == "0"
    assert _values(bench, 6)["resets"] == "1"
    assert float(_values(bench, 6)["metres per unit"]) == 1.0


def test_depth_and_keyframes_are_in_metres_then(bench: Bench) -> None:
    bench.send_info()
    for i in range(6):
        bench.send(SECOND + i * SECOND // 30)
    bench.wait_for_images(6)
    bench.wait_for("depth/image", 6)
    depth = np.frombuffer(bytes(bench.heard["depth/image"][-1].data), np.float32)
    assert np.nanmedian(depth) == pytest.approx(4.0)
