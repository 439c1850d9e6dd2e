"""Poses to and from geometry_msgs and nav_msgs."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import (
    Pose,
    PoseStamped,
    PoseWithCovarianceStamped,
    Transform,
    TransformStamped,
    Twist,
)
from nav_msgs.msg import Odometry
from scipy.spatial.transform import Rotation

from denseba_ros.errors import TrajectoryError
from denseba_ros.geometry import pose_step
from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.geometry.rotation_array import quaternion_from_rotation
from denseba_ros.nodes.conversions.stamps import make_header
from denseba_ros.slam.state.estimate import Estimate

_NULL_VARIANCE = 9999.0


def pose_to_msg(T: np.ndarray) -> Pose:
    """A pose (4, 4), metres, as position and quaternion (x, y, z, w)."""
    pose = Pose()
    pose.position.x, pose.position.y, pose.position.z = (float(v) for v in T[:3, 3])
    q = quaternion_from_rotation(T[:3, :3])
    pose.orientation.x, pose.orientation.y, pose.orientation.z, pose.orientation.w = q
    return pose


def pose_from_msg(pose: Pose) -> np.ndarray:
    """The pose (4, 4) float64, metres.

    Raises:
        TrajectoryError: when it is not finite or its quaternion is zero.
    """
    return _matrix(pose.position, pose.orientation)


def transform_from_msg(transform: Transform) -> np.ndarray:
    """``T_parent_child`` (4, 4) float64, metres.

    Raises:
        TrajectoryError: when it is not finite or its quaternion is zero.
    """
    return _matrix(transform.translation, transform.rotation)


def transform_to_msg(
    T_parent_child: np.ndarray, stamp_ns: int, parent: str, child: str
) -> TransformStamped:
    """The pose (4, 4) of the frame ``child`` in ``parent``, as tf2 means it."""
    message = TransformStamped(header=make_header(stamp_ns, parent), child_frame_id=child)
    translation, rotation = message.transform.translation, message.transform.rotation
    translation.x, translation.y, translation.z = (float(v) for v in T_parent_child[:3, 3])
    q = quaternion_from_rotation(T_parent_child[:3, :3])
    rotation.x, rotation.y, rotation.z, rotation.w = q
    return message


def maybe_inverted(
    T_parent_child: np.ndarray, stamp_ns: int, parent: str, child: str, is_inverted: bool
) -> TransformStamped:
    """The pose of ``child`` in ``parent``, or that of ``parent`` in ``child``."""
    if is_inverted:
        return transform_to_msg(pose_step.inverse(T_parent_child), stamp_ns, child, parent)
    return transform_to_msg(T_parent_child, stamp_ns, parent, child)


def null_odometry(stamp_ns: int, odom_frame: str, base_frame: str) -> Odometry:
    """What rtabmap publishes while it is lost: zeros, the quaternion too, and covariance 9999."""
    message = Odometry(header=make_header(stamp_ns, odom_frame), child_frame_id=base_frame)
    message.pose.pose.orientation.w = 0.0
    message.pose.covariance = np.diag([_NULL_VARIANCE] * 6).ravel()
    message.twist.covariance = np.diag([_NULL_VARIANCE] * 6).ravel()
    return message


def odometry_to_msg(
    estimate: Estimate, mount: CameraMount, odom_frame: str, base_frame: str
) -> Odometry:
    """Pose of the base in odom, twist in the base's own axes, both with covariance (REP-105).

    ``estimate`` is of the camera, in odom; metres, radians, m/s and rad/s.
    """
    message = Odometry(header=make_header(estimate.stamp_ns, odom_frame), child_frame_id=base_frame)
    T_world_camera = estimate.T_world_camera
    message.pose.pose = pose_to_msg(mount.T_odom_base(T_world_camera))
    covariance = mount.pose_covariance(estimate.covariance, T_world_camera)
    message.pose.covariance = covariance.ravel()
    message.twist.twist = _twist_to_msg(mount.twist(estimate.twist))
    message.twist.covariance = mount.twist_covariance(estimate.twist_covariance).ravel()
    return message


def pose_stamped(T: np.ndarray, stamp_ns: int, frame_id: str) -> PoseStamped:
    """A pose (4, 4) in the frame ``frame_id``."""
    return PoseStamped(header=make_header(stamp_ns, frame_id), pose=pose_to_msg(T))


def pose_in_map_to_msg(
    T_map_base: np.ndarray, covariance: np.ndarray, stamp_ns: int, map_frame: str
) -> PoseWithCovarianceStamped:
    """A pose (4, 4) of the base in the map with its covariance (6, 6) of (position, rotation about
    fixed axes) along the map's axes."""
    message = PoseWithCovarianceStamped(header=make_header(stamp_ns, map_frame))
    message.pose.pose = pose_to_msg(T_map_base)
    message.pose.covariance = covariance.ravel()
    return message


def _twist_to_msg(values: np.ndarray) -> Twist:
    twist = Twist()
    twist.linear.x, twist.linear.y, twist.linear.z = (float(v) for v in values[:3])
    twist.angular.x, twist.angular.y, twist.angular.z = (float(v) for v in values[3:])
    return twist


def _matrix(position: object, orientation: object) -> np.ndarray:
    t = np.array([getattr(position, axis) for axis in "xyz"], dtype=np.float64)
    q = np.array([getattr(orientation, axis) for axis in "xyzw"], dtype=np.float64)
    if not (np.all(np.isfinite(t)) and np.all(np.isfinite(q)) and np.linalg.norm(q) > 1e-6):
        raise TrajectoryError(f"not a pose: position {t}, quaternion {q}")
    T = np.eye(4)
    T[:3, :3] = Rotation.from_quat(q).as_matrix()
    T[:3, 3] = t
    return T
