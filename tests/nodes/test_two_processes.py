"""frontend_node and backend_node together give what denseba_node gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from denseba_ros.config import Config
from denseba_ros.frontend.frame import DepthPrior, FrontendFrame
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.slam.state.estimate import Estimate

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")

from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image

from denseba_ros.nodes.backend_node import BackendNode
from denseba_ros.nodes.conversions.camera_info import calibration_to_msg
from denseba_ros.nodes.conversions.images import encoded_image_to_msg
from denseba_ros.nodes.conversions.stamps import stamp_to_ns
from denseba_ros.nodes.frontend_node import FrontendNode

SECOND = 1_000_000_000


class FakeFrontend:
    def __init__(self, _: Config) -> None:
        self.calibration: Calibration | None = None

    def reset(self) -> None:
        pass

    def change_camera(self, calibration: Calibration) -> None:
        self.calibration = calibration

    def process(self, stamp_ns: int, image: np.ndarray) -> FrontendFrame:
        plane = torch.from_numpy(image[..., 0].astype(np.float32))[None, None]
        log_depth = torch.full((1, 1, 3, 4), 0.5)
        return FrontendFrame(
            stamp_ns, plane, self.calibration, DepthPrior.known(log_depth, log_depth)
        )


class FakeOdometry:
    """Passes the frames on to the fake system and remembers them."""

    def __init__(self, system: Any) -> None:
        self.system, self.frames = system, []
        self.newest_keyframe, self.keyframe_poses = system.newest_keyframe, system.keyframe_poses
        self.finished_keyframes = system.finished_keyframes
        self.reset, self.reconfigure = system.reset, system.reconfigure

    def process_frame(self, frame: FrontendFrame) -> Estimate:
        self.frames.append(frame)
        return self.system.process(frame.stamp_ns, frame.image[0, 0].numpy())


def test_images_become_odometry_in_two_steps(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    odometry = FakeOdometry(fake_system)
    overrides = [
        Parameter("node.image_qos", value="reliable"),
        Parameter("node.queue_size", value=0),
        Parameter("node.frozen_after", value=0.0),
    ]
    frontend = ros.add(FrontendNode(FakeFrontend, parameter_overrides=overrides))
    frontend.autostart()
    client = ros.client()
    images = client.create_publisher(Image, "image", 10)
    infos = client.create_publisher(CameraInfo, "camera_info", 10)
    heard: list[Odometry] = []
    states: list[tuple[int, str]] = []
    client.create_subscription(Odometry, "odometry", heard.append, 10)

    def on_status(message: DiagnosticArray) -> None:
        states.append((stamp_to_ns(message.header.stamp), message.status[0].message))

    client.create_subscription(DiagnosticArray, "status", on_status, 10)
    connected = (images, infos)
    ros.spin_until(lambda: all(p.get_subscription_count() for p in connected), "the frontend")
    infos.publish(calibration_to_msg(calibration, 0, "camera"))
    image = np.full((6, 8, 3), 100, np.uint8)
    images.publish(encoded_image_to_msg(image, "", SECOND, "camera"))
    ros.spin_until(lambda: frontend.health.report().received == 1, "the first image")

    # Images wait for a backend instead of getting lost.
    backend = ros.add(BackendNode(lambda _, __: odometry, parameter_overrides=overrides))
    backend.autostart()
    outputs = [p for p in backend.publishers if p.topic_name in ("/odometry", "/status")]
    ros.spin_until(lambda: all(p.get_subscription_count() for p in outputs), "the backend")
    images.publish(encoded_image_to_msg(image, "", 2 * SECOND, "camera"))
    images.publish(encoded_image_to_msg(image[:5], "", 3 * SECOND, "camera"))
    images.publish(encoded_image_to_msg(image, "", 4 * SECOND, "camera"))
    ros.spin_until(lambda: len(states) == 4 and len(heard) == 2, "four images")

    assert sorted(states) == [
        (SECOND, "initialising"),
        (2 * SECOND, "tracking"),
        (3 * SECOND, "dropped"),
        (4 * SECOND, "tracking"),
    ]
    assert [stamp_to_ns(m.header.stamp) for m in heard] == [2 * SECOND, 4 * SECOND]
    first = odometry.frames[0]
    assert first.calibration == calibration
    torch.testing.assert_close(first.image, torch.full((1, 1, 6, 8), 100.0))
    torch.testing.assert_close(first.log_depth, torch.full((1, 1, 3, 4), 0.5))
    assert first.motion is None
