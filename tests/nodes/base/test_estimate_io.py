"""The status of an image says where its odometry had been predicted before."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from denseba_ros.geometry.calibration import Calibration

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")

from denseba_ros.nodes.conversions.odometry_from_msg import status_values
from denseba_ros.nodes.outputs.diagnostics import PREDICTED_BEFORE
from denseba_ros.slam.state.estimate import Estimate
from tests.nodes.node_bench import SECOND, Bench


def test_a_late_estimate_says_that_its_odometry_was_predicted(
    ros: Any, fake_system: Any, calibration: Calibration, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()
    process = fake_system.process

    def slow(stamp_ns: int, image: np.ndarray, *depth: Any) -> Estimate:
        if stamp_ns == 3 * SECOND:
            goes_on.wait(20.0)
        estimate: Estimate = process(stamp_ns, image, *depth)
        return estimate

    monkeypatch.setattr(fake_system, "process", slow)
    bench = Bench(ros, fake_system, calibration, **{"node.max_silence": 0.05})
    bench.send_info()
    for k in (1, 2):
        bench.send(k * SECOND)
    bench.wait_for_images(2)
    for k in (3, 4):  # the fourth waits, so the third is late
        bench.send(k * SECOND)
    ros.spin_until(lambda: 3 * SECOND in bench.stamps("odometry"), "the prediction")
    goes_on.set()
    bench.wait_for_images(4)
    marked = [status_values(m).get(PREDICTED_BEFORE, "") for m in bench.heard["status"][:3]]
    assert marked == ["", "", "true"]
