"""ROS 2 for the node tests: a domain of its own, and a system that needs no images to think."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.slam.state.estimate import DepthMap, Estimate, Keyframe, Tracking

os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)

CALIBRATION = Calibration(8, 6, 10.0, 10.0, 3.5, 2.5)


@dataclass
class FakeSystem:
    """Moves 0.1 m along the view per image; lost on a black one; first image initialises.

    Every third image is a keyframe. Deterministic, so that messages can be compared with it.
    """

    calibration: Calibration = CALIBRATION
    count: int = 0
    finished: list[Keyframe] = field(default_factory=list)
    resets: int = 0
    is_behind: bool = False
    is_urgent: bool = False
    was_urgent: bool = False
    wants_depth: bool = True
    image_depth_listener: Any = None
    imu: Any = None
    calibrations: list[Calibration] = field(default_factory=list)

    def process(
        self, stamp_ns: int, image: np.ndarray, depth: np.ndarray | None = None
    ) -> Estimate:
        self.was_urgent = self.is_urgent
        tracking = Tracking.TRACKING if self.count else Tracking.INITIALISING
        if not image.any():
            tracking = Tracking.LOST
        T = np.eye(4)
        T[2, 3] = 0.1 * self.count
        self.count += 1
        return Estimate(
            stamp_ns=stamp_ns,
            tracking=tracking,
            T_world_camera=T,
            covariance=np.diag([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            twist=np.array([0.0, 0.0, 3.0, 0.0, 0.5, 0.0]),
            twist_covariance=np.eye(6),
            depth=depth_map(),
            is_keyframe=self.count % 3 == 0,
            reason="" if tracking is Tracking.TRACKING else "because the test says so",
            seconds={"tracking": 0.001},
            is_map_updated=self.count % 3 == 0,
        )

    def keyframes(self) -> list[Keyframe]:
        return [Keyframe(1, 123, np.eye(4), depth_map(), np.full((3, 4), 7, np.uint8))]

    def newest_keyframe(self) -> Keyframe:
        return self.keyframes()[-1]

    def keyframe_poses(self) -> dict[int, np.ndarray]:
        return {keyframe.stamp_ns: keyframe.T_world_camera for keyframe in self.keyframes()}

    def finished_keyframes(self) -> list[Keyframe]:
        return []

    def reconfigure(self, config: Any) -> None:
        self.config = config

    def use_imu(self, source: Any, T_imu_camera: Any = None) -> None:
        self.imu = source

    def on_image_depth(self, listener: Any) -> None:
        self.image_depth_listener = listener

    def reset(self) -> None:
        self.count = 0
        self.resets += 1

    def change_camera(self, calibration: Calibration) -> None:
        self.count = 0
        self.calibrations.append(calibration)


def depth_map() -> DepthMap:
    """A plane 2 m away with one unknown pixel, 4x3, with its image, 8x6."""
    depth = np.full((3, 4), 2.0, np.float32)
    depth[0, 0] = np.nan
    image = np.full((6, 8), 100, np.uint8)
    return DepthMap(depth, depth * np.float32(0.1), CALIBRATION.resized(4, 3), image)


@pytest.fixture
def fake_system() -> FakeSystem:
    return FakeSystem()


@pytest.fixture
def calibration() -> Calibration:
    return CALIBRATION


@pytest.fixture
def ros(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RosSession]:
    """A running rclpy context, or a skip where ROS 2 is absent."""
    rclpy = pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
    pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path))
    rclpy.init()
    session = RosSession()
    try:
        yield session
    finally:
        session.close()
        rclpy.try_shutdown()


class RosSession:
    """One executor for the node under test and the node that tests it."""

    def __init__(self) -> None:
        from rclpy.executors import SingleThreadedExecutor

        self.executor = SingleThreadedExecutor()
        self.nodes: list[Any] = []

    def add(self, node: Any) -> Any:
        self.nodes.append(node)
        self.executor.add_node(node)
        return node

    def client(self) -> Any:
        """A plain node to publish to and listen with."""
        from rclpy.node import Node

        return self.add(Node("tester"))

    def spin_until(self, condition: Callable[[], object], what: str, seconds: float = 20.0) -> None:
        """Spin until ``condition`` holds; fails the test with ``what`` was awaited."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
            self.executor.spin_once(timeout_sec=0.05)

    def close(self) -> None:
        for node in self.nodes:
            if hasattr(node, "close"):
                node.close()
        self.executor.shutdown()
        for node in self.nodes:
            node.destroy_node()
