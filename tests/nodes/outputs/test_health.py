"""Counts and what diagnostics make of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from denseba_ros.nodes.outputs.health import Health
from denseba_ros.slam.state.estimate import Tracking


def test_totals_stay_and_what_is_new_is_told_once(fake_system: object) -> None:
    health = Health()
    for _ in range(3):
        health.received()
    health.dropped("too slow")
    health.processed({"tracking": 0.1})
    health.processed({"tracking": 0.3})
    first, second = health.report(), health.report()
    assert (first.received, first.processed, first.drops) == (3, 2, {"too slow": 1})
    assert first.seconds["tracking"] == pytest.approx(0.2)
    assert first.received_rate > 0
    assert (second.received, second.drops, second.new_drops) == (3, {"too slow": 1}, {})
    assert second.received_rate == 0
    assert second.seconds == {}


@pytest.mark.parametrize(
    ("images", "level", "message"),
    [
        ([], b"\x03", "no images"),
        ([1], b"\x01", "initialising"),
        ([1, 1], b"\x00", "tracking"),
        ([1, 1, 0], b"\x02", "lost"),
    ],
)
def test_diagnostics_name_the_state(
    fake_system: Any, images: list[int], level: bytes, message: str
) -> None:
    pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
    from denseba_ros.nodes.outputs.diagnostics import health_status

    health = Health()
    for stamp, value in enumerate(images):
        health.received()
        estimate = fake_system.process(stamp, np.full((6, 8), value, np.uint8))
        health.processed(estimate.seconds, estimate)
    status = health_status("denseba", health.report(), {"model": "constant"})
    assert status.level == level
    assert message in status.message
    values = {v.key: v.value for v in status.values}
    assert values["model"] == "constant"
    assert values["images processed"] == str(len(images))
    assert values.get("metric scale") == ("unknown" if images else None)


def test_a_pose_with_a_reason_to_doubt_it_is_not_called_tracking(fake_system: Any) -> None:
    pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
    from denseba_ros.nodes.outputs.diagnostics import estimate_status, health_status

    health = Health()
    image = np.full((6, 8), 1, np.uint8)
    estimate = [fake_system.process(stamp, image) for stamp in range(2)][-1]
    assert estimate.is_measured
    doubtful = replace(estimate, reason="only the rotation is known")
    assert not doubtful.is_measured
    (of_image,) = estimate_status("denseba", doubtful, health).status
    assert (of_image.level, of_image.message) == (b"\x01", "initialising")
    health.received()
    health.processed({}, doubtful)
    of_node = health_status("denseba", health.report(), {})
    assert (of_node.level, of_node.message) == (
        b"\x01",
        "initialising: only the rotation is known",
    )


def test_diagnostics_name_drops_and_a_pause() -> None:
    pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
    from denseba_ros.nodes.outputs.diagnostics import health_status

    health = Health()
    health.received()
    health.dropped("bad image")
    status = health_status("denseba", health.report(), {})
    assert status.level == b"\x02"
    assert "bad image" in status.message
    health.paused = True
    assert health_status("denseba", health.report(), {}).message == "paused"


def test_a_problem_of_the_map_is_a_warning_also_beside_another(fake_system: Any) -> None:
    pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
    from denseba_ros.nodes.outputs.diagnostics import health_status

    health, image = Health(), np.full((6, 8), 1, np.uint8)

    def said(problem: str, drops: bool = False) -> tuple[bytes, str]:
        health.received()
        health.processed({}, fake_system.process(0, image))
        if drops:
            health.dropped("too slow")
        status = health_status("denseba", health.report(), {}, problem)
        return status.level, status.message

    said("")
    assert said("") == (b"\x00", "tracking")
    assert said("disk full") == (b"\x01", "tracking; disk full")
    level, message = said("disk full", drops=True)
    assert level == b"\x01"
    assert "too slow" in message
    assert message.endswith("; disk full")


def test_a_reset_forgets_the_state(fake_system: Any) -> None:
    health = Health()
    health.processed({}, fake_system.process(0, np.ones((6, 8), np.uint8)))
    assert health.report().tracking is Tracking.INITIALISING
    health.reset()
    report = health.report()
    assert report.tracking is None
    assert report.resets == 1
