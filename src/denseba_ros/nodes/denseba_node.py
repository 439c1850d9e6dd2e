"""Camera in, odometry, TF and depth out: frontend and backend in one process."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from denseba_ros.config import Config
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.nodes.camera_input import CameraImage, CameraInput
from denseba_ros.nodes.extrinsics import make_extrinsics
from denseba_ros.nodes.outputs import EstimateOutputs, KeyframeSource
from denseba_ros.nodes.running import run_node
from denseba_ros.nodes.working_node import WorkingNode
from denseba_ros.slam.estimate import Estimate
from denseba_ros.slam.system import System


class ImageSystem(KeyframeSource, Protocol):
    """What the node needs of ``slam.System``."""

    def process(self, stamp_ns: int, image: np.ndarray) -> Estimate: ...

    def reset(self) -> None: ...


class DensebaNode(WorkingNode[CameraImage]):
    """One ``System`` between the camera's topics and the outputs."""

    def __init__(
        self,
        make_system: Callable[[Config, Calibration], ImageSystem] = System,
        **node_options: Any,
    ) -> None:
        super().__init__("denseba", **node_options)
        self._make_system = make_system
        self._system: ImageSystem | None = None
        self._calibration: Calibration | None = None
        self._camera_frame: str | None = None
        self.outputs = EstimateOutputs(self, self.settings)
        self.extrinsics = make_extrinsics(self, self.settings, self.try_open)
        self.camera = CameraInput(
            self, self.settings, self._image_arrived, self.try_open, self.images_lost
        )

    def _image_arrived(self, image: CameraImage) -> None:
        self._camera_frame = image.frame_id
        self.receive(image)

    def is_ready(self) -> bool:
        if self.camera.calibration is None or self._camera_frame is None:
            return False
        return self.extrinsics.mount(self._camera_frame) is not None

    def process(self, item: CameraImage) -> None:
        mount, calibration = self.extrinsics.mount(item.frame_id), self.camera.calibration
        if mount is None or calibration is None:
            self.drop(item.stamp_ns, f"no TF to {item.frame_id}")
            return
        image = item.decode(calibration)
        system = self._system_for(calibration)
        started = time.perf_counter()
        estimate = system.process(item.stamp_ns, image)
        processed = time.perf_counter()
        self.outputs.publish(estimate, system, mount, item.frame_id)
        published = time.perf_counter()
        seconds = {"total": processed - started, "publishing": published - processed}
        self.health.processed({**estimate.seconds, **seconds}, estimate)
        self.status.processed(estimate)

    def _system_for(self, calibration: Calibration) -> ImageSystem:
        if self._system is None or calibration != self._calibration:
            if self._system is not None:
                self.outputs.reset()
                self.health.reset()
            self._system = self._make_system(self.config, calibration)
            self._calibration = calibration
        return self._system

    def restart(self) -> None:
        if self._system is not None:
            self._system.reset()
        self.outputs.reset()

    def watch(self) -> None:
        self.camera.watch()
        self.extrinsics.watch()


def main() -> None:
    """Entry point of ``ros2 run denseba_ros denseba_node``."""
    sys.exit(run_node(DensebaNode))


if __name__ == "__main__":
    main()
