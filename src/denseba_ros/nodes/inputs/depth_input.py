"""The topic of a depth camera, whose images belong to those of the camera."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from denseba_ros.config import TOPIC, FrontendConfig
from denseba_ros.errors import ImageError
from denseba_ros.nodes.base.qos_events import (
    describe_publishers,
    qos_overrides,
    subscription_events,
)
from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.conversions.stamps import stamp_to_ns
from denseba_ros.nodes.inputs.camera_image import CameraImage
from denseba_ros.nodes.inputs.depth_pairing import DepthPairing
from denseba_ros.nodes.outputs.health import Health
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.sequences.depth_encodings import MILLIMETRES, decode_depth_message

NAME = "depth_in"
"""Topic of the depth images, to be remapped."""
# An image's wait ends at most so many seconds late.
_PERIOD = 0.02


class DepthInput:
    """Subscribes to ``depth_in`` and passes images on to ``on_image`` with their depth, or without
    after a wait."""

    def __init__(
        self,
        node: Node,
        settings: NodeConfig,
        frontend: FrontendConfig,
        on_image: Callable[[CameraImage], None],
    ) -> None:
        self._node, self._on_image = node, on_image
        self._units = frontend.depth_units or MILLIMETRES
        self._throttled = ThrottledLogger(node.get_logger().warning, settings.input_timeout)
        tolerance_ns = round(1e9 * frontend.depth_tolerance)
        self._pairing: DepthPairing[CameraImage, Image] = DepthPairing(
            self._pass_on, tolerance_ns, settings.depth_wait
        )
        self._last_depth = time.monotonic()
        self.topic = node.resolve_topic_name(NAME)
        reliable = settings.image_qos == "reliable"
        node.create_subscription(
            Image,
            NAME,
            self._on_depth_msg,
            QoSProfile(
                depth=settings.subscription_depth,
                reliability=ReliabilityPolicy.RELIABLE
                if reliable
                else ReliabilityPolicy.BEST_EFFORT,
            ),
            qos_overriding_options=qos_overrides(),
            event_callbacks=subscription_events(self._throttled, self.topic),
        )
        node.create_timer(_PERIOD, lambda: self._pairing.release(time.monotonic()))

    def receive(self, image: CameraImage) -> None:
        """An image arrived."""
        self._pairing.add_image(image, image.stamp_ns, time.monotonic())

    def _on_depth_msg(self, message: Image) -> None:
        self._last_depth = time.monotonic()
        self._pairing.add_depth(message, stamp_to_ns(message.header.stamp), self._last_depth)

    def _pass_on(self, image: CameraImage, depth: Image | None) -> None:
        self._on_image(image if depth is None else replace(image, depth=depth))

    def decode(self, image: CameraImage, health: Health) -> np.ndarray | None:
        """Depth (h, w) float32 in metres of an image, 0 where unknown; None, which ``health``
        counts, where it came without or with one that cannot be read."""
        message = image.depth
        if message is not None:
            try:
                return decode_depth_message(message, self._units)
            except ImageError as error:
                self._throttled.warn("bad depth", f"{self.topic}: {error}")
        health.without_depth()
        return None

    def watch(self, limit: float) -> None:
        """Warn when no depth has come for ``limit`` s; to be called about once a second."""
        if time.monotonic() - self._last_depth > limit:
            self._throttled.warn(
                "no depth",
                f"no depth on {self.topic} for {limit:g} s, images are processed without; "
                f"{describe_publishers(self._node, self.topic)}: is the topic remapped "
                f"({NAME}:=/your/topic)?",
            )


def make_depth_input(
    node: Node,
    settings: NodeConfig,
    frontend: FrontendConfig,
    on_image: Callable[[CameraImage], None],
) -> DepthInput | None:
    """None where the depth model is not the depth camera's topic."""
    if frontend.depth_model != TOPIC:
        return None
    return DepthInput(node, settings, frontend, on_image)
