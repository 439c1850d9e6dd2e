"""denseba_node: camera in, odometry, TF and depth out; frontend and backend in one process.

The way of an image, from its message to /odometry:

1. ``EstimateIO.receive`` gets it from ``CameraInput``, in the executor's thread,
2. ``ImagePipeline.receive`` checks its stamp and queues it; then, in the worker's thread,
3. ``EstimateProcessor.process`` has it decoded and lets ``System.process`` estimate the pose,
4. ``EstimateIO.publish`` passes the estimate to
5. ``EstimateOutputs.publish``, which carries it over into odom and publishes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import numpy as np

from denseba_ros.config import Config
from denseba_ros.nodes.base.estimate_io import Receive
from denseba_ros.nodes.base.estimate_processor import Decoded, EstimateProcessor, EstimateSystem
from denseba_ros.nodes.base.image_processor import MissingInputError
from denseba_ros.nodes.base.managed_node import ManagedNode
from denseba_ros.nodes.inputs.camera_image import CameraImage
from denseba_ros.nodes.inputs.camera_input import CameraInput
from denseba_ros.nodes.map.map_services import MapServices
from denseba_ros.slam.state.estimate import Estimate
from denseba_ros.slam.warm_up import warmed_up


class ImageSystem(EstimateSystem, Protocol):
    """What the node needs of ``slam.System``."""

    def process(
        self, stamp_ns: int, image: np.ndarray, depth: np.ndarray | None = None
    ) -> Estimate:
        """Estimate the pose of an image (H, W[, 3]) uint8 with its measured depth (h, w) float32 in
        metres, where there is one; later stamps come later."""
        ...


SystemProcessor = EstimateProcessor[ImageSystem, CameraInput, CameraImage]


def make_system_processor(
    node: ManagedNode[Any], make_system: Callable[[Config, bool], ImageSystem]
) -> SystemProcessor:
    """One ``System`` between the camera's topics and the outputs.

    Raises:
        ConfigurationError: when the system or an output cannot work on this machine.
    """

    def make_camera(receive: Receive) -> CameraInput:
        pipeline = node.pipeline
        return CameraInput(
            node,
            node.settings,
            receive,
            pipeline.open_if_ready,
            pipeline.count_lost,
            node.config.frontend,
        )

    def decode(system: ImageSystem, camera: CameraInput, item: CameraImage) -> Decoded:
        if camera.calibration is None:
            raise MissingInputError("no camera_info")
        calibration = camera.calibration
        image = item.decode(calibration, camera.decoding)
        camera.check(item.stamp_ns, image, node.health)
        depth = camera.depth_of(item, node.health)
        estimate = partial(system.process, item.stamp_ns, image, depth)
        return Decoded(calibration, estimate, lambda: image)

    return EstimateProcessor(node, make_system, make_camera, decode)


class DensebaNode(ManagedNode[SystemProcessor]):
    """``make_system`` gives the System at each configure: of a configuration, live or in lockstep.

    Raises:
        ConfigurationError: when a parameter is unknown or wrong.
    """

    def __init__(
        self, make_system: Callable[[Config, bool], ImageSystem] = warmed_up, **node_options: Any
    ) -> None:
        super().__init__(
            "denseba", lambda node: make_system_processor(node, make_system), **node_options
        )
        MapServices(self, lambda: None if self.processor is None else self.processor.map_keeper)
