"""The camera's topics: images with the calibration that belongs to them."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from rclpy.event_handler import QoSMessageLostInfo, SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.topic_endpoint_info import TopicEndpointInfo
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from denseba_ros.config import FrontendConfig
from denseba_ros.errors import CalibrationError, ImageError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.nodes.base.qos_events import (
    describe_publishers,
    qos_overrides,
    subscription_events,
)
from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.conversions.camera_info import calibration_from_msg
from denseba_ros.nodes.conversions.frame_names import frame_name
from denseba_ros.nodes.conversions.stamps import stamp_to_ns
from denseba_ros.nodes.inputs.camera_image import CameraImage
from denseba_ros.nodes.inputs.depth_input import make_depth_input
from denseba_ros.nodes.outputs.health import Health
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.sequences.brightness.image_check import ImageCheck
from denseba_ros.sequences.brightness.image_range import ImageRange
from denseba_ros.sequences.camera_info_message import doubts_about_message, is_rectified
from denseba_ros.sequences.encodings import Decoding
from denseba_ros.sequences.pixels.jpeg import SurplusBytes

LATCHED_QOS = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
"""Hears what a latched publisher said before; one that is not latched it never hears."""
_FALLBACK_FRAME = "camera_optical_frame"


class CameraInput:
    """Subscribes to image and camera_info and warns when they fail to come.

    ``on_image`` gets every image, ``on_calibration`` is called when a valid calibration came that
    differs from the last one, ``on_lost`` with the number of images that the middleware lost on
    the way. ``calibration`` is None until then. ``decoding`` is that of its images, with
    16 bits as ``frontend`` says; ``depth`` is the depth camera's topic, None where it wants none.
    """

    def __init__(
        self,
        node: Node,
        settings: NodeConfig,
        on_image: Callable[[CameraImage], None],
        on_calibration: Callable[[], None],
        on_lost: Callable[[int], None],
        frontend: FrontendConfig | None = None,
    ) -> None:
        self.calibration: Calibration | None = None
        self._node, self._settings = node, settings
        self._on_calibration, self._on_lost = on_calibration, on_lost
        frontend = frontend or FrontendConfig()
        self.depth = make_depth_input(node, settings, frontend, on_image)
        self._on_image = on_image if self.depth is None else self.depth.receive
        self._throttled = ThrottledLogger(node.get_logger().warning, settings.input_timeout)
        self._image_check = ImageCheck(settings.frozen_after)
        self._last_image = self._last_info = time.monotonic()
        self._last_message: CameraInfo | None = None
        self._listens_to_latched = False
        self.image_topic, self.info_topic = self._subscribe()
        self._is_rectified = settings.image_is_rectified or is_rectified(self.image_topic)
        levels = ImageRange(
            frontend.image_range, f"16-bit images on {self.image_topic}", node.get_logger().warning
        )
        self.decoding = Decoding(levels.to_8_bit, SurplusBytes())
        node.get_logger().info(f"waiting for {self.image_topic} and {self.info_topic}")

    @property
    def is_ready(self) -> bool:
        """Whether the calibration of the images is known."""
        return self.calibration is not None

    def _subscribe(self) -> tuple[str, str]:
        node, settings = self._node, self._settings
        reliable = settings.image_qos == "reliable"
        qos = QoSProfile(
            depth=settings.subscription_depth,
            reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        )
        is_raw = settings.image_transport == "raw"
        # As image_transport does it: one remapping of `image` moves both transports.
        image_topic = node.resolve_topic_name("image") + ("" if is_raw else "/compressed")
        info_topic = node.resolve_topic_name("camera_info")
        node.create_subscription(
            Image if is_raw else CompressedImage,
            image_topic,
            self._on_image_msg,
            qos,
            qos_overriding_options=qos_overrides(),
            event_callbacks=subscription_events(self._throttled, image_topic, self._on_images_lost),
        )
        node.create_subscription(
            CameraInfo,
            "camera_info",
            self._on_info_msg,
            # One of its own: overrides write into it.
            QoSProfile(depth=qos.depth, reliability=qos.reliability),
            qos_overriding_options=qos_overrides(),
            event_callbacks=subscription_events(self._throttled, info_topic),
        )
        return image_topic, info_topic

    def _on_image_msg(self, message: Image | CompressedImage) -> None:
        self._last_image = time.monotonic()
        named = self._settings.camera_frame or frame_name(message.header.frame_id)
        frame_id = named or _FALLBACK_FRAME
        self._on_image(
            CameraImage(stamp_to_ns(message.header.stamp), frame_id, message, self.image_topic)
        )

    def _on_images_lost(self, event: QoSMessageLostInfo) -> None:
        self._on_lost(event.total_count_change)
        self._throttled.warn(
            "lost",
            f"{event.total_count} images of {self.image_topic} were lost on the way so far: "
            "`denseba doctor` checks the transport",
        )

    def _listen_to_latched_info(self) -> None:
        """Ask for what a latched publisher of camera_info said before, where there is one.

        Not before: every other camera would warn of a subscription that it cannot serve.
        """
        publishers = self._node.get_publishers_info_by_topic(self.info_topic)
        if self._listens_to_latched or not any(map(_is_latched, publishers)):
            return
        self._listens_to_latched = True
        self._node.create_subscription(
            CameraInfo,
            "camera_info",
            self._on_latched_info_msg,
            LATCHED_QOS,
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
        )

    def _on_latched_info_msg(self, message: CameraInfo) -> None:
        """What was published before we subscribed; the other subscription hears all that follows.

        Once that has heard anything, this one, which may lag behind, has nothing to add.
        """
        if self._last_message is None:
            self._on_info_msg(message)

    def _on_info_msg(self, message: CameraInfo) -> None:
        self._last_info = time.monotonic()
        message.header = CameraInfo().header  # the stamp differs every time, the rest does not
        if message == self._last_message:
            return
        try:
            calibration = calibration_from_msg(message, rectified=self._is_rectified)
        except CalibrationError as error:
            self._throttled.warn("bad camera_info", f"{self.info_topic}: {error}")
            return
        self._last_message = message
        if calibration != self.calibration:
            doubts = doubts_about_message(
                message, rectified=self._is_rectified, calibration=calibration
            )
            if doubts:
                self._throttled.warn("doubts", f"{self.info_topic}: {doubts}")
            if self.calibration is not None:
                self._throttled.warn(
                    "changed",
                    f"{self.info_topic}: the calibration changed, the odometry starts anew. Do two "
                    "cameras publish on this topic?",
                )
            self.calibration = calibration
            self._on_calibration()

    def check(self, stamp_ns: int, image: np.ndarray, health: Health) -> None:
        """Tell ``health`` and the user what is wrong with the content of a decoded image.

        ``image`` is (H, W[, 3]) uint8.

        Raises:
            ImageError: when the camera hangs, so that the image is not of its stamp.
        """
        problem = self._image_check.check(stamp_ns, image)
        health.image_problem(problem)
        text = f"the images on {self.image_topic} are {problem}"
        if self._image_check.is_frozen:
            raise ImageError(text)
        if problem:
            self._throttled.warn(problem.split(maxsplit=1)[0], text)

    def depth_of(self, image: CameraImage, health: Health) -> np.ndarray | None:
        """As ``DepthInput.decode``; None where no depth is wanted."""
        return None if self.depth is None else self.depth.decode(image, health)

    def close(self) -> None:
        """Nothing: no thread waits for an image."""

    def watch(self, limit: float) -> None:
        """Warn about what has not come for ``limit`` s; to be called about once a second.

        Also looks for a latched camera_info while there is none.
        """
        now = time.monotonic()
        if self.depth is not None:
            self.depth.watch(limit)
        if self.calibration is None:
            self._listen_to_latched_info()
        if now - self._last_image > limit:
            self._throttled.warn(
                "no image",
                f"no image on {self.image_topic} for {limit:g} s; "
                f"{describe_publishers(self._node, self.image_topic)}: is the camera running, and "
                "the topic remapped (image:=/your/topic)?",
            )
        elif self.calibration is None and now - self._last_info > limit:
            self._throttled.warn(
                "no camera_info",
                f"images arrive, but no camera_info on {self.info_topic} for {limit:g} s; "
                f"{describe_publishers(self._node, self.info_topic)}: publish it or remap it "
                "(camera_info:=/your/topic)",
            )


def _is_latched(publisher: TopicEndpointInfo) -> bool:
    qos = publisher.qos_profile
    return bool(
        qos.durability == DurabilityPolicy.TRANSIENT_LOCAL
        and qos.reliability == ReliabilityPolicy.RELIABLE
    )
