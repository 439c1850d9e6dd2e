"""Equations of velocities, scale, gravity and biases along a visual path, with their noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from denseba_ros.imu.inertial_state import MetricWorld
from denseba_ros.imu.initialisation.visual_path import VisualPath
from denseba_ros.imu.preintegration import Preintegration
from denseba_ros.imu.rotation_jacobians import hat


@dataclass(frozen=True)
class VelocityEquations:
    """``A`` (6(K-1), 3K+9) x = ``b`` with ``noise`` (6(K-1), 6(K-1)).

    x is: velocities (3K, m/s), metres per unit, step of gravity (2, rad), change of the biases (6).
    """

    A: np.ndarray
    b: np.ndarray
    noise: np.ndarray

    @property
    def scale(self) -> int:
        """Where x has the metres per unit; what follows is gravity and the biases."""
        return int(self.A.shape[1]) - 9

    @property
    def velocities(self) -> slice:
        """Where x has the velocities."""
        return slice(0, self.scale)

    @property
    def gravity(self) -> slice:
        """Where x has the step of gravity."""
        return slice(self.scale + 1, self.scale + 3)

    @property
    def bias(self) -> slice:
        """Where x has the change of the biases."""
        return slice(self.scale + 3, self.scale + 9)


def velocity_equations(
    path: VisualPath, measured: Sequence[Preintegration], world: MetricWorld, scale: float
) -> VelocityEquations:
    """Forster et al. 2017, equation (37) of velocity and position, along the IMU's axes at i.

    ``world`` is where gravity is linearised; ``scale`` (metres per unit) is that of the errors of
    the visual positions.
    """
    count = len(path)
    A, b = np.zeros((6 * (count - 1), 3 * count + 9)), np.zeros(6 * (count - 1))
    noise = np.zeros((len(b), len(b)))
    by_visual = np.zeros((len(b), 6 * count))
    for k, m in enumerate(measured):
        rows = slice(6 * k, 6 * k + 6)
        A[rows], b[rows] = _interval_equations(path, k, m, world)
        noise[rows, rows] = m.covariance[3:9, 3:9]
        by_visual[rows, 6 * k : 6 * k + 12] = _by_visual_errors(path, k, m, scale)
    variance = np.tile(np.repeat([path.position_sigma**2, path.rotation_sigma**2], 3), count)
    noise += (by_visual * variance) @ by_visual.T
    return VelocityEquations(A, b, noise)


def _interval_equations(
    path: VisualPath, k: int, m: Preintegration, world: MetricWorld
) -> tuple[np.ndarray, np.ndarray]:
    """(6, 3K + 9) and (6,): rows of the velocity, then of the position."""
    scale = 3 * len(path)
    R, t, c = path.R_world_imu, float(m.seconds), path.centres
    A = np.zeros((6, scale + 9))
    i, j = slice(3 * k, 3 * k + 3), slice(3 * k + 3, 3 * k + 6)
    A[:3, i], A[:3, j], A[3:, i] = -R[k].T, R[k].T, -t * R[k].T
    A[3:, scale] = R[k].T @ (c[k + 1] - c[k])
    by_gravity = R[k].T @ world.gravity_jacobian
    A[:3, scale + 1 : scale + 3] = -t * by_gravity
    A[3:, scale + 1 : scale + 3] = -0.5 * t**2 * by_gravity
    A[:, scale + 3 :] = -m.bias_jacobian[3:]
    gravity, lever = R[k].T @ world.gravity, R[k].T @ (R[k + 1] - R[k]) @ path.lever
    b = np.concatenate([m.velocity + t * gravity, m.position + 0.5 * t**2 * gravity - lever])
    return A, b


def _by_visual_errors(path: VisualPath, k: int, m: Preintegration, scale: float) -> np.ndarray:
    """(6, 12) Jacobian of ``A x - b`` by errors of both poses: position along the world's axes,
    units of the map, and rotation along the IMU's."""
    R = path.R_world_imu
    turn, lever = R[k].T @ R[k + 1], hat(path.lever)
    J = np.zeros((6, 12))
    # What was felt turns with the axes at i, in which it is compared.
    J[:3, 3:6] = hat(m.velocity)
    J[3:, 3:6] = hat(m.position) + lever
    J[3:, :3], J[3:, 6:9] = -scale * R[k].T, scale * R[k].T
    J[3:, 9:] = -turn @ lever
    return J
