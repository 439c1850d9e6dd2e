"""A bench for denseba_node: a fake system, a camera, and subscriptions to all outputs."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from denseba_ros.geometry.calibration import Calibration

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseArray, PoseWithCovarianceStamped
from nav_msgs.msg import Odometry, Path
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import Marker

from denseba_ros.nodes.conversions.camera_info import calibration_to_msg
from denseba_ros.nodes.conversions.images import encoded_image_to_msg
from denseba_ros.nodes.conversions.stamps import stamp_to_ns
from denseba_ros.nodes.denseba_node import DensebaNode
from denseba_ros.nodes.inputs.extrinsics import STATIC_TF_QOS

SECOND = 1_000_000_000
BRIGHT = np.full((6, 8, 3), 100, np.uint8)
OUTPUTS: dict[str, Any] = {
    "odometry": Odometry,
    "depth/image": Image,
    "depth/camera_info": CameraInfo,
    "rectified/image": Image,
    "rectified/camera_info": CameraInfo,
    "points": PointCloud2,
    "path": Path,
    "keyframes": PoseArray,
    "pose": PoseWithCovarianceStamped,
    "map_path": Path,
    "map_points": PointCloud2,
    "loop_closures": Marker,
    "status": DiagnosticArray,
    "/tf": TFMessage,
    "/diagnostics": DiagnosticArray,
}


class Bench:
    """The node under test, a camera for it, and ears on all of its outputs."""

    def __init__(self, ros: Any, system: Any, calibration: Calibration, **parameters: Any) -> None:
        self.ros, self.system, self.calibration = ros, system, calibration
        parameters = {
            "node.image_qos": "reliable",
            "node.queue_size": 0,
            "node.frozen_after": 0.0,
            "node.subscription_depth": 100,
            **parameters,
        }
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        self.node = ros.add(DensebaNode(lambda _, __: system, parameter_overrides=overrides))
        self.node.autostart()
        self.client = ros.client()
        self.heard: dict[str, list[Any]] = defaultdict(list)
        self._names = {name.lstrip("/") for name in OUTPUTS}
        for name, kind in OUTPUTS.items():
            self.client.create_subscription(kind, name, self.heard[name].append, 100)
        self.client.create_subscription(
            TFMessage, "/tf_static", self.heard["/tf_static"].append, STATIC_TF_QOS
        )
        self.images = self.client.create_publisher(Image, "image", 100)
        self.infos = self.client.create_publisher(CameraInfo, "camera_info", 100)
        ros.spin_until(self._is_connected, "the node's topics")

    def _is_connected(self) -> bool:
        """Every output reaches its ear, and the camera reaches the node, on both sides."""
        heard = [p for p in self.node.publishers if p.topic_name.lstrip("/") in self._names]
        assert len(heard) == len(OUTPUTS)
        writers = [*heard, self.images, self.infos]
        readers = [s for s in self.client.subscriptions if s.topic_name.lstrip("/") in self._names]
        camera = [s for s in self.node.subscriptions if s.topic_name in ("/image", "/camera_info")]
        return all(p.get_subscription_count() for p in writers) and all(
            s.get_publisher_count() for s in [*readers, *camera]
        )

    def send_info(self, stamp_ns: int = 0) -> None:
        self.infos.publish(calibration_to_msg(self.calibration, stamp_ns, "camera"))

    def send(
        self, stamp_ns: int, image: np.ndarray = BRIGHT, encoding: str = "", frame: str = "camera"
    ) -> None:
        message = encoded_image_to_msg(image, "", stamp_ns, frame)
        message.encoding = encoding or message.encoding
        self.images.publish(message)

    def statuses(self) -> list[tuple[int, str, str]]:
        """Stamp, state and reason of every image so far."""
        return [
            (stamp_to_ns(m.header.stamp), m.status[0].message, m.status[0].values[0].value)
            for m in self.heard["status"]
        ]

    def wait_for_images(self, count: int) -> None:
        self.ros.spin_until(
            lambda: len(self.heard["status"]) >= count, f"the status of {count} images"
        )

    def wait_for(self, name: str, count: int) -> None:
        self.ros.spin_until(lambda: len(self.heard[name]) >= count, f"{count} on {name}")

    def stamps(self, name: str) -> list[int]:
        return [stamp_to_ns(m.header.stamp) for m in self.heard[name]]

    def call(self, service: str, kind: Any = Trigger, **request: Any) -> Any:
        client = self.client.create_client(kind, f"/denseba/{service}")
        self.ros.spin_until(client.service_is_ready, service)
        future = client.call_async(kind.Request(**request))
        self.ros.spin_until(future.done, service)
        return future.result()
