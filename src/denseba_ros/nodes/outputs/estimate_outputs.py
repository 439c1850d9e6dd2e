"""Everything that the nodes publish about an estimate."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseArray, PoseStamped
from nav_msgs.msg import Odometry, Path
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from tf2_msgs.msg import TFMessage

from denseba_ros.geometry.body_frame import CameraMount, rigid_inverse
from denseba_ros.nodes.base.qos_events import publisher_events
from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.conversions.camera_info import calibration_to_msg
from denseba_ros.nodes.conversions.images import float_image_to_msg
from denseba_ros.nodes.conversions.point_clouds import keyframe_to_cloud
from denseba_ros.nodes.conversions.poses import (
    maybe_inverted,
    null_odometry,
    odometry_to_msg,
    pose_stamped,
    pose_to_msg,
)
from denseba_ros.nodes.conversions.stamps import make_header
from denseba_ros.nodes.inputs.extrinsics import TF_QOS
from denseba_ros.nodes.outputs.diagnostics import drop_status, estimate_status
from denseba_ros.nodes.outputs.health import Health
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.slam.state.estimate import DepthMap, Estimate, Keyframe, Tracking
from denseba_ros.slam.state.odom_continuity import OdomContinuity

_PATH_PERIOD_NS = 200_000_000
UNKNOWN = np.diag([1e6] * 6)
"""Covariance (6, 6) that filters take as "not measured"."""


class KeyframeSource(Protocol):
    """The part of System and Odometry that is asked for keyframes."""

    def keyframes(self) -> list[Keyframe]: ...

    def finished_keyframes(self) -> list[Keyframe]: ...


class StatusOutput:
    """`status`: for every image that came in, with its stamp, what became of it."""

    def __init__(self, node: Node) -> None:
        self._name = node.get_fully_qualified_name().lstrip("/")
        self._publisher = node.create_publisher(DiagnosticArray, "status", QoSProfile(depth=100))

    def processed(
        self, estimate: Estimate, health: Health, T_map_odom: np.ndarray | None = None
    ) -> None:
        if _is_heard(self._publisher):
            self._publisher.publish(estimate_status(self._name, estimate, health, T_map_odom))

    def dropped(self, stamp_ns: int, reason: str) -> None:
        if _is_heard(self._publisher):
            self._publisher.publish(drop_status(self._name, stamp_ns, reason))


class EstimateOutputs:
    """Odometry, TF, depth, points, path and keyframes; what nobody hears is not even made.

    Before the first pose an image gives no odometry. From then on every image does: the predicted
    pose while tracking is lost, with the covariance that the estimate gives it and after a while
    that of the unknown. ``T_map_odom`` (4, 4) takes what a recovery would have made odom jump by.
    """

    def __init__(self, node: Node, settings: NodeConfig, throttled: ThrottledLogger) -> None:
        self.settings = settings
        self._node, self._throttled = node, throttled
        self._odometry = self._publisher(Odometry, "odometry", 50)
        self._tf = node.create_publisher(TFMessage, "/tf", TF_QOS)
        self._depth = self._publisher(Image, "depth/image", 5)
        self._depth_info = self._publisher(CameraInfo, "depth/camera_info", 5)
        self._points = self._publisher(PointCloud2, "points", 2)
        self._path = self._publisher(Path, "path", 1)
        self._keyframes = self._publisher(PoseArray, "keyframes", 1)
        self._link = OdomContinuity()
        self._has_begun = False
        self._lock = threading.Lock()
        self.spoke_at = time.monotonic()
        self.reset()

    def _publisher(self, kind: Any, name: str, depth: int) -> Any:
        topic = self._node.resolve_topic_name(name)
        return self._node.create_publisher(
            kind,
            name,
            QoSProfile(depth=depth),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            event_callbacks=publisher_events(self._throttled, topic),
        )

    def reset(self) -> None:
        """Forget the path and the keyframes of the odometry frame that ended."""
        self._poses: deque[PoseStamped] = deque(maxlen=self.settings.path_max_length)
        self._path_published_ns: int | None = None
        self._finished: deque[np.ndarray] = deque(maxlen=self.settings.path_max_length)
        self._link.reset()
        self._measured_ns: int | None = None
        self.T_map_odom = np.eye(4)
        self.newest: Estimate | None = None
        self.last_ns: int | None = None

    def wants_depth(self) -> bool:
        """Whether anybody listens to the depth of every image."""
        return _is_heard(self._depth) or _is_heard(self._depth_info)

    def publish(
        self, estimate: Estimate, source: KeyframeSource, mount: CameraMount, camera_frame: str
    ) -> None:
        """Publish one estimate with its image's stamp; ``camera_frame`` is that of the depth."""
        has_pose = estimate.tracking is not Tracking.INITIALISING
        if has_pose or self._has_begun:
            self._has_begun = True
            if estimate.tracking is Tracking.TRACKING:
                self._measured_ns = estimate.stamp_ns
            in_odom = self._link.update(estimate)
            self.newest = self._with_honest_covariance(in_odom)
            self.T_map_odom = rigid_inverse(mount.T_odom_base(self._link.T_odom_world))
            self._publish_pose(self.newest, mount)
        if estimate.depth is not None:
            self._publish_depth(estimate.depth, estimate.stamp_ns, camera_frame)
        if estimate.is_keyframe:
            self._publish_keyframes(estimate, source, mount, camera_frame)

    def publish_missed(self, stamp_ns: int, mount: CameraMount) -> None:
        """Odometry for an image that could not be used: where the last velocity leads."""
        missed = self._link.coast(stamp_ns)
        if missed is not None:
            self.newest = self._with_honest_covariance(missed)
            self._publish_pose(self.newest, mount)

    def publish_ahead(self, stamp_ns: int, mount: CameraMount) -> None:
        """Odometry for an image whose own estimate would come too late."""
        promised = self._link.predict_published(stamp_ns)
        if promised is not None:
            self._publish_pose(self._with_honest_covariance(promised), mount)

    def predict(self, stamp_ns: int) -> Estimate | None:
        """The estimate in odom at a time after the newest image; None before the first pose."""
        predicted = self._link.predict(stamp_ns)
        return None if predicted is None else self._with_honest_covariance(predicted)

    def _with_honest_covariance(self, estimate: Estimate) -> Estimate:
        """With the covariance of the unknown where nothing was measured for too long."""
        since_ns = self._measured_ns
        limit = self.settings.unknown_after
        if since_ns is not None and (estimate.stamp_ns - since_ns) * 1e-9 <= limit:
            return estimate
        return replace(estimate, covariance=UNKNOWN, twist_covariance=UNKNOWN)

    def _publish_pose(self, estimate: Estimate, mount: CameraMount) -> None:
        with self._lock:
            # What was published ahead is not taken back: stamps only go forward.
            if self.last_ns is not None and estimate.stamp_ns <= self.last_ns:
                return
            self.last_ns, self.spoke_at = estimate.stamp_ns, time.monotonic()
        if _is_heard(self._odometry):
            self._publish_odometry(estimate, mount)
        if self._is_null(estimate):
            return
        T_odom_base = mount.T_odom_base(estimate.T_world_camera)
        self._publish_tf(T_odom_base, estimate.stamp_ns)
        self._publish_path(T_odom_base, estimate.stamp_ns)

    def _publish_odometry(self, estimate: Estimate, mount: CameraMount) -> None:
        frames = (self.settings.odom, self.settings.base)
        if self._is_null(estimate):
            self._odometry.publish(null_odometry(estimate.stamp_ns, *frames))
        else:
            self._odometry.publish(odometry_to_msg(estimate, mount, *frames))

    def _is_null(self, estimate: Estimate) -> bool:
        lost = estimate.tracking is not Tracking.TRACKING
        return lost and self.settings.lost_output == "null"

    def _publish_tf(self, T_odom_base: np.ndarray, stamp_ns: int) -> None:
        settings, transforms = self.settings, []
        if settings.publish_map_tf:
            transforms.append(
                maybe_inverted(
                    self.T_map_odom, stamp_ns, settings.map, settings.odom, settings.invert_map_tf
                )
            )
        if settings.publish_odom_tf:
            transforms.append(
                maybe_inverted(
                    T_odom_base, stamp_ns, settings.odom, settings.base, settings.invert_odom_tf
                )
            )
        if transforms and _is_heard(self._tf):
            self._tf.publish(TFMessage(transforms=transforms))

    def _publish_path(self, T_odom_base: np.ndarray, stamp_ns: int) -> None:
        frame = self.settings.odom
        self._poses.append(pose_stamped(T_odom_base, stamp_ns, frame))
        last = self._path_published_ns
        is_due = last is None or stamp_ns - last >= _PATH_PERIOD_NS
        if is_due and _is_heard(self._path):
            self._path_published_ns = stamp_ns
            self._path.publish(Path(header=make_header(stamp_ns, frame), poses=list(self._poses)))

    def _publish_depth(self, depth: DepthMap, stamp_ns: int, camera_frame: str) -> None:
        if _is_heard(self._depth):
            self._depth.publish(float_image_to_msg(depth.depth, stamp_ns, camera_frame))
        if _is_heard(self._depth_info):
            self._depth_info.publish(calibration_to_msg(depth.calibration, stamp_ns, camera_frame))

    def _publish_keyframes(
        self, estimate: Estimate, source: KeyframeSource, mount: CameraMount, camera_frame: str
    ) -> None:
        self._finished += [k.T_world_camera for k in source.finished_keyframes()]
        wants_points = self.settings.publish_points and _is_heard(self._points)
        if not (wants_points or _is_heard(self._keyframes)):
            return
        window = source.keyframes()
        in_world = [*self._finished, *(k.T_world_camera for k in window)]
        poses = [mount.T_odom_base(self._link.T_odom_world @ T) for T in in_world]
        header = make_header(estimate.stamp_ns, self.settings.odom)
        self._keyframes.publish(PoseArray(header=header, poses=[pose_to_msg(T) for T in poses]))
        if wants_points and window:
            self._points.publish(keyframe_to_cloud(window[-1], camera_frame))


def _is_heard(publisher: Any) -> bool:
    return bool(publisher.get_subscription_count() > 0)
