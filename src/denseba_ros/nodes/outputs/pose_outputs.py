"""What is published of one pose: odometry, TF, path and pose in the map; stamps only rise."""

from __future__ import annotations

import time
from collections import deque

import numpy as np
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped
from nav_msgs.msg import Odometry, Path
from rclpy.node import Node
from tf2_msgs.msg import TFMessage

from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.conversions.poses import (
    maybe_inverted,
    null_odometry,
    odometry_to_msg,
    pose_in_map_to_msg,
    pose_stamped,
)
from denseba_ros.nodes.conversions.stamps import make_header
from denseba_ros.nodes.inputs.extrinsics import TF_QOS
from denseba_ros.nodes.outputs.publishers import LatchedPublisher, has_subscribers, make_publisher
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.slam.state.estimate import Estimate

_PATH_PERIOD_NS = 200_000_000


class PoseOutputs:
    """`odometry`, `/tf`, `path` and `pose`: every pose that is published passes here, one by one.

    ``last_stamp_ns`` is the stamp of the newest odometry (None before the first), and
    ``last_published_at`` the monotonic time (s) at which it was published.
    """

    def __init__(self, node: Node, settings: NodeConfig, throttled: ThrottledLogger) -> None:
        self.settings = settings
        self._odometry = make_publisher(node, Odometry, "odometry", 50, throttled)
        self._tf = node.create_publisher(TFMessage, "/tf", TF_QOS)
        self._path = LatchedPublisher(node, Path, "path", throttled)
        self._pose = make_publisher(node, PoseWithCovarianceStamped, "pose", 10, throttled)
        self.last_published_at = time.monotonic()
        self.reset()

    def reset(self) -> None:
        """A new odometry frame: the path is empty, the next stamp may be any."""
        self._poses: deque[PoseStamped] = deque(maxlen=self.settings.path_max_length)
        self._path_published_ns: int | None = None
        self._path.forget()
        self.last_stamp_ns: int | None = None

    def publish_in_map(
        self, estimate: Estimate, mount: CameraMount, T_map_odom: np.ndarray
    ) -> None:
        """Publish the pose of a measured ``estimate``, which is in odom, as /tf has it in map."""
        if has_subscribers(self._pose):
            T_odom_camera = estimate.T_world_camera
            covariance = mount.pose_covariance(estimate.covariance, T_odom_camera)
            axes = np.kron(np.eye(2), T_map_odom[:3, :3])
            T_map_base = T_map_odom @ mount.T_odom_base(T_odom_camera)
            self._pose.publish(
                pose_in_map_to_msg(
                    T_map_base, axes @ covariance @ axes.T, estimate.stamp_ns, self.settings.map
                )
            )

    def publish(
        self, estimate: Estimate, mount: CameraMount, T_map_odom: np.ndarray | None
    ) -> bool:
        """Publish the pose of ``estimate``, which is in odom; False for one that is not newer than
        the last, which is left out.

        ``T_map_odom`` (4, 4) goes to /tf; None: it is not known.
        """
        # A published prediction is not taken back.
        if self.last_stamp_ns is not None and estimate.stamp_ns <= self.last_stamp_ns:
            return False
        self.last_stamp_ns, self.last_published_at = estimate.stamp_ns, time.monotonic()
        if has_subscribers(self._odometry):
            self._publish_odometry(estimate, mount)
        if self._is_null(estimate):
            return True
        T_odom_base = mount.T_odom_base(estimate.T_world_camera)
        self._publish_tf(T_odom_base, T_map_odom, estimate.stamp_ns)
        self._publish_path(T_odom_base, estimate.stamp_ns)
        return True

    def _publish_odometry(self, estimate: Estimate, mount: CameraMount) -> None:
        frames = (self.settings.odom, self.settings.base)
        if self._is_null(estimate):
            self._odometry.publish(null_odometry(estimate.stamp_ns, *frames))
        else:
            self._odometry.publish(odometry_to_msg(estimate, mount, *frames))

    def _is_null(self, estimate: Estimate) -> bool:
        is_lost = not estimate.is_measured
        return is_lost and self.settings.lost_output == "null"

    def _publish_tf(
        self, T_odom_base: np.ndarray, T_map_odom: np.ndarray | None, stamp_ns: int
    ) -> None:
        settings, transforms = self.settings, []
        if settings.publish_map_tf and T_map_odom is not None:
            transforms.append(
                maybe_inverted(
                    T_map_odom, stamp_ns, settings.map, settings.odom, settings.invert_map_tf
                )
            )
        if settings.publish_odom_tf:
            transforms.append(
                maybe_inverted(
                    T_odom_base, stamp_ns, settings.odom, settings.base, settings.invert_odom_tf
                )
            )
        if transforms and has_subscribers(self._tf):
            self._tf.publish(TFMessage(transforms=transforms))

    def _publish_path(self, T_odom_base: np.ndarray, stamp_ns: int) -> None:
        frame = self.settings.odom
        self._poses.append(pose_stamped(T_odom_base, stamp_ns, frame))
        last = self._path_published_ns
        if last is None or stamp_ns - last >= _PATH_PERIOD_NS:
            self._path_published_ns = stamp_ns
            header, poses = make_header(stamp_ns, frame), list(self._poses)
            self._path.offer(lambda: Path(header=header, poses=poses))
