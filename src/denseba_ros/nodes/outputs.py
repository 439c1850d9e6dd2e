"""Everything that the nodes publish about an estimate."""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseArray, PoseStamped
from nav_msgs.msg import Odometry, Path
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from tf2_msgs.msg import TFMessage

from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.camera_info import calibration_to_msg
from denseba_ros.nodes.diagnostics import drop_status, estimate_status
from denseba_ros.nodes.extrinsics import TF_QOS
from denseba_ros.nodes.images import float_image_to_msg
from denseba_ros.nodes.node_config import NodeConfig
from denseba_ros.nodes.point_clouds import keyframe_to_cloud
from denseba_ros.nodes.poses import (
    odometry_to_msg,
    pose_stamped,
    pose_to_msg,
    transform_to_msg,
)
from denseba_ros.nodes.stamps import make_header
from denseba_ros.slam.estimate import DepthMap, Estimate, Keyframe, Tracking

_PATH_PERIOD_NS = 200_000_000


class KeyframeSource(Protocol):
    """The part of System and Odometry that is asked for keyframes."""

    def keyframes(self) -> list[Keyframe]: ...

    def finished_keyframes(self) -> list[Keyframe]: ...


class StatusOutput:
    """`status`: for every image that came in, with its stamp, what became of it."""

    def __init__(self, node: Node) -> None:
        self._name = node.get_fully_qualified_name().lstrip("/")
        self._publisher = node.create_publisher(DiagnosticArray, "status", QoSProfile(depth=100))

    def processed(self, estimate: Estimate) -> None:
        if _is_heard(self._publisher):
            self._publisher.publish(estimate_status(self._name, estimate))

    def dropped(self, stamp_ns: int, reason: str) -> None:
        if _is_heard(self._publisher):
            self._publisher.publish(drop_status(self._name, stamp_ns, reason))


class EstimateOutputs:
    """Odometry, TF, depth, points, path and keyframes; what nobody hears is not even made.

    An image that initialises gives no odometry. While tracking is lost the predicted pose goes
    on at the image rate, with the covariance that the estimate gives it.
    """

    def __init__(self, node: Node, settings: NodeConfig) -> None:
        self._settings = settings
        self._odometry = node.create_publisher(Odometry, "odometry", QoSProfile(depth=50))
        self._tf = node.create_publisher(TFMessage, "/tf", TF_QOS)
        self._depth = node.create_publisher(Image, "depth/image", QoSProfile(depth=5))
        self._depth_info = node.create_publisher(
            CameraInfo, "depth/camera_info", QoSProfile(depth=5)
        )
        self._points = node.create_publisher(PointCloud2, "points", QoSProfile(depth=2))
        self._path = node.create_publisher(Path, "path", QoSProfile(depth=1))
        self._keyframes = node.create_publisher(PoseArray, "keyframes", QoSProfile(depth=1))
        self.reset()

    def reset(self) -> None:
        """Forget the path and the keyframes of the odometry frame that ended."""
        self._poses: deque[PoseStamped] = deque(maxlen=self._settings.path_max_length)
        self._path_published_ns: int | None = None
        self._finished: list[np.ndarray] = []

    def publish(
        self, estimate: Estimate, source: KeyframeSource, mount: CameraMount, camera_frame: str
    ) -> None:
        """Publish one estimate with its image's stamp; ``camera_frame`` is that of the depth."""
        if estimate.tracking is not Tracking.INITIALISING:
            self._publish_pose(estimate, mount)
        if estimate.depth is not None:
            self._publish_depth(estimate.depth, estimate.stamp_ns, camera_frame)
        if estimate.is_keyframe:
            self._publish_keyframes(estimate, source, mount, camera_frame)

    def _publish_pose(self, estimate: Estimate, mount: CameraMount) -> None:
        settings = self._settings
        if _is_heard(self._odometry):
            self._odometry.publish(
                odometry_to_msg(estimate, mount, settings.odom_frame, settings.base_frame)
            )
        T_odom_base = mount.T_odom_base(estimate.T_world_camera)
        self._publish_tf(T_odom_base, estimate.stamp_ns)
        self._publish_path(T_odom_base, estimate.stamp_ns)

    def _publish_tf(self, T_odom_base: np.ndarray, stamp_ns: int) -> None:
        settings, transforms = self._settings, []
        if settings.publish_map_tf:
            transforms.append(
                transform_to_msg(np.eye(4), stamp_ns, settings.map_frame, settings.odom_frame)
            )
        if settings.publish_odom_tf:
            transforms.append(
                transform_to_msg(T_odom_base, stamp_ns, settings.odom_frame, settings.base_frame)
            )
        if transforms:
            self._tf.publish(TFMessage(transforms=transforms))

    def _publish_path(self, T_odom_base: np.ndarray, stamp_ns: int) -> None:
        frame = self._settings.odom_frame
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
        finished = source.finished_keyframes()
        self._finished += [mount.T_odom_base(k.T_world_camera) for k in finished]
        wants_points = self._settings.publish_points and _is_heard(self._points)
        if not (wants_points or _is_heard(self._keyframes)):
            return
        window = source.keyframes()
        poses = self._finished + [mount.T_odom_base(k.T_world_camera) for k in window]
        header = make_header(estimate.stamp_ns, self._settings.odom_frame)
        self._keyframes.publish(PoseArray(header=header, poses=[pose_to_msg(T) for T in poses]))
        if wants_points and window:
            self._points.publish(keyframe_to_cloud(window[-1], camera_frame))


def _is_heard(publisher: Any) -> bool:
    return bool(publisher.get_subscription_count() > 0)
