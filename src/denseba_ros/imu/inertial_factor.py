"""The residual of a preintegrated motion between two keyframes, and its Jacobians.

Forster et al., IEEE T-RO 33(1), 2017, equations (37) and (45); with the scale and the direction of
gravity as unknowns as in Campos, Montiel, Tardos, "Inertial-only optimization for visual-inertial
initialization", ICRA 2020. Poses are those of the camera, as the window has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from denseba_ros.imu.inertial_state import InertialState, MetricWorld
from denseba_ros.imu.preintegration import Preintegration
from denseba_ros.imu.rotation_jacobians import (
    hat,
    inverse_right_jacobian,
    right_jacobian,
    rotation_log,
)

_POSE, _VELOCITY, _BIAS = slice(0, 6), slice(6, 9), slice(9, 15)


@dataclass(frozen=True)
class FactorJacobians:
    """Of the residual by steps of keyframe i (15, 15), of keyframe j (15, 15), and of the world
    (15, 4)."""

    i: np.ndarray
    j: np.ndarray
    world: np.ndarray


@dataclass(frozen=True)
class InertialFactor:
    """``measured`` is from keyframe i to j; ``T_imu_camera`` (4, 4) in metres.

    The residual is predicted less measured: rotation (rad), velocity (m/s) and position (m) along
    the IMU's axes at i, then the biases at j less those at i. Its covariance is that of
    ``measured``. Residual and Jacobians are apart, so that the latter may stay at first estimates.
    """

    measured: Preintegration
    T_imu_camera: np.ndarray

    def residual(self, i: InertialState, j: InertialState, world: MetricWorld) -> np.ndarray:
        """(15,) in the order above."""
        m = self.measured.at_bias(i.bias)
        R_i, R_j = self._rotation(i), self._rotation(j)
        velocity, position = self._changes(i, j, world)
        return np.concatenate(
            [
                rotation_log(m.rotation.T @ R_i.T @ R_j),
                R_i.T @ velocity - m.velocity,
                R_i.T @ position - m.position,
                j.bias - i.bias,
            ]
        )

    def jacobians(self, i: InertialState, j: InertialState, world: MetricWorld) -> FactorJacobians:
        """At these states."""
        J = FactorJacobians(np.zeros((15, 15)), np.zeros((15, 15)), np.zeros((15, 4)))
        self._rotation_rows(i, j, J)
        self._velocity_rows(i, j, world, J)
        self._position_rows(i, j, world, J)
        J.i[9:, _BIAS], J.j[9:, _BIAS] = -np.eye(6), np.eye(6)
        return J

    @cached_property
    def information(self) -> np.ndarray:
        """(15, 15), the inverse of the covariance."""
        return np.linalg.inv(self.measured.covariance)

    def _rotation_rows(self, i: InertialState, j: InertialState, J: FactorJacobians) -> None:
        m, J_b = self.measured, self.measured.bias_jacobian[:3, :3]
        by_bias = J_b @ (i.bias - m.bias)[:3]
        turn = self._rotation(i).T @ self._rotation(j)
        error = m.at_bias(i.bias).rotation.T @ turn
        inverse = inverse_right_jacobian(rotation_log(error))
        # A left step theta of T_camera_world turns the IMU by -R_imu_camera theta on the right.
        R_ic = self.T_imu_camera[:3, :3]
        J.i[:3, 3:6] = inverse @ turn.T @ R_ic
        J.j[:3, 3:6] = -inverse @ R_ic
        J.i[:3, 9:12] = -inverse @ error.T @ right_jacobian(by_bias) @ J_b

    def _velocity_rows(
        self, i: InertialState, j: InertialState, world: MetricWorld, J: FactorJacobians
    ) -> None:
        R_i, t = self._rotation(i), float(self.measured.seconds)
        change, _ = self._changes(i, j, world)
        J.i[3:6, 3:6] = -hat(R_i.T @ change) @ self.T_imu_camera[:3, :3]
        J.i[3:6, _VELOCITY], J.j[3:6, _VELOCITY] = -R_i.T, R_i.T
        J.i[3:6, _BIAS] = -self.measured.bias_jacobian[3:6]
        J.world[3:6, 1:3] = -t * R_i.T @ world.gravity_jacobian
        J.world[3:6, 3] = -t * R_i.T @ world.gravity

    def _position_rows(
        self, i: InertialState, j: InertialState, world: MetricWorld, J: FactorJacobians
    ) -> None:
        R_i, t = self._rotation(i), float(self.measured.seconds)
        R_ic = self.T_imu_camera[:3, :3]
        _, change = self._changes(i, j, world)
        J.i[6:9, _POSE] = -R_i.T @ self._imu_position_jacobian(i, world)
        J.i[6:9, 3:6] -= hat(R_i.T @ change) @ R_ic
        J.j[6:9, _POSE] = R_i.T @ self._imu_position_jacobian(j, world)
        J.i[6:9, _VELOCITY] = -t * R_i.T
        J.i[6:9, _BIAS] = -self.measured.bias_jacobian[6:]
        J.world[6:9, 0] = world.felt_per_unit * R_i.T @ (_centre(j) - _centre(i))
        J.world[6:9, 1:3] = -0.5 * t**2 * R_i.T @ world.gravity_jacobian
        J.world[6:9, 3] = J.world[6:9, 0] - 0.5 * t**2 * R_i.T @ world.gravity

    def _rotation(self, state: InertialState) -> np.ndarray:
        """R_world_imu (3, 3)."""
        R: np.ndarray = state.T_camera_world[:3, :3].T @ self.T_imu_camera[:3, :3].T
        return R

    def _position(self, state: InertialState, world: MetricWorld) -> np.ndarray:
        """(3,) of the IMU in metres along the world's axes."""
        R_world_imu = self._rotation(state)
        position: np.ndarray = (
            world.felt_per_unit * _centre(state) - R_world_imu @ self.T_imu_camera[:3, 3]
        )
        return position

    def _imu_position_jacobian(self, state: InertialState, world: MetricWorld) -> np.ndarray:
        """(3, 6) of the IMU's position by a left step of T_camera_world."""
        R_world_camera = state.T_camera_world[:3, :3].T
        lever = -self.T_imu_camera[:3, :3].T @ self.T_imu_camera[:3, 3]  # IMU in the camera
        return np.hstack([-world.felt_per_unit * R_world_camera, R_world_camera @ hat(lever)])

    def _changes(
        self, i: InertialState, j: InertialState, world: MetricWorld
    ) -> tuple[np.ndarray, np.ndarray]:
        """Changes (3,) of velocity and of position, along the world's axes, that were felt."""
        t, g = float(self.measured.seconds), world.gravity
        moved = self._position(j, world) - self._position(i, world)
        return j.velocity - i.velocity - t * g, moved - t * i.velocity - 0.5 * t**2 * g


def _centre(state: InertialState) -> np.ndarray:
    """(3,) of the camera in the world, units of the map."""
    T = state.T_camera_world
    centre: np.ndarray = -T[:3, :3].T @ T[:3, 3]
    return centre
