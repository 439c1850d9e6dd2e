"""What the two nodes share that publish estimates: outputs, extrinsics, prediction, PX4."""

from __future__ import annotations

import time
from typing import Any

from rclpy.clock import Clock, ClockType

from denseba_ros.config import Config
from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.base.working_node import T, WorkingNode
from denseba_ros.nodes.inputs.extrinsics import Extrinsics, make_extrinsics
from denseba_ros.nodes.outputs.estimate_outputs import EstimateOutputs, KeyframeSource
from denseba_ros.nodes.outputs.predicted_odometry import Prediction
from denseba_ros.nodes.outputs.px4 import Px4Output
from denseba_ros.slam.state.estimate import Estimate

_TALK_PERIOD = 0.05


class EstimatingNode(WorkingNode[T]):
    """A working node whose items become estimates."""

    outputs: EstimateOutputs
    extrinsics: Extrinsics

    def __init__(self, name: str, **node_options: Any) -> None:
        super().__init__(name, **node_options)
        self._camera_frame: str | None = None
        self._prediction: Prediction | None = None
        self._px4: Px4Output | None = None
        self._arrived_ns = self._in_hand_ns = 0

    def prepare(self) -> None:
        settings = self.settings
        self.outputs = EstimateOutputs(self, settings, self.throttled)
        self.extrinsics = make_extrinsics(self, settings, self.try_open)
        self._px4 = Px4Output(self) if settings.px4 else None
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(_TALK_PERIOD, self._keep_talking, clock=steady)
        if settings.prediction_rate > 0:
            self._prediction = Prediction(
                self, settings, self._predict, self._newest_mount, self._tell_autopilot
            )

    def release(self) -> None:
        self._prediction = self._px4 = self._camera_frame = None

    def image_arrived(self, stamp_ns: int, frame_id: str) -> None:
        """Note an image of a camera as it comes in."""
        self._camera_frame, self._arrived_ns = frame_id, stamp_ns
        if self._prediction is not None:
            self._prediction.image_arrived(stamp_ns)

    def has_mount(self) -> bool:
        """Whether it is known where the camera of the newest image sits."""
        return self._newest_mount() is not None

    def mount_of(self, camera_frame: str) -> CameraMount | None:
        """Where a camera sits on the robot, None while TF does not say."""
        return self.extrinsics.mount(camera_frame)

    def wanted(self) -> Config:
        """The configuration, without a depth for every image where nobody listens to it."""
        if not self.config.depth_every_frame or self.outputs.wants_depth():
            return self.config
        return self.config.model_copy(update={"depth_every_frame": False})

    def publish(
        self,
        estimate: Estimate,
        source: KeyframeSource,
        mount: CameraMount,
        camera_frame: str,
        started: float,
    ) -> None:
        """Publish an estimate whose processing began at ``started`` (perf_counter)."""
        processed = time.perf_counter()
        self.outputs.publish(estimate, source, mount, camera_frame)
        if self._prediction is None and self.outputs.newest is not None:
            self._tell_autopilot(self.outputs.newest, mount)
        seconds = {"total": processed - started, "publishing": time.perf_counter() - processed}
        self.health.processed({**estimate.seconds, **seconds}, estimate)
        self.status.processed(estimate, self.health, self.outputs.T_map_odom)

    def missed(self, stamp_ns: int) -> None:
        mount = self._newest_mount()
        if mount is not None:
            self.outputs.publish_missed(stamp_ns, mount)

    def reconfigured(self) -> None:
        if hasattr(self, "outputs"):
            self.outputs.settings = self.settings

    def watch(self) -> None:
        self.extrinsics.watch()

    def _newest_mount(self) -> CameraMount | None:
        frame = self._camera_frame
        return None if frame is None else self.extrinsics.mount(frame)

    def take_in_hand(self, stamp_ns: int) -> None:
        """Note that the estimate of an image is being made."""
        self._in_hand_ns = stamp_ns

    def _keep_talking(self) -> None:
        """Odometry by prediction where an image takes so long that the next ones wait."""
        limit, outputs, mount = self.settings.max_silence, self.outputs, self._newest_mount()
        is_silent = limit > 0 and time.monotonic() - outputs.spoke_at > limit
        if self.worker is None or mount is None or outputs.last_ns is None or not is_silent:
            return
        if self._arrived_ns <= self._in_hand_ns:
            return
        new = [ns for ns in (self._in_hand_ns, self._arrived_ns) if ns > outputs.last_ns]
        if new:
            outputs.publish_ahead(min(new), mount)

    def _predict(self, stamp_ns: int) -> Estimate | None:
        return self.outputs.predict(stamp_ns) if self.worker is not None else None

    def _tell_autopilot(self, estimate: Estimate, mount: CameraMount) -> None:
        if self._px4 is not None:
            self._px4.publish(estimate, mount, self.health.session + self.health.resets)
