"""A trajectory through given poses with four continuous derivatives.

Position is a quintic spline; so are the four numbers of the quaternion, which is then normalised:
its derivatives are exact all the same, as the angular velocity does not depend on its length.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import make_interp_spline
from scipy.spatial.transform import Rotation

_DEGREE = 5


class PoseSpline:
    """Through ``T_world_body`` (N, 4, 4) float64 at ``seconds`` (N,), rising, N >= 6.

    Neighbouring rotations are less than 180 degrees apart.
    """

    def __init__(self, seconds: np.ndarray, T_world_body: np.ndarray) -> None:
        quaternions = Rotation.from_matrix(T_world_body[:, :3, :3]).as_quat()
        # q and -q are the same rotation: take the one that continues the one before.
        flips = np.sum(quaternions[1:] * quaternions[:-1], axis=1) < 0.0
        quaternions[1:] *= np.where(np.cumsum(flips) % 2, -1.0, 1.0)[:, None]
        self._position = make_interp_spline(seconds, T_world_body[:, :3, 3], k=_DEGREE)
        self._quaternion = make_interp_spline(seconds, quaternions, k=_DEGREE)

    def poses(self, seconds: np.ndarray) -> np.ndarray:
        """T_world_body (M, 4, 4) at ``seconds`` (M,)."""
        T = np.tile(np.eye(4), (len(seconds), 1, 1))
        T[:, :3, :3] = self.rotations(seconds)
        T[:, :3, 3] = self._position(seconds)
        return T

    def rotations(self, seconds: np.ndarray) -> np.ndarray:
        """R_world_body (M, 3, 3)."""
        R: np.ndarray = Rotation.from_quat(self._quaternion(seconds)).as_matrix()
        return R

    def velocity(self, seconds: np.ndarray) -> np.ndarray:
        """(M, 3) m/s in world axes."""
        velocity: np.ndarray = self._position(seconds, 1)
        return velocity

    def acceleration(self, seconds: np.ndarray) -> np.ndarray:
        """(M, 3) m/s2 in world axes."""
        acceleration: np.ndarray = self._position(seconds, 2)
        return acceleration

    def angular_velocity(self, seconds: np.ndarray) -> np.ndarray:
        """(M, 3) rad/s in body axes: the vector part of 2 q* dq/dt, over |q|^2."""
        q, rate = self._quaternion(seconds), self._quaternion(seconds, 1)
        v, w = q[:, :3], q[:, 3:]
        vector = w * rate[:, :3] - rate[:, 3:] * v - np.cross(v, rate[:, :3])
        turning: np.ndarray = 2.0 * vector / np.sum(q * q, axis=1, keepdims=True)
        return turning
