"""The way back from published odometry to the estimate of the camera that it came from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry

from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.conversions.poses import pose_from_msg
from denseba_ros.nodes.conversions.stamps import stamp_to_ns
from denseba_ros.nodes.outputs.diagnostics import MAP_TO_ODOM
from denseba_ros.slam.state.estimate import Estimate, Tracking


def estimate_from_msgs(odometry: Odometry, status: DiagnosticArray, mount: CameraMount) -> Estimate:
    """Pose and covariance of the camera in the map, the first camera's frame; without depth.

    ``odometry`` and ``status`` are of the same stamp; ``mount`` says where the camera sits.

    Raises:
        TrajectoryError: when the odometry is not a pose.
        ValueError: when ``status`` is not the status of a processed image.
    """
    T_odom_base = pose_from_msg(odometry.pose.pose)
    values = {value.key: value.value for value in status.status[0].values}
    T_map_odom = _map_to_odom(values)
    T_map_base = T_odom_base if T_map_odom is None else T_map_odom @ T_odom_base
    covariance = _square(odometry.pose.covariance)
    if T_map_odom is not None:
        axes = np.kron(np.eye(2), T_map_odom[:3, :3])
        covariance = axes @ covariance @ axes.T
    # Base and camera with exchanged roles: the same formulas lead back.
    back = CameraMount(mount.T_camera_base)
    twist = odometry.twist.twist
    velocity = [
        *(twist.linear.x, twist.linear.y, twist.linear.z),
        *(twist.angular.x, twist.angular.y, twist.angular.z),
    ]
    return Estimate(
        stamp_ns=stamp_to_ns(odometry.header.stamp),
        tracking=Tracking(status.status[0].message),
        T_world_camera=mount.T_world_camera(T_map_base),
        covariance=back.pose_covariance(covariance, T_map_base),
        twist=back.twist(np.array(velocity)),
        twist_covariance=back.twist_covariance(_square(odometry.twist.covariance)),
        depth=None,
        is_keyframe=values.get("keyframe") == "true",
        reason=values.get("reason", ""),
        seconds={},
        quality=float(values.get("quality", "0")),
    )


def _map_to_odom(values: Mapping[str, str]) -> np.ndarray | None:
    """T_map_odom (4, 4) where the status names one; None is the identity."""
    if MAP_TO_ODOM not in values:
        return None
    T = np.eye(4)
    T[:3] = np.array([float(v) for v in values[MAP_TO_ODOM].split()]).reshape(3, 4)
    return T


def _square(covariance: np.ndarray) -> np.ndarray:
    return np.asarray(covariance, dtype=np.float64).reshape(6, 6)
