"""Where the camera sits on the robot: from a parameter or from TF."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from tf2_msgs.msg import TFMessage

from denseba_ros.geometry.body_frame import CameraMount, T_base_optical
from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.conversions.poses import maybe_inverted
from denseba_ros.nodes.inputs.tf_buffer import TfBuffer
from denseba_ros.nodes.parameters.node_config import NodeConfig

STATIC_TF_QOS = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
TF_QOS = QoSProfile(depth=100)


class ParameterExtrinsics:
    """The mount that the parameter ``node.extrinsics`` gives, published on /tf_static."""

    def __init__(self, node: Node, settings: NodeConfig) -> None:
        self._mount = CameraMount(T_base_optical(*settings.extrinsics))
        self._node, self._settings = node, settings
        self._published_frame: str | None = None
        self._publisher = (
            node.create_publisher(TFMessage, "/tf_static", STATIC_TF_QOS)
            if settings.publish_camera_tf
            else None
        )

    def mount(self, camera_frame: str) -> CameraMount:
        """The mount, whatever the camera's optical frame is called."""
        if self._publisher is not None and camera_frame != self._published_frame:
            self._published_frame = camera_frame
            now = self._node.get_clock().now().nanoseconds
            T = self._mount.T_base_camera
            settings = self._settings
            transform = maybe_inverted(
                T, now, settings.base, camera_frame, settings.invert_camera_tf
            )
            self._publisher.publish(TFMessage(transforms=[transform]))
        return self._mount

    def watch(self) -> None:
        """Nothing can be missing."""


class TransformExtrinsics:
    """The mount that TF gives; fixed once it was found for a camera frame.

    ``on_change`` is called with each new transform.
    """

    def __init__(self, node: Node, settings: NodeConfig, on_change: Callable[[], None]) -> None:
        self._base_frame, self._on_change = settings.base, on_change
        self._tf_buffer = TfBuffer()
        self._mounts: dict[str, CameraMount] = {}
        self._wanted: str | None = None
        self._wanted_since = 0.0
        self._timeout = settings.input_timeout
        self._throttled = ThrottledLogger(node.get_logger().warning, settings.input_timeout)
        self._subscriptions = [
            node.create_subscription(TFMessage, "/tf", self._on_tf, TF_QOS),
            node.create_subscription(TFMessage, "/tf_static", self._on_tf, STATIC_TF_QOS),
        ]

    def mount(self, camera_frame: str) -> CameraMount | None:
        """Where the camera of an optical frame sits, None while TF does not tell.

        Raises:
            CalibrationError: when TF has a loop.
        """
        if camera_frame not in self._mounts:
            if self._wanted != camera_frame:
                self._wanted, self._wanted_since = camera_frame, time.monotonic()
            T_base_camera = self._tf_buffer.lookup(self._base_frame, camera_frame)
            if T_base_camera is None:
                return None
            self._mounts[camera_frame] = CameraMount(T_base_camera)
        self._wanted = None
        return self._mounts[camera_frame]

    def _on_tf(self, message: TFMessage) -> None:
        if self._mounts and self._wanted is None:
            return
        self._tf_buffer.take(message, partial(self._throttled.warn, "bad TF"))
        self._on_change()

    def watch(self) -> None:
        """Warn when images have waited for the transform for long."""
        if self._wanted is not None and time.monotonic() - self._wanted_since > self._timeout:
            self._throttled.warn(
                "no extrinsics",
                f"images wait: TF does not connect {self._base_frame} and {self._wanted}. Publish "
                "it, or set node.extrinsics_from_tf to false and node.extrinsics",
            )


Extrinsics = ParameterExtrinsics | TransformExtrinsics


def make_extrinsics(node: Node, settings: NodeConfig, on_change: Callable[[], None]) -> Extrinsics:
    """The source that the parameters choose; ``on_change`` is called with each new transform."""
    if settings.extrinsics_from_tf:
        return TransformExtrinsics(node, settings, on_change)
    return ParameterExtrinsics(node, settings)
