"""The way back from published odometry to the estimate of the camera that it came from."""

from __future__ import annotations

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry

from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.poses import pose_from_msg
from denseba_ros.nodes.stamps import stamp_to_ns
from denseba_ros.slam.estimate import Estimate, Tracking


def estimate_from_msgs(odometry: Odometry, status: DiagnosticArray, mount: CameraMount) -> Estimate:
    """Pose and covariance of the camera in the first camera's frame; without depth.

    Raises:
        TrajectoryError: when the odometry is not a pose.
        ValueError: when ``status`` is not the status of a processed image.
    """
    T_odom_base = pose_from_msg(odometry.pose.pose)
    # Base and camera with exchanged roles: the same formulas lead back.
    back = CameraMount(mount.T_camera_base)
    twist = odometry.twist.twist
    velocity = [
        *(twist.linear.x, twist.linear.y, twist.linear.z),
        *(twist.angular.x, twist.angular.y, twist.angular.z),
    ]
    values = {value.key: value.value for value in status.status[0].values}
    return Estimate(
        stamp_ns=stamp_to_ns(odometry.header.stamp),
        tracking=Tracking(status.status[0].message),
        T_world_camera=mount.T_world_camera(T_odom_base),
        covariance=back.pose_covariance(_square(odometry.pose.covariance), T_odom_base),
        twist=back.twist(np.array(velocity)),
        twist_covariance=back.twist_covariance(_square(odometry.twist.covariance)),
        depth=None,
        is_keyframe=values.get("keyframe") == "true",
        reason=values.get("reason", ""),
        seconds={},
    )


def _square(covariance: np.ndarray) -> np.ndarray:
    return np.asarray(covariance, dtype=np.float64).reshape(6, 6)
