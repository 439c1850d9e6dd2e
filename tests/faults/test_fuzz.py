"""Damaged messages are understood or refused, nothing else."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from denseba_ros.faults.fuzz import fuzz


def test_two_thousand_damaged_messages() -> None:
    ends = fuzz(2000, seed=1)
    assert sum(ends.values()) == 2000
    assert min(ends[end] for end in ("understood", "refused", "not a message")) > 100
