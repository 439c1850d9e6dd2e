"""Inputs and outputs of a node that publishes estimates."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.base.managed_node import ManagedNode
from denseba_ros.nodes.inputs.extrinsics import make_extrinsics
from denseba_ros.nodes.inputs.image_input import ImageInput
from denseba_ros.nodes.inputs.imu_input import ImuInput, make_imu_input
from denseba_ros.nodes.map.map_keeper import MapKeeper
from denseba_ros.nodes.map.map_services import PoseHint
from denseba_ros.nodes.map.map_topics import MapTopics
from denseba_ros.nodes.outputs.estimate_outputs import EstimateOutputs
from denseba_ros.nodes.outputs.map_outputs import KeyframeSource
from denseba_ros.nodes.outputs.predicted_odometry import PredictedOdometry
from denseba_ros.nodes.outputs.px4_output import Px4Output
from denseba_ros.nodes.outputs.silence_watchdog import SilenceWatchdog
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.slam.state.estimate import DepthMap, Estimate
from denseba_ros.slam.state.map_correction import MapPose


class CameraItem(Protocol):
    """An image, or what a frontend made of one."""

    @property
    def stamp_ns(self) -> int:
        """Time of the image in nanoseconds."""
        ...

    @property
    def frame_id(self) -> str:
        """Optical frame of its camera."""
        ...


InputT = TypeVar("InputT", bound=ImageInput)
Receive = Callable[[CameraItem], None]


class EstimateIO(Generic[InputT]):
    """Images, IMU and extrinsics in; odometry, its prediction, PX4 and status out.

    Exists from configure to cleanup. ``make_input`` subscribes to the images and gives each to the
    callable that it gets; ``input`` is its result, None before the first activation. ``imu`` is
    None then too, and where ``imu.mode`` is off.

    Raises:
        ConfigurationError: when an output needs a package that is not installed.
    """

    def __init__(
        self,
        node: ManagedNode[Any],
        make_input: Callable[[Receive], InputT],
        keeper: MapKeeper,
    ) -> None:
        settings = node.settings
        self.input: InputT | None = None
        self.imu: ImuInput | None = None
        self._node, self._make_input, self._keeper = node, make_input, keeper
        self._health, self._status, self._pipeline = node.health, node.status, node.pipeline
        self._is_live = settings.mapping == "live"
        self._input_timeout = settings.input_timeout
        self._camera_frame: str | None = None
        self.outputs = EstimateOutputs(node, settings, node.throttled)
        self._map_topics = MapTopics(node, settings, node.throttled)
        self._extrinsics = make_extrinsics(node, settings, node.pipeline.open_if_ready)
        self._px4 = Px4Output(node, node.throttled) if settings.px4 else None
        self._watchdog = SilenceWatchdog(
            node, self.outputs, self._active_mount, settings.max_silence
        )
        self._prediction: PredictedOdometry | None = None
        if settings.prediction_rate > 0:
            self._prediction = PredictedOdometry(
                node, settings, self._predict, self._newest_mount, self._publish_px4
            )

    # -- in ------------------------------------------------------------------------------------

    def subscribe(self) -> None:
        """Subscribe to the images, and to the IMU where one is wanted."""
        self.input = self._make_input(self.receive)
        node, keeper = self._node, self._keeper
        self.imu = make_imu_input(node, node.config.imu)
        PoseHint(node, keeper, self._newest_mount, node.settings.map, node.throttled)
        values = [lambda: keeper.report().values]
        if self.imu is not None:
            values.append(self.imu.values)
        node.report_values(values, lambda: keeper.report().problem)

    def unsubscribe(self) -> None:
        """Wait for nothing that the input would bring."""
        if self.input is not None:
            self.input.close()

    def receive(self, item: CameraItem) -> None:
        """Pass an item that arrived to the pipeline, and note it once its stamp is believed."""
        self._camera_frame = item.frame_id
        self._pipeline.receive(item, self._note)

    def _note(self, stamp_ns: int) -> None:
        self._watchdog.received(stamp_ns)
        if self._prediction is not None:
            self._prediction.received(stamp_ns)

    def is_ready(self) -> bool:
        """Whether the input is complete, and it is known where the camera sits."""
        is_ready = self.input is not None and self.input.is_ready
        return is_ready and self._newest_mount() is not None

    @property
    def is_behind(self) -> bool:
        """Whether images wait; never in lockstep, where the same images give the same result."""
        return self._is_live and self._pipeline.is_behind

    def mount_of(self, camera_frame: str) -> CameraMount | None:
        """Where a camera sits on the robot, None while TF does not tell."""
        return self._extrinsics.mount(camera_frame)

    def watch(self) -> None:
        """Warn about missing images, camera_info, samples of the IMU or extrinsics."""
        self._extrinsics.watch()
        if self.input is not None:
            self.input.watch(self._input_timeout)
        if self.imu is not None:
            self.imu.watch(self._input_timeout)

    # -- out -----------------------------------------------------------------------------------

    @property
    def wants_depth(self) -> bool:
        """Whether anybody listens to the depth of every image."""
        return self.outputs.wants_depth()

    def publish_depth(self, stamp_ns: int, depth: DepthMap) -> None:
        """Publish the depth of an image whose pose was published before; from any thread."""
        if self._camera_frame is not None and self._pipeline.is_running:
            self.outputs.publish_depth(stamp_ns, depth, self._camera_frame)

    def processing(self, item: CameraItem) -> None:
        """The estimate of an item is being computed from now on."""
        self._watchdog.processing(item.stamp_ns)

    def publish(
        self,
        estimate: Estimate,
        source: KeyframeSource,
        mount: CameraMount,
        camera_frame: str,
        started_at: float,
        in_map: MapPose | None,
    ) -> None:
        """Publish an estimate whose computation began at ``started_at`` (perf_counter, s), and
        where it is in the larger map, None without one."""
        processed_at = time.perf_counter()
        estimate, begins = self.outputs.in_metres(estimate, mount)
        if begins:
            self._health.reset()
        predicted_before = not self.outputs.publish(estimate, source, mount, camera_frame, in_map)
        if self._prediction is None and self.outputs.newest is not None:
            self._publish_px4(self.outputs.newest, mount)
        seconds = {
            "total": processed_at - started_at,
            "publishing": time.perf_counter() - processed_at,
        }
        self._health.processed({**estimate.seconds, **seconds}, estimate)
        T_map_odom = self.outputs.T_map_odom_measured
        self._status.processed(estimate, self._health, T_map_odom, predicted_before)

    def publish_map(self, mount: CameraMount, stamp_ns: int, in_map: MapPose | None) -> None:
        """Publish the larger map itself, where there is one; with the keeper's lock."""
        if self._keeper.session is not None:
            is_corrected = in_map is not None and in_map.is_corrected
            self._map_topics.update(self._keeper.session, mount, stamp_ns, is_corrected)

    def close(self) -> None:
        """End the thread of the map's topics."""
        self._map_topics.close()

    def coast(self, stamp_ns: int) -> None:
        """Publish odometry for an image that was unusable."""
        mount = self._newest_mount()
        if mount is not None:
            self.outputs.coast(stamp_ns, mount)

    def reconfigure(self, settings: NodeConfig) -> None:
        """Take over changed parameters."""
        self.outputs.settings = self._map_topics.settings = settings
        self._watchdog.max_silence = settings.max_silence
        self._input_timeout = settings.input_timeout

    def _newest_mount(self) -> CameraMount | None:
        frame = self._camera_frame
        return None if frame is None else self._extrinsics.mount(frame)

    def _active_mount(self) -> CameraMount | None:
        return self._newest_mount() if self._pipeline.is_running else None

    def _predict(self, stamp_ns: int) -> Estimate | None:
        return self.outputs.predict(stamp_ns) if self._pipeline.is_running else None

    def _publish_px4(self, estimate: Estimate, mount: CameraMount) -> None:
        if self._px4 is not None:
            self._px4.publish(estimate, mount, self._health.session + self._health.resets)
