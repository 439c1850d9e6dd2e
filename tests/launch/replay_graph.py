"""A launch_testing test: replay.launch.py on a rendered room gives odometry and ends cleanly.

``launch_test tests/launch/replay_graph.py`` with DENSEBA_TEST_SEQUENCE naming the sequence;
test_graph_launch.py does that under pytest.
"""

from __future__ import annotations

import os
import threading
import unittest

import launch_testing.actions
import launch_testing.asserts
import rclpy
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from nav_msgs.msg import Odometry

from denseba_ros.resources import share_file
from launch import LaunchDescription

NAMESPACE = "robot"


def generate_test_description() -> LaunchDescription:
    arguments = {
        "bag": os.environ["DENSEBA_TEST_SEQUENCE"],
        "lockstep": "true",
        "rviz": "false",
        "namespace": NAMESPACE,
    }
    source = PythonLaunchDescriptionSource(str(share_file("launch/replay.launch.py")))
    graph = IncludeLaunchDescription(source, launch_arguments=arguments.items())
    return LaunchDescription([graph, launch_testing.actions.ReadyToTest()])


class TestGraph(unittest.TestCase):
    def test_odometry_arrives_in_the_namespace(self) -> None:
        rclpy.init()
        node = rclpy.create_node("launch_tester")
        arrived = threading.Event()
        node.create_subscription(Odometry, f"/{NAMESPACE}/odometry", lambda _: arrived.set(), 10)
        for _ in range(1200):
            rclpy.spin_once(node, timeout_sec=0.1)
            if arrived.is_set():
                break
        node.destroy_node()
        rclpy.shutdown()
        assert arrived.is_set(), "no odometry"


@launch_testing.post_shutdown_test()
class TestShutdown(unittest.TestCase):
    def test_every_process_ends_cleanly(self, proc_info: object) -> None:
        launch_testing.asserts.assertExitCodes(proc_info, allowable_exit_codes=[0, 130])
