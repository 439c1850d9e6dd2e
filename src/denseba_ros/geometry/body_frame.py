"""From the camera's optical frame to the robot's body: poses, twists and their covariances.

The SLAM core estimates the camera (x right, y down, z forward) in the frame of its first image;
a robot needs its base (x forward, y left, z up) in a frame with those axes (REP-103, REP-105).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial.transform import Rotation

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry import pose_step
from denseba_ros.geometry.cross_product import hat_array

R_BODY_OPTICAL = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
"""Turns optical axes into body axes: optical z is forward, -x is left, -y is up."""


def T_base_optical(
    x: float, y: float, z: float, roll: float, pitch: float, yaw: float
) -> np.ndarray:
    """Pose of the optical frame in the base, (4, 4), from that of the camera's mounting frame.

    The mounting frame has body axes (x along the view, y left, z up), so that all zeros mean a
    camera at the base that looks forward. Metres; radians about fixed axes, roll first (as URDF).

    Raises:
        CalibrationError: when a value is not finite.
    """
    values = np.array([x, y, z, roll, pitch, yaw], dtype=np.float64)
    if not np.all(np.isfinite(values)):
        raise CalibrationError(f"camera extrinsics hold values that are not finite: {values}")
    T = np.eye(4)
    T[:3, :3] = Rotation.from_euler("xyz", values[3:]).as_matrix() @ R_BODY_OPTICAL
    T[:3, 3] = values[:3]
    return T


@dataclass(frozen=True)
class CameraMount:
    """Where the camera sits on the robot: ``T_base_camera`` (4, 4), optical frame to base.

    The odometry frame (``odom``) has body axes and is the base's frame at the first image.
    """

    T_base_camera: np.ndarray

    @cached_property
    def T_camera_base(self) -> np.ndarray:
        """(4, 4), base to optical frame."""
        return pose_step.inverse(self.T_base_camera)

    def T_odom_base(self, T_world_camera: np.ndarray) -> np.ndarray:
        """Pose (4, 4) of the base in odom from that of the camera in the first camera's frame."""
        pose: np.ndarray = self.T_base_camera @ T_world_camera @ self.T_camera_base
        return pose

    def T_world_camera(self, T_odom_base: np.ndarray) -> np.ndarray:
        """The inverse of ``T_odom_base``: the camera's pose (4, 4) in the first camera's frame."""
        pose: np.ndarray = self.T_camera_base @ T_odom_base @ self.T_base_camera
        return pose

    def pose_covariance(self, covariance: np.ndarray, T_world_camera: np.ndarray) -> np.ndarray:
        """Covariance (6, 6) of the base's pose in odom from that of the camera's pose.

        Both of (position, rotation about fixed axes) along the axes of their fixed frame. A
        rotation error moves the base by the lever arm between camera and base.
        """
        lever = T_world_camera[:3, :3] @ self.T_camera_base[:3, 3]
        return _transformed(covariance, lever, self.T_base_camera[:3, :3])

    def twist(self, twist: np.ndarray) -> np.ndarray:
        """Linear and angular velocity (6,) of the base along its axes from the camera's along its
        own: m/s, rad/s."""
        of_base: np.ndarray = _motion_jacobian(self._lever, self.T_base_camera[:3, :3]) @ twist
        return of_base

    def twist_covariance(self, covariance: np.ndarray) -> np.ndarray:
        """Covariance (6, 6) of the base's twist from that of the camera's."""
        return _transformed(covariance, self._lever, self.T_base_camera[:3, :3])

    @property
    def _lever(self) -> np.ndarray:
        return self.T_camera_base[:3, 3]


def _motion_jacobian(lever: np.ndarray, R: np.ndarray) -> np.ndarray:
    """(6, 6): motion of a point at ``lever`` on the moving body, then turned by ``R``."""
    jacobian = np.zeros((6, 6))
    jacobian[:3, :3] = R
    jacobian[:3, 3:] = -R @ hat_array(lever)
    jacobian[3:, 3:] = R
    return jacobian


def _transformed(covariance: np.ndarray, lever: np.ndarray, R: np.ndarray) -> np.ndarray:
    """Covariance (6, 6) propagated through ``_motion_jacobian``."""
    jacobian = _motion_jacobian(lever, R)
    propagated: np.ndarray = jacobian @ covariance @ jacobian.T
    return propagated
