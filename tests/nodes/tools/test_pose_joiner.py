"""Odometry and status are joined in the order of publication, whatever comes first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry

from denseba_ros.evaluation.results.recorded_pose import PoseState
from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.conversions.poses import null_odometry, odometry_to_msg
from denseba_ros.nodes.outputs.diagnostics import drop_status, estimate_status
from denseba_ros.nodes.outputs.health import Health
from denseba_ros.nodes.tools.pose_joiner import PoseJoiner
from denseba_ros.slam.state.estimate import Estimate

MOUNT = CameraMount(np.eye(4))
SECOND = 1_000_000_000
IDENTITY = np.eye(4)
IMAGE = np.full((6, 8, 3), 50, np.uint8)
T_MAP_ODOM = np.eye(4)
T_MAP_ODOM[0, 3] = 5.0


class _Node:
    """Messages as a node publishes them; ``estimate`` is the last one."""

    def __init__(self, fake_system: Any) -> None:
        fake_system.process(0, IMAGE)
        self._estimate: Estimate = fake_system.process(1, IMAGE)

    def odometry(self, stamp_ns: int) -> Odometry:
        estimate = replace(self._estimate, stamp_ns=stamp_ns)
        return odometry_to_msg(estimate, MOUNT, "odom", "base_link")

    def status(
        self, stamp_ns: int, T_map_odom: np.ndarray | None = IDENTITY, *, late: bool = False
    ) -> DiagnosticArray:
        estimate = replace(self._estimate, stamp_ns=stamp_ns)
        return estimate_status("node", estimate, Health(), T_map_odom, predicted_before=late)


@pytest.fixture
def node(fake_system: Any) -> _Node:
    return _Node(fake_system)


def states(joiner: PoseJoiner, *, at_end: bool = False) -> list[tuple[int, PoseState]]:
    return [(pose.stamp_ns, pose.state) for pose in joiner.take(MOUNT, at_end=at_end)]


def test_a_prediction_holds_back_what_comes_after_until_its_status(node: _Node) -> None:
    joiner = PoseJoiner()
    joiner.add_odometry(node.odometry(1))
    joiner.add_odometry(node.odometry(2))
    joiner.add_status(node.status(2))
    assert states(joiner) == []
    joiner.add_status(node.status(1, late=True))
    assert states(joiner) == [(1, PoseState.PREDICTED), (2, PoseState.TRACKED)]
    assert len(joiner) == 0


def test_the_odometry_of_a_dropped_image_comes_after_its_status(node: _Node) -> None:
    joiner = PoseJoiner()
    joiner.add_status(drop_status("node", 1, "bad image"))
    joiner.add_odometry(node.odometry(1))
    assert states(joiner) == [(1, PoseState.PREDICTED)]


def test_without_a_status_a_pose_waits_ten_seconds_or_until_the_end(node: _Node) -> None:
    joiner = PoseJoiner()
    joiner.add_odometry(node.odometry(1))
    joiner.add_odometry(node.odometry(11 * SECOND))
    assert states(joiner) == [(1, PoseState.PREDICTED)]
    assert states(joiner, at_end=True) == [(11 * SECOND, PoseState.PREDICTED)]


def test_a_dropped_image_has_the_last_transform_that_was_named(node: _Node) -> None:
    joiner = PoseJoiner()
    for stamp, status in (
        (1, node.status(1)),
        (2, node.status(2, T_MAP_ODOM)),
        (3, drop_status("node", 3, "too slow")),
        (4, node.status(4)),
    ):
        joiner.add_odometry(node.odometry(stamp))
        joiner.add_status(status)
    poses = list(joiner.take(MOUNT))
    shifts = [pose.T_map_camera[0, 3] - pose.T_odom_camera[0, 3] for pose in poses]
    assert shifts == [0.0, 5.0, 5.0, 0.0]


def test_without_a_place_in_the_map_there_is_no_pose_in_it(node: _Node) -> None:
    joiner = PoseJoiner()
    for stamp, status in (
        (1, node.status(1, None)),
        (2, drop_status("node", 2, "too slow")),
        (3, node.status(3, T_MAP_ODOM)),
    ):
        joiner.add_odometry(node.odometry(stamp))
        joiner.add_status(status)
    poses = list(joiner.take(MOUNT))
    assert [pose.T_map_camera is None for pose in poses] == [True, True, False]
    assert [pose.state for pose in poses[::2]] == [PoseState.TRACKED] * 2


def test_null_odometry_is_counted_and_is_no_pose(node: _Node) -> None:
    joiner = PoseJoiner()
    joiner.add_odometry(null_odometry(1, "odom", "base_link"))
    joiner.add_status(node.status(1))
    assert states(joiner) == []
    assert joiner.without_pose == 1
