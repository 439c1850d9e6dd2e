"""frontend_node and backend_node together give what denseba_node gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

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
IMAGE = np.full((6, 8, 3), 100, np.uint8)
OVERRIDES = [
    Parameter("node.image_qos", value="reliable"),
    Parameter("node.queue_size", value=0),
    Parameter("node.frozen_after", value=0.0),
]


class FakeFrontend:
    def __init__(self, _: Config) -> None:
        self.calibration: Calibration | None = None
        self.predicted: list[int] = []

    def reset(self) -> None:
        pass

    def change_camera(self, calibration: Calibration) -> None:
        self.calibration = calibration

    def process(
        self, stamp_ns: int, image: np.ndarray, depth: np.ndarray | None = None
    ) -> FrontendFrame:
        plane = torch.from_numpy(image[..., 0].astype(np.float32))[None, None]

        def predict() -> tuple[Tensor, Tensor]:
            self.predicted.append(stamp_ns)
            log_depth = torch.full((1, 1, 3, 4), 0.5)
            return log_depth, log_depth

        return FrontendFrame(stamp_ns, plane, self.calibration, DepthPrior(predict))


class FakeOdometry:
    """Passes the frames on to the fake system and remembers them; some need their depth."""

    def __init__(self, system: Any, keyframes: set[int]) -> None:
        self.system, self.frames, self.keyframes = system, [], keyframes
        self.newest_keyframe, self.keyframe_poses = system.newest_keyframe, system.keyframe_poses
        self.finished_keyframes = system.finished_keyframes
        self.reset, self.reconfigure = system.reset, system.reconfigure
        self.change_camera, self.on_image_depth = system.change_camera, system.on_image_depth

    def process_frame(self, frame: FrontendFrame) -> Estimate:
        self.frames.append(frame)
        if frame.stamp_ns in self.keyframes:
            _ = frame.log_depth
        return self.system.process(frame.stamp_ns, frame.image[0, 0].numpy())


class Bench:
    """A camera, a frontend and a backend as two nodes, and ears on odometry and status."""

    def __init__(self, ros: Any, calibration: Calibration, odometry: FakeOdometry) -> None:
        self.ros, self.calibration, self.odometry = ros, calibration, odometry
        self.models: list[FakeFrontend] = []
        self.frontend = ros.add(FrontendNode(self._make_frontend, parameter_overrides=OVERRIDES))
        self.frontend.autostart()
        self.client = client = ros.client()
        self.images = client.create_publisher(Image, "image", 10)
        self.infos = client.create_publisher(CameraInfo, "camera_info", 10)
        self.heard: list[int] = []
        self.states: list[tuple[int, str]] = []
        client.create_subscription(Odometry, "odometry", self._on_odometry, 10)
        client.create_subscription(DiagnosticArray, "status", self._on_status, 10)
        connected = (self.images, self.infos)
        ros.spin_until(lambda: all(p.get_subscription_count() for p in connected), "the frontend")
        self.infos.publish(calibration_to_msg(calibration, 0, "camera"))

    def start_backend(self) -> None:
        self.backend = self.ros.add(
            BackendNode(lambda _, __: self.odometry, parameter_overrides=OVERRIDES)
        )
        self.backend.autostart()
        outputs = [p for p in self.backend.publishers if p.topic_name in ("/odometry", "/status")]
        self.ros.spin_until(lambda: all(p.get_subscription_count() for p in outputs), "the backend")

    def send(self, stamp_ns: int, image: np.ndarray = IMAGE) -> None:
        self.images.publish(encoded_image_to_msg(image, "", stamp_ns, "camera"))

    def wait_for(self, images: int, odometry: int) -> None:
        self.ros.spin_until(
            lambda: len(self.states) == images and len(self.heard) == odometry, f"{images} images"
        )

    def _make_frontend(self, config: Config) -> FakeFrontend:
        self.models.append(FakeFrontend(config))
        return self.models[-1]

    def _on_odometry(self, message: Odometry) -> None:
        self.heard.append(stamp_to_ns(message.header.stamp))

    def _on_status(self, message: DiagnosticArray) -> None:
        self.states.append((stamp_to_ns(message.header.stamp), message.status[0].message))


def test_images_become_odometry_in_two_steps(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    odometry = FakeOdometry(fake_system, keyframes={SECOND, 4 * SECOND})
    bench = Bench(ros, calibration, odometry)
    bench.send(SECOND)
    ros.spin_until(lambda: bench.frontend.health.report().received == 1, "the first image")

    # Images wait for a backend instead of getting lost.
    bench.start_backend()
    bench.send(2 * SECOND)
    bench.send(3 * SECOND, IMAGE[:5])
    bench.send(4 * SECOND)
    bench.wait_for(4, 2)

    assert sorted(bench.states) == [
        (SECOND, "initialising"),
        (2 * SECOND, "tracking"),
        (3 * SECOND, "dropped"),
        (4 * SECOND, "tracking"),
    ]
    assert bench.heard == [2 * SECOND, 4 * SECOND]
    assert [frame.stamp_ns for frame in odometry.frames] == [SECOND, 2 * SECOND, 4 * SECOND]
    first = odometry.frames[0]
    assert first.calibration == calibration
    torch.testing.assert_close(first.image, torch.full((1, 1, 6, 8), 100.0))
    torch.testing.assert_close(first.log_depth, torch.full((1, 1, 3, 4), 0.5))
    assert first.motion is None
    # The network runs for what becomes a keyframe, as in one process.
    (model,) = bench.models
    assert model.predicted == [SECOND, 4 * SECOND]


def test_a_backend_goes_on_without_the_depth_of_a_frontend_that_is_gone(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    odometry = FakeOdometry(fake_system, keyframes={3 * SECOND})
    bench = Bench(ros, calibration, odometry)
    bench.start_backend()
    bench.send(SECOND)
    bench.send(2 * SECOND)
    bench.wait_for(2, 1)
    said: list[str] = []
    bench.backend.throttled._log = said.append
    forgetful = bench.frontend.processor._depth
    forgetful.remember = lambda _: None
    bench.send(3 * SECOND)
    bench.send(4 * SECOND)
    bench.wait_for(4, 3)
    assert bench.models[0].predicted == []
    assert len(said) == 1
    assert "no depth of an image from frontend_node" in said[0]
    depth = bench.backend.config.frontend.constant_depth
    unknown = odometry.frames[2]
    torch.testing.assert_close(torch.exp(unknown.log_depth).unique(), torch.tensor([depth]))


def test_deactivation_ends_the_wait_for_a_depth(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    odometry = FakeOdometry(fake_system, keyframes={SECOND})
    bench = Bench(ros, calibration, odometry)
    bench.start_backend()
    requests = bench.backend.processor.io.input.depth
    requests._wait_seconds = 1e6
    bench.frontend.processor._depth.remember = lambda _: None
    bench.send(SECOND)
    ros.spin_until(lambda: requests._pending, "the request")
    bench.backend.trigger_deactivate()
    assert len(odometry.frames) == 1
    assert bench.backend.failure is None
    # Activated again, it asks again.
    odometry.keyframes = {2 * SECOND}
    bench.backend.trigger_activate()
    del bench.frontend.processor._depth.remember
    ros.spin_until(lambda: bench.frontend.processor.is_ready(), "the backend")
    bench.send(2 * SECOND)
    ros.spin_until(lambda: bench.models[0].predicted, "the depth")
    ros.spin_until(lambda: len(odometry.frames) == 2, "the image")
