"""The first of two processes: camera images in, rectified images with depth and motion out."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from rclpy.qos import QoSProfile

from denseba_ros.config import Config
from denseba_ros.frontend.frame import FrontendFrame
from denseba_ros.frontend.frontend import Frontend
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.nodes.base.working_node import WorkingNode
from denseba_ros.nodes.conversions.frontend_messages import TOPICS, frame_to_messages
from denseba_ros.nodes.inputs.camera_input import CameraImage, CameraInput


class ImageFrontend(Protocol):
    """What the node needs of ``frontend.Frontend``."""

    def process(self, stamp_ns: int, image: np.ndarray) -> FrontendFrame: ...

    def change_camera(self, calibration: Calibration) -> None: ...

    def reset(self) -> None: ...


class FrontendNode(WorkingNode[CameraImage]):
    """One ``Frontend``; its frames go to the backend as standard messages."""

    def __init__(
        self,
        make_frontend: Callable[[Config], ImageFrontend] = Frontend,
        **node_options: Any,
    ) -> None:
        super().__init__("denseba_frontend", **node_options)
        self._make_frontend = make_frontend
        self._frontend: ImageFrontend | None = None
        self._calibration: Calibration | None = None
        self._publishers_by_name: dict[str, Any] = {}
        self.camera: CameraInput | None = None

    def prepare(self) -> None:
        self._frontend = self._make_frontend(self.config)
        self._publishers_by_name = {
            name: self.create_publisher(kind, f"frontend/{name}", QoSProfile(depth=10))
            for name, kind in TOPICS.items()
        }

    def subscribe(self) -> None:
        self.camera = CameraInput(
            self, self.settings, self.receive, self.try_open, self.images_lost
        )

    def release(self) -> None:
        self.camera = self._frontend = self._calibration = None
        self._publishers_by_name = {}

    def is_ready(self) -> bool:
        camera = self.camera
        return camera is not None and camera.calibration is not None and self._backend_listens()

    def _backend_listens(self) -> bool:
        publishers = self._publishers_by_name.values()
        return all(publisher.get_subscription_count() > 0 for publisher in publishers)

    def process(self, item: CameraImage) -> None:
        calibration = None if self.camera is None else self.camera.calibration
        frontend = self._frontend
        if self.camera is None or calibration is None or frontend is None:
            self.drop(item.stamp_ns, "no camera")
            return
        if not self._backend_listens():
            self.drop(item.stamp_ns, "no backend")
            return
        image = item.decode(calibration)
        self.camera.check(item.stamp_ns, image, self.health)
        if calibration != self._calibration:
            frontend.change_camera(calibration)
            self._calibration = calibration
        started = time.perf_counter()
        with torch.inference_mode():
            frame = frontend.process(item.stamp_ns, image)
        messages = frame_to_messages(frame, item.frame_id)
        processed = time.perf_counter()
        for name, publisher in self._publishers_by_name.items():
            publisher.publish(getattr(messages, name))
        published = time.perf_counter()
        self.health.processed(
            {"frontend": processed - started, "publishing": published - processed}
        )

    def restart(self) -> None:
        if self._frontend is not None:
            self._frontend.reset()

    def watch(self) -> None:
        if self.camera is None:
            return
        self.camera.watch(self.settings.input_timeout)
        if self.camera.calibration is not None and not self._backend_listens():
            self.throttled.warn("no backend", "no backend_node listens to frontend/*")
