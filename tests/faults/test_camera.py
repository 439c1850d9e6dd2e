"""When the scripted camera takes and sends its images."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from denseba_ros.faults.camera import schedule


def test_images_are_sent_when_they_are_taken() -> None:
    assert schedule("good", 0.4, 10.0) == [(t, t) for t in (0.0, 0.1, 0.2, 0.3)]


def test_a_flood_is_taken_and_sent_at_ten_times_the_rate() -> None:
    times = schedule("flood", 0.4, 10.0)
    assert len(times) == 40
    assert times[1] == pytest.approx((0.01, 0.01))


def test_a_burst_is_held_back_and_ends_with_its_window() -> None:
    times = schedule("burst", 1.0, 10.0)
    assert [taken for taken, _ in times] == pytest.approx([k / 10 for k in range(10)])
    sent = [sent for _, sent in times]
    assert sent[0] == pytest.approx(0.9)
    assert sent[1] - sent[0] == pytest.approx(0.01)
    assert sent[-1] < 1.0
    assert all(sent >= taken for taken, sent in times)
