"""From an item of a node's input to a published estimate: what the estimating nodes share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, cast

import numpy as np

from denseba_ros.config import Config
from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.imu.source import ImuSource
from denseba_ros.nodes.base.estimate_io import CameraItem, EstimateIO, Receive
from denseba_ros.nodes.base.image_processor import MissingInputError
from denseba_ros.nodes.base.managed_node import ManagedNode
from denseba_ros.nodes.inputs.image_input import ImageInput
from denseba_ros.nodes.map.map_keeper import MapKeeper
from denseba_ros.nodes.outputs.map_outputs import KeyframeSource
from denseba_ros.nodes.outputs.node_view import NodeView
from denseba_ros.nodes.parameters.map_path import with_confined_map
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.slam.state.estimate import DepthMap, Estimate
from denseba_ros.slam.state.map_correction import MapPose
from denseba_ros.slam.system import System


class EstimateSystem(KeyframeSource, Protocol):
    """What the nodes need of ``slam.System``, but for the method that estimates."""

    is_behind: bool
    """Whether images wait, set before each."""
    is_urgent: bool
    """Whether an image is worked on that was not published yet."""
    wants_depth: bool
    """Whether anybody wants the depth of each image, set before each."""

    def on_image_depth(self, listener: Callable[[int, DepthMap], None]) -> None:
        """``listener`` gets stamp and depth of images whose estimates came without."""

    def use_imu(self, source: ImuSource, T_imu_camera: np.ndarray | None = None) -> None:
        """Take the samples of an IMU beside the camera, which sits there."""

    def reset(self) -> None:
        """Forget the map and the trajectory."""

    def reconfigure(self, config: Config) -> None:
        """Take over what may change while running."""

    def change_camera(self, calibration: Calibration) -> None:
        """The next images are of this camera; map and trajectory are forgotten."""


# Seconds that the end of the map waits for an image that is still worked on, or for a service.
_PATIENCE = 2.0

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
        is_live = node.settings.mapping == "live"
        map_config = with_confined_map(node.config, node.settings)
        self.map_keeper = MapKeeper(map_config, is_live, node.get_logger())
        self.io = EstimateIO(node, make_input, self.map_keeper)
        self._system = make_system(node.config, is_live)
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
        with self.map_keeper.lock:
            started_at = time.perf_counter()
            estimate = self._process(item, mount, decoded, started_at)
        self._view.show(estimate, decoded.image, decoded.calibration, started_at)

    def _process(
        self, item: ItemT, mount: CameraMount, decoded: Decoded, started_at: float
    ) -> Estimate:
        self._set_calibration(decoded.calibration)
        self._system.reconfigure(self._config)
        if (imu := self.io.imu) is not None:
            T_imu_camera = imu.take_extrinsics(item.frame_id)
            if T_imu_camera is not None:
                self._system.use_imu(imu.buffer, T_imu_camera)
        self._system.is_behind = self.io.is_behind
        self._system.wants_depth = self.io.wants_depth
        self._system.is_urgent = True
        try:
            estimate = decoded.estimate()
            in_map = self.map_keeper.locate(estimate)
            self.io.publish(estimate, self._source, mount, item.frame_id, started_at, in_map)
        finally:
            self._system.is_urgent = False
        if self.map_keeper.session is not None:
            self._follow(estimate, mount, in_map)
        return estimate

    def _follow(self, estimate: Estimate, mount: CameraMount, in_map: MapPose | None) -> None:
        """Let the larger map take an image in, after its odometry was published."""
        began_at = time.perf_counter()
        self.map_keeper.follow(estimate)
        self.io.publish_map(mount, estimate.stamp_ns, in_map)
        self._health.took("map", time.perf_counter() - began_at)

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
        self.map_keeper.end()
        self._system.change_camera(calibration)
        self._calibration = calibration
        self._begin_map()

    def reset(self) -> None:
        """Forget the window and the trajectory. A map with a file is gone on with."""
        with self.map_keeper.lock:
            self.map_keeper.end()
            self._system.reset()
            self.io.outputs.reset()
            self._view.begin_world()
            self._begin_map()

    def _begin_map(self) -> None:
        if self._calibration is not None:
            self.map_keeper.begin(cast(System, self._system), self._calibration)

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

    @property
    def must_save(self) -> bool:
        """Whether there is a map that ``close`` writes to its file."""
        return self.map_keeper.is_written

    def save(self) -> None:
        """Write the map as far as it left the window."""
        with self.map_keeper.lock:
            self.map_keeper.save()

    def close(self) -> None:
        """Finish the map, after the image that is worked on, and end the live view."""
        self.map_keeper.close(_PATIENCE)
        self.io.close()
        self._view.close()
