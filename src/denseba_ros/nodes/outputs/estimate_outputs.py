"""Everything that the nodes publish about an estimate."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from rclpy.node import Node

from denseba_ros.geometry import pose_step
from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.outputs.map_outputs import KeyframeSource, MapOutputs, MetricKeyframes
from denseba_ros.nodes.outputs.pose_outputs import PoseOutputs
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.slam.inertial.metric_frame import MetricFrame
from denseba_ros.slam.state.estimate import DepthMap, Estimate, Tracking
from denseba_ros.slam.state.map_correction import MapCorrection, MapPose
from denseba_ros.slam.state.odom_continuity import OdomContinuity

UNKNOWN = np.diag([1e6] * 6)
"""Covariance (6, 6) that filters take as "not measured"."""


class EstimateOutputs:
    """Carries estimates over into odom and publishes them; what nobody hears is not even made.

    Before the first pose an image gives no odometry. From then on every image does: the predicted
    pose while tracking is lost, with the covariance that the estimate gives it and after a while
    that of the unknown. ``T_map_odom`` (4, 4) takes what a recovery would have made odom jump by,
    and where there is a larger map, what closed loops correct; None while the place in that is not
    known. ``T_map_odom_measured`` also takes what a prediction and a slow correction still lend, so
    that with the newest pose in odom it gives the measured pose in map.
    ``newest`` is the newest estimate, in odom. Poses are of the camera; ``mount`` says where it
    sits on the robot.

    The worker and the executor publish at the same time: whether a stamp is newer than the last,
    the transform between the frames and the publication itself are one critical section.
    """

    def __init__(self, node: Node, settings: NodeConfig, throttled: ThrottledLogger) -> None:
        self._settings = settings
        self._poses = PoseOutputs(node, settings, throttled)
        self._map = MapOutputs(node, settings, throttled)
        self._continuity, self._correction = OdomContinuity(), MapCorrection()
        self._metric, self._log = MetricFrame(), node.get_logger()
        self._has_pose = False
        self._lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Forget the path and the keyframes of the odometry frame that ended."""
        with self._lock:
            self._metric.reset()
            self._begin_frame()

    def _begin_frame(self) -> None:
        with self._lock:
            self._map.reset()
            self._continuity.reset()
            self._correction.reset()
            self._measured_ns: int | None = None
            self.T_map_odom: np.ndarray | None = np.eye(4)
            self.T_map_odom_measured: np.ndarray | None = np.eye(4)
            self.newest: Estimate | None = None
            self._poses.reset()

    @property
    def settings(self) -> NodeConfig:
        """The node's parameters; setting them changes what is published from then on."""
        return self._settings

    @settings.setter
    def settings(self, settings: NodeConfig) -> None:
        self._settings = self._poses.settings = self._map.settings = settings

    def wants_depth(self) -> bool:
        """Whether anybody listens to the depth of every image."""
        return self._map.wants_depth()

    def publish_depth(self, stamp_ns: int, depth: DepthMap, camera_frame: str) -> None:
        """Publish the depth of the image of ``stamp_ns``, of the map's unit."""
        self._map.publish_depth(self._metric.depth(depth), stamp_ns, camera_frame)

    def in_metres(self, estimate: Estimate, mount: CameraMount) -> tuple[Estimate, bool]:
        """The estimate in metres along upright axes once an IMU tells both, as what ``publish``
        wants; and whether that begins a new odometry frame, which is to be announced."""
        with self._lock:
            carried, begins = self._metric.carry(estimate, mount.T_base_camera[:3, :3])
            if begins:
                self._begin_frame()
                self._log.warning(
                    "the IMU tells metres and gravity: odometry begins anew, in metres and upright "
                    f"(one unit was {self._metric.metres_per_unit:.3f} m)"
                )
        return carried, begins

    def publish(
        self,
        estimate: Estimate,
        source: KeyframeSource,
        mount: CameraMount,
        camera_frame: str,
        in_map: MapPose | None = None,
    ) -> bool:
        """Publish one estimate with its image's stamp; ``camera_frame`` is that of the depth,
        ``in_map`` where it is in a larger map, None where there is none.

        False where odometry of this or a later stamp was published before, as a prediction.
        """
        with self._lock:
            is_first = self._publish_pose(estimate, mount, in_map)
            T_odom_world = self._continuity.T_odom_world
        if estimate.depth is not None:
            self._map.publish_depth(estimate.depth, estimate.stamp_ns, camera_frame)
        if estimate.is_map_updated:
            self._map.publish_keyframes(
                MetricKeyframes(source, self._metric),
                mount,
                T_odom_world,
                estimate.stamp_ns,
                camera_frame,
            )
        return is_first

    def _publish_pose(self, estimate: Estimate, mount: CameraMount, in_map: MapPose | None) -> bool:
        has_pose = estimate.counts_as is not Tracking.INITIALISING
        if not (has_pose or self._has_pose):
            return True
        self._has_pose = True
        if estimate.is_measured:
            self._measured_ns = estimate.stamp_ns
        self.newest = self._with_unknown_if_stale(self._continuity.update(estimate))
        self._link_map(estimate, self.newest, mount, in_map)
        is_first = self._poses.publish(self.newest, mount, self.T_map_odom)
        if estimate.is_measured and self.T_map_odom is not None:
            self._poses.publish_in_map(self._with_lent(self.newest), mount, self.T_map_odom)
        return is_first

    def _link_map(
        self, estimate: Estimate, published: Estimate, mount: CameraMount, in_map: MapPose | None
    ) -> None:
        """Set both transforms for an ``estimate`` that is ``published`` so in odom."""
        T_odom_world = self._continuity.T_odom_world
        if in_map is None:
            self.T_map_odom = pose_step.inverse(mount.T_odom_base(T_odom_world))
            T_map_camera: np.ndarray | None = estimate.T_world_camera
        else:
            T_odom_camera = T_odom_world @ estimate.T_world_camera
            rate = self._settings.map_correction_rate
            T_map_odom = self._correction.map_to_odom(
                in_map, T_odom_camera, estimate.stamp_ns, rate
            )
            self.T_map_odom = None if T_map_odom is None else mount.T_odom_base(T_map_odom)
            T_map_camera = in_map.T_map_camera
        self.T_map_odom_measured = self.T_map_odom
        is_lent = self._continuity.loan.any() or self._correction.lent.any()
        if T_map_camera is not None and is_lent:
            T_odom_base = mount.T_odom_base(published.T_world_camera)
            T_map_base = mount.T_odom_base(T_map_camera)
            self.T_map_odom_measured = T_map_base @ pose_step.inverse(T_odom_base)

    def _with_lent(self, estimate: Estimate) -> Estimate:
        """The estimate, in odom, with what its pose in the map still lends as an error."""
        lent, T_map_odom = self._correction.lent, self.T_map_odom
        if not lent.any() or T_map_odom is None:
            return estimate
        in_odom = (lent.reshape(2, 3) @ T_map_odom[:3, :3]).ravel()
        return replace(estimate, covariance=estimate.covariance + np.outer(in_odom, in_odom))

    def coast(self, stamp_ns: int, mount: CameraMount) -> None:
        """Odometry for an image that was unusable: where the last velocity leads."""
        with self._lock:
            coasted = self._continuity.coast(stamp_ns)
            if coasted is not None:
                self.newest = self._with_unknown_if_stale(coasted)
                self._poses.publish(self.newest, mount, self.T_map_odom)

    def publish_prediction(
        self, stamps_ns: Sequence[int], mount: CameraMount, max_silence: float
    ) -> None:
        """Odometry for the first of the images of ``stamps_ns`` that has none, where the last is
        older than ``max_silence`` seconds: its own estimate would come too late."""
        with self._lock:
            last_ns = self._poses.last_stamp_ns
            silence = time.monotonic() - self._poses.last_published_at
            if last_ns is None or silence <= max_silence:
                return
            due = [stamp_ns for stamp_ns in stamps_ns if stamp_ns > last_ns]
            predicted = self._continuity.predict_published(min(due)) if due else None
            if predicted is not None:
                self._poses.publish(self._with_unknown_if_stale(predicted), mount, self.T_map_odom)

    def predict(self, stamp_ns: int) -> Estimate | None:
        """The estimate in odom at a time after the newest image; None before the first pose."""
        with self._lock:
            predicted = self._continuity.predict(stamp_ns)
            return None if predicted is None else self._with_unknown_if_stale(predicted)

    def _with_unknown_if_stale(self, estimate: Estimate) -> Estimate:
        """With the covariance of the unknown where nothing was measured for too long."""
        since_ns = self._measured_ns
        limit = self._settings.unknown_after
        if since_ns is not None and (estimate.stamp_ns - since_ns) * 1e-9 <= limit:
            return estimate
        return replace(estimate, covariance=UNKNOWN, twist_covariance=UNKNOWN)
