"""From an item of a node's input to a published estimate: what the estimating nodes share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from denseba_ros.config import Config
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.imu.source import ImuSource
from denseba_ros.nodes.base.estimate_io import CameraItem, EstimateIO, Receive
from denseba_ros.nodes.base.image_processor import MissingInputError
from denseba_ros.nodes.base.managed_node import ManagedNode
from denseba_ros.nodes.inputs.image_input import ImageInput
from denseba_ros.nodes.outputs.map_outputs import KeyframeSource
from denseba_ros.nodes.outputs.node_view import NodeView
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.slam.state.estimate import DepthMap, Estimate


class EstimateSystem(KeyframeSource, Protocol):
    """What the nodes need of ``slam.System``, but for the method that estimates."""

    is_behind: bool
    """Whether images wait, set before each."""
    wants_depth: bool
    """Whether anybody wants the depth of each image, set before each."""

    def on_image_depth(self, listener: Callable[[int, DepthMap], None]) -> None:
        """``listener`` gets stamp and depth of images whose estimates came without."""

    def use_imu(self, source: ImuSource) -> None:
        """Take the samples of an IMU beside the camera."""

    def reset(self) -> None:
        """Forget the map and the trajectory."""

    def reconfigure(self, config: Config) -> None:
        """Take over what may change while running."""

    def change_camera(self, calibration: Calibration) -> None:
        """The next images are of this camera; map and trajectory are forgotten."""


SystemT = TypeVar("SystemT", bound=EstimateSystem)
InputT = TypeVar("InputT", bound=ImageInput)
ItemT = TypeVar("ItemT", bound=CameraItem)


@dataclass(frozen=True)
class Decoded:
    """The ``calibration`` of an item's image, the call that estimates its pose, and the one that
    gives the image (H, W[, 3]) uint8 for people."""

    calibration: Calibration
    estimate: Callable[[], Estimate]
    image: Callable[[], np.ndarray]


class EstimateProcessor(Generic[SystemT, InputT, ItemT]):
    """One system between an input and the outputs; see ``ImageProcessor``.

    Raises:
        ConfigurationError: when the system or an output cannot work on this machine.
    """

    def __init__(
        self,
        node: ManagedNode[Any],
        make_system: Callable[[Config, bool], SystemT],
        make_input: Callable[[Receive], InputT],
        decode: Callable[[SystemT, InputT, ItemT], Decoded],
    ) -> None:
        """``make_system`` of a configuration, live or in lockstep; ``make_input`` as in
        ``EstimateIO``; ``decode`` an item of the input for the system: it may raise what
        ``process`` does.
        """
        self._config, self._health = node.config, node.health
        self.io = EstimateIO(node, make_input)
        self._system = make_system(node.config, node.settings.mapping == "live")
        self._view = NodeView(node.settings)
        self._source = self._view.watching(self._system)
        self._system.on_image_depth(self._on_image_depth)
        self._decode = decode
        self._calibration: Calibration | None = None

    def subscribe(self) -> None:
        """Create the input."""
        self.io.subscribe()
        if self.io.imu is not None:
            self._system.use_imu(self.io.imu.buffer)

    def unsubscribe(self) -> None:
        """Wait for nothing that the input would bring."""
        self.io.unsubscribe()

    def is_ready(self) -> bool:
        """Whether the input is complete, and the extrinsics of the camera are known."""
        return self.io.is_ready()

    def process(self, item: ItemT) -> None:
        """Estimate the pose of an item and publish it.

        Raises:
            MissingInputError: when it is not known where its camera sits.
            ImageError, CalibrationError, TrajectoryError: when it holds no image.
        """
        source, mount = self.io.input, self.io.mount_of(item.frame_id)
        if source is None or mount is None:
            raise MissingInputError(f"no TF to {item.frame_id}")
        decoded = self._decode(self._system, source, item)
        self.io.processing(item)
        self._set_calibration(decoded.calibration)
        self._system.reconfigure(self._config)
        self._system.is_behind = self.io.is_behind
        self._system.wants_depth = self.io.wants_depth
        started_at = time.perf_counter()
        estimate = decoded.estimate()
        self.io.publish(estimate, self._source, mount, item.frame_id, started_at)
        self._view.show(estimate, decoded.image, decoded.calibration, started_at)

    def _on_image_depth(self, stamp_ns: int, depth: DepthMap) -> None:
        self.io.publish_depth(stamp_ns, depth)
        self._view.show_depth(depth)

    def _set_calibration(self, calibration: Calibration) -> None:
        """Another camera than before begins a new, announced odometry frame."""
        if calibration == self._calibration:
            return
        if self._calibration is not None:
            self.io.outputs.reset()
            self._view.begin_world()
            self._health.reset()
        self._system.change_camera(calibration)
        self._calibration = calibration

    def reset(self) -> None:
        """Forget the map and the trajectory."""
        self._system.reset()
        self.io.outputs.reset()
        self._view.begin_world()

    def coast(self, stamp_ns: int) -> None:
        """Publish odometry for an item that was unusable."""
        self.io.coast(stamp_ns)

    def reconfigure(self, config: Config, settings: NodeConfig) -> None:
        """Take over changed parameters; the system gets them with the next item."""
        self._config = config
        self.io.reconfigure(settings)

    def watch(self) -> None:
        """Warn about missing inputs."""
        self.io.watch()

    def close(self) -> None:
        """End the live view."""
        self._view.close()
