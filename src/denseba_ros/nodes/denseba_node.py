"""denseba_node: camera in, odometry, TF and depth out; frontend and backend in one process.

The way of an image, from its message to /odometry:

1. ``EstimateIO.receive`` gets it from ``CameraInput``, in the executor's thread,
2. ``ImagePipeline.receive`` checks its stamp and queues it; then, in the worker's thread,
3. ``SystemProcessor.process`` decodes it and lets ``System.process`` estimate the pose,
4. ``EstimateIO.publish`` passes the estimate to
5. ``EstimateOutputs.publish``, which carries it over into odom and publishes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from denseba_ros.config import Config
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.nodes.base.estimate_io import EstimateIO, Receive
from denseba_ros.nodes.base.image_processor import MissingInputError
from denseba_ros.nodes.base.managed_node import ManagedNode
from denseba_ros.nodes.inputs.camera_input import CameraImage, CameraInput
from denseba_ros.nodes.outputs.map_outputs import KeyframeSource
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.slam.state.estimate import Estimate
from denseba_ros.slam.warm_up import warmed_up


class ImageSystem(KeyframeSource, Protocol):
    """What the node needs of ``slam.System``."""

    is_behind: bool
    """Whether images wait, set before each."""

    def process(self, stamp_ns: int, image: np.ndarray) -> Estimate:
        """Estimate the pose of an image (H, W[, 3]) uint8; later stamps come later."""
        ...

    def reset(self) -> None:
        """Forget the map and the trajectory."""

    def reconfigure(self, config: Config) -> None:
        """Take over what may change while running."""

    def change_camera(self, calibration: Calibration) -> None:
        """The next images are of this camera; map and trajectory are forgotten."""


class SystemProcessor:
    """One ``System`` between the camera's topics and the outputs; see ``ImageProcessor``.

    Raises:
        ConfigurationError: when the system or an output cannot work on this machine.
    """

    def __init__(
        self, node: ManagedNode[Any], make_system: Callable[[Config, bool], ImageSystem]
    ) -> None:
        self._config, self._health = node.config, node.health

        def make_camera(receive: Receive) -> CameraInput:
            pipeline = node.pipeline
            return CameraInput(
                node, node.settings, receive, pipeline.open_if_ready, pipeline.count_lost
            )

        self.io = EstimateIO(node, make_camera)
        self._system = make_system(node.config, node.settings.mapping == "live")
        self._calibration: Calibration | None = None

    def subscribe(self) -> None:
        """Subscribe to the camera."""
        self.io.subscribe()

    def unsubscribe(self) -> None:
        """Nothing: no image is waited for."""

    def is_ready(self) -> bool:
        """Whether the calibration and the extrinsics of the camera are known."""
        return self.io.is_ready()

    def process(self, item: CameraImage) -> None:
        """Estimate the pose of an image and publish it.

        Raises:
            MissingInputError: when it is not known where its camera sits.
            ImageError: when it cannot be decoded, does not fit the calibration, or is frozen.
        """
        camera, mount = self.io.input, self.io.mount_of(item.frame_id)
        if camera is None or camera.calibration is None or mount is None:
            raise MissingInputError(f"no TF to {item.frame_id}")
        calibration = camera.calibration
        image = item.decode(calibration)
        camera.check(item.stamp_ns, image, self._health)
        self.io.processing(item)
        self._set_calibration(calibration)
        self._system.reconfigure(self.io.without_unheard_depth(self._config))
        self._system.is_behind = self.io.is_behind
        started_at = time.perf_counter()
        estimate = self._system.process(item.stamp_ns, image)
        self.io.publish(estimate, self._system, mount, item.frame_id, started_at)

    def _set_calibration(self, calibration: Calibration) -> None:
        """Another camera than before begins a new, announced odometry frame."""
        if calibration == self._calibration:
            return
        if self._calibration is not None:
            self.io.outputs.reset()
            self._health.reset()
        self._system.change_camera(calibration)
        self._calibration = calibration

    def reset(self) -> None:
        """Forget the map and the trajectory."""
        self._system.reset()
        self.io.outputs.reset()

    def coast(self, stamp_ns: int) -> None:
        """Publish odometry for an image that was unusable."""
        self.io.coast(stamp_ns)

    def reconfigure(self, config: Config, settings: NodeConfig) -> None:
        """Take over changed parameters; the system gets them with the next image."""
        self._config = config
        self.io.reconfigure(settings)

    def watch(self) -> None:
        """Warn about missing inputs."""
        self.io.watch()


class DensebaNode(ManagedNode[SystemProcessor]):
    """``make_system`` gives the System at each configure: of a configuration, live or in lockstep.

    Raises:
        ConfigurationError: when a parameter is unknown or wrong.
    """

    def __init__(
        self, make_system: Callable[[Config, bool], ImageSystem] = warmed_up, **node_options: Any
    ) -> None:
        super().__init__("denseba", lambda node: SystemProcessor(node, make_system), **node_options)
