"""Times and odometry frames from the status of several images."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from denseba_ros.nodes.tools.status_statistics import StatusStatistics


def test_times_are_in_seconds_and_frames_are_counted() -> None:
    statistics = StatusStatistics()
    for resets, milliseconds in (("0", "10.0"), ("0", "30.0"), ("1", "0.000")):
        statistics.add({"session": "7", "resets": resets, "tracking (ms)": milliseconds})
    statistics.add({"reason": "too slow"})
    for reason in ("", "dark", "blurred", "blurred"):
        statistics.add({"session": "7", "resets": "1", "reason": reason})
    summary = statistics.summary()
    assert summary["odometry_frames"] == 2
    assert list(summary["reasons_not_tracking"].items()) == [("blurred", 2), ("dark", 1)]
    tracking = summary["seconds_per_frame"]["tracking"]
    assert tracking["frames"] == 2
    assert tracking["median"] == pytest.approx(0.02)
