"""Camera in, odometry, TF and depth out: frontend and backend in one process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from denseba_ros.config import Config
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.nodes.base.estimating_node import EstimatingNode
from denseba_ros.nodes.inputs.camera_input import CameraImage, CameraInput
from denseba_ros.nodes.outputs.estimate_outputs import KeyframeSource
from denseba_ros.slam.state.estimate import Estimate
from denseba_ros.slam.warm_up import warmed_up


class ImageSystem(KeyframeSource, Protocol):
    """What the node needs of ``slam.System``."""

    def process(self, stamp_ns: int, image: np.ndarray) -> Estimate: ...

    def reset(self) -> None: ...

    def reconfigure(self, config: Config) -> None: ...

    def change_camera(self, calibration: Calibration) -> None: ...


class DensebaNode(EstimatingNode[CameraImage]):
    """One ``System`` between the camera's topics and the outputs."""

    def __init__(
        self,
        make_system: Callable[[Config], ImageSystem] = warmed_up,
        **node_options: Any,
    ) -> None:
        super().__init__("denseba", **node_options)
        self._make_system = make_system
        self._system: ImageSystem | None = None
        self._calibration: Calibration | None = None
        self.camera: CameraInput | None = None

    def prepare(self) -> None:
        super().prepare()
        self._system = self._make_system(self.config)

    def subscribe(self) -> None:
        self.camera = CameraInput(
            self, self.settings, self._image_arrived, self.try_open, self.images_lost
        )

    def release(self) -> None:
        self.camera, self._system, self._calibration = None, None, None
        super().release()

    def _image_arrived(self, image: CameraImage) -> None:
        self.image_arrived(image.stamp_ns, image.frame_id)
        self.receive(image)

    def is_ready(self) -> bool:
        return self.camera is not None and self.camera.calibration is not None and self.has_mount()

    def process(self, item: CameraImage) -> None:
        mount = self.mount_of(item.frame_id)
        calibration = None if self.camera is None else self.camera.calibration
        system = self._system
        if self.camera is None or mount is None or calibration is None or system is None:
            self.drop(item.stamp_ns, f"no TF to {item.frame_id}")
            return
        image = item.decode(calibration)
        self.camera.check(item.stamp_ns, image, self.health)
        self.take_in_hand(item.stamp_ns)
        self._point_at(calibration, system)
        system.reconfigure(self.wanted())
        started = time.perf_counter()
        estimate = system.process(item.stamp_ns, image)
        self.publish(estimate, system, mount, item.frame_id, started)

    def _point_at(self, calibration: Calibration, system: ImageSystem) -> None:
        """Another camera than before is an announced new start."""
        if calibration == self._calibration:
            return
        if self._calibration is not None:
            self.outputs.reset()
            self.health.reset()
        system.change_camera(calibration)
        self._calibration = calibration

    def restart(self) -> None:
        if self._system is not None:
            self._system.reset()
        self.outputs.reset()

    def watch(self) -> None:
        super().watch()
        if self.camera is not None:
            self.camera.watch(self.settings.input_timeout)
