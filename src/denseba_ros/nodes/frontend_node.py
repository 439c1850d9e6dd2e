"""frontend_node, the first of two processes: camera images in, frames with depth and motion out.

The way of an image: ``ImagePipeline.receive`` gets it from ``CameraInput`` and queues it;
``FrontendProcessor.process``, in the worker's thread, decodes it, lets ``Frontend.process`` make
a frame and publishes that on frontend/*. ``DepthOnRequest`` answers a backend that needs a depth.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from rclpy.qos import QoSProfile

from denseba_ros.config import Config
from denseba_ros.frontend.frame import FrontendFrame
from denseba_ros.frontend.warm_up import warmed_up_frontend
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.nodes.base.image_processor import MissingInputError
from denseba_ros.nodes.base.managed_node import ManagedNode
from denseba_ros.nodes.conversions.frontend_messages import TOPICS, frame_to_messages
from denseba_ros.nodes.inputs.camera_image import CameraImage
from denseba_ros.nodes.inputs.camera_input import CameraInput
from denseba_ros.nodes.outputs.depth_on_request import DepthOnRequest
from denseba_ros.nodes.parameters.node_config import NodeConfig


class ImageFrontend(Protocol):
    """What the node needs of ``frontend.Frontend``."""

    def process(
        self, stamp_ns: int, image: np.ndarray, depth: np.ndarray | None = None
    ) -> FrontendFrame:
        """The rectified image (H, W[, 3]) uint8 with its motion, and its depth once it is asked
        for: ``depth`` (h, w) float32 in metres, where it was measured."""
        ...

    def change_camera(self, calibration: Calibration) -> None:
        """The next images are of this camera."""

    def reset(self) -> None:
        """Forget the last image."""


class FrontendProcessor:
    """One ``Frontend``; its frames go to the backend as messages. See ``ImageProcessor``.

    Raises:
        ConfigurationError: when the frontend cannot work on this machine.
    """

    def __init__(
        self, node: ManagedNode[Any], make_frontend: Callable[[Config], ImageFrontend]
    ) -> None:
        self.camera: CameraInput | None = None
        self._depth: DepthOnRequest | None = None
        self._node, self._settings = node, node.settings
        self._frontend = make_frontend(node.config)
        self._calibration: Calibration | None = None
        self._publishers = {
            name: node.create_publisher(kind, f"frontend/{name}", QoSProfile(depth=10))
            for name, kind in TOPICS.items()
        }

    def subscribe(self) -> None:
        """Subscribe to the camera and to requests for depth."""
        pipeline = self._node.pipeline
        self._depth = DepthOnRequest(self._node, self._node.throttled)
        self.camera = CameraInput(
            self._node,
            self._settings,
            pipeline.receive,
            pipeline.open_if_ready,
            pipeline.count_lost,
            self._node.config.frontend,
        )

    def unsubscribe(self) -> None:
        """Answer no more requests."""
        if self._depth is not None:
            self._depth.close()

    def is_ready(self) -> bool:
        """Whether the calibration of the camera is known and a backend listens."""
        return self.camera is not None and self.camera.is_ready and self._has_backend()

    def _has_backend(self) -> bool:
        publishers = self._publishers.values()
        is_heard = all(publisher.get_subscription_count() > 0 for publisher in publishers)
        return is_heard and self._depth is not None and self._depth.has_backend

    def process(self, item: CameraImage) -> None:
        """Make a frame of an image and publish it.

        Raises:
            MissingInputError: when the calibration or the backend is missing.
            ImageError: when it cannot be decoded, does not fit the calibration, or is frozen.
        """
        camera, depth = self.camera, self._depth
        if camera is None or depth is None or camera.calibration is None:
            raise MissingInputError("no camera")
        if not self._has_backend():
            raise MissingInputError("no backend")
        calibration = camera.calibration
        image = item.decode(calibration, camera.decoding)
        measured = camera.depth_of(item, self._node.health)
        camera.check(item.stamp_ns, image, self._node.health)
        if calibration != self._calibration:
            self._frontend.change_camera(calibration)
            self._calibration = calibration
        started_at = time.perf_counter()
        with torch.inference_mode():
            frame = self._frontend.process(item.stamp_ns, image, measured)
        depth.remember(frame)
        messages = frame_to_messages(frame, item.frame_id)
        processed_at = time.perf_counter()
        for name, publisher in self._publishers.items():
            publisher.publish(getattr(messages, name))
        self._node.health.processed(
            {
                "frontend": processed_at - started_at,
                "publishing": time.perf_counter() - processed_at,
            }
        )

    def reset(self) -> None:
        """Forget the last image."""
        self._frontend.reset()

    def coast(self, stamp_ns: int) -> None:
        """Nothing: odometry is the backend's."""

    def reconfigure(self, config: Config, settings: NodeConfig) -> None:
        """Take over changed parameters of the node; none of the frontend's is live."""
        self._settings = settings

    def watch(self) -> None:
        """Warn about missing images, camera_info or a missing backend."""
        if self.camera is None:
            return
        self.camera.watch(self._settings.input_timeout)
        if self.camera.is_ready and not self._has_backend():
            self._node.throttled.warn("no backend", "no backend_node listens to frontend/*")

    @property
    def must_save(self) -> bool:
        """Never: the map is the backend's."""
        return False

    def save(self) -> None:
        """Nothing outlives the process."""

    def close(self) -> None:
        """Nothing is held beyond the subscriptions."""


class FrontendNode(ManagedNode[FrontendProcessor]):
    """``make_frontend`` gives the Frontend at each configure.

    Raises:
        ConfigurationError: when a parameter is unknown or wrong.
    """

    def __init__(
        self,
        make_frontend: Callable[[Config], ImageFrontend] = warmed_up_frontend,
        **node_options: Any,
    ) -> None:
        super().__init__(
            "denseba_frontend",
            lambda node: FrontendProcessor(node, make_frontend),
            **node_options,
        )
