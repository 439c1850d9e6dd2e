"""The published keyframes, and the preview of depth for people."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")

from geometry_msgs.msg import PoseArray
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CompressedImage, Image

from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.conversions.images import image_from_msg
from denseba_ros.nodes.conversions.stamps import stamp_to_ns
from denseba_ros.nodes.outputs.map_outputs import MapOutputs
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.slam.state.estimate import Keyframe
from tests.nodes.conftest import depth_map

MOUNT = CameraMount(np.eye(4))


@dataclass
class _Source:
    """Keyframes of a window by hand; ``left`` are those that left it since they were asked for."""

    keyframe: Keyframe
    window: dict[int, float] = field(default_factory=dict)
    left: dict[int, float] = field(default_factory=dict)

    def newest_keyframe(self) -> Keyframe | None:
        return None

    def keyframe_poses(self) -> dict[int, np.ndarray]:
        return {stamp: _at(x) for stamp, x in self.window.items()}

    def finished_keyframes(self) -> list[Keyframe]:
        left, self.left = self.left, {}
        return [
            replace(self.keyframe, id=0, stamp_ns=stamp, T_world_camera=_at(x))
            for stamp, x in left.items()
        ]


def _at(x: float) -> np.ndarray:
    T = np.eye(4)
    T[0, 3] = x
    return T


@pytest.mark.parametrize("longest", [100, 1])
def test_a_stamp_that_comes_again_is_listed_once_and_in_time_order(
    ros: Any, fake_system: Any, longest: int
) -> None:
    """A map of two views replaces that of the first image; a lost camera returns to a keyframe."""
    node, heard = ros.client(), []
    settings = NodeConfig(path_max_length=longest)
    outputs = MapOutputs(node, settings, ThrottledLogger(node.get_logger().warning))
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    node.create_subscription(PoseArray, "keyframes", heard.append, latched)
    source = _Source(fake_system.keyframes()[0])

    def listed(window: dict[int, float], left: dict[int, float]) -> list[float]:
        source.window, source.left = window, left
        outputs.publish_keyframes(source, MOUNT, np.eye(4), len(heard), "camera")
        expected = len(heard) + 1
        ros.spin_until(lambda: len(heard) == expected, "the keyframes")
        return [pose.position.x for pose in heard[-1].poses]

    assert listed({1: 1.0, 2: 2.0}, {}) == pytest.approx([1.0, 2.0])
    assert listed({2: 2.5, 3: 3.0}, {1: 1.5}) == pytest.approx([1.5, 2.5, 3.0])
    # Back to the first: the others have left.
    back = [1.7, 2.5, 3.0] if longest > 1 else [1.7, 3.0]
    assert listed({1: 1.7}, {2: 2.5, 3: 3.0}) == pytest.approx(back)
    again = [1.8, 2.5, 3.0, 4.0] if longest > 1 else [3.0, 4.0]
    assert listed({4: 4.0}, {1: 1.8}) == pytest.approx(again)


@pytest.mark.parametrize(
    ("topic", "kind"), [("depth/preview", Image), ("depth/preview/compressed", CompressedImage)]
)
def test_the_preview_of_depth_is_made_for_who_looks_at_it(ros: Any, topic: str, kind: Any) -> None:
    node, heard = ros.client(), []
    outputs = MapOutputs(node, NodeConfig(), ThrottledLogger(node.get_logger().warning))
    assert not outputs.wants_depth()
    node.create_subscription(kind, topic, heard.append, 1)
    ros.spin_until(outputs.wants_depth, "somebody who wants depth")
    outputs.publish_depth(depth_map(), 5, "camera")
    ros.spin_until(lambda: heard, "the preview")
    colours = image_from_msg(heard[0])
    assert colours.shape == (3, 4, 3)
    blue, green, red = colours[2, 3].astype(int)
    assert min(green, red) > blue  # 2 m: between red (0.5 m) and blue (50 m)
    assert stamp_to_ns(heard[0].header.stamp) == 5
