"""What keyframes that left the inertial chain say of its first keyframe and of the world."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from denseba_ros.geometry import pose_step
from denseba_ros.imu.inertial_equations import STATE, WORLD
from denseba_ros.imu.inertial_state import InertialState, MetricWorld
from denseba_ros.imu.rotation_jacobians import rotation_log

_SIZE = STATE + WORLD
_GRAVITY = STATE + 1


@dataclass(frozen=True)
class ChainPrior:
    """Energy 0.5 x' H x + b' x, x (19,) being the step of the first keyframe and the world from
    ``state`` and ``world``, where the prior was made and stays linearised (first estimates)."""

    H: np.ndarray
    b: np.ndarray
    state: InertialState
    world: MetricWorld

    @classmethod
    def of_sensors(
        cls, state: InertialState, world: MetricWorld, sigma: np.ndarray, gain_sigma: float
    ) -> ChainPrior:
        """Biases (6,) about zero with deviations ``sigma`` (6,), and the log gain; nothing else is
        known."""
        H, b = np.zeros((_SIZE, _SIZE)), np.zeros(_SIZE)
        rows = np.arange(9, 15)
        H[rows, rows] = sigma**-2.0
        b[rows] = sigma**-2.0 * state.bias
        H[-1, -1], b[-1] = gain_sigma**-2.0, gain_sigma**-2.0 * np.log(world.gain)
        return cls(H, b, state, world)

    @classmethod
    def eliminated(
        cls, H: np.ndarray, b: np.ndarray, state: InertialState, world: MetricWorld
    ) -> ChainPrior:
        """Of equations (n, n), (n,) whose last 19 unknowns, of a keyframe at ``state`` in its
        ``world``, stay."""
        gone, rest = slice(0, -_SIZE), slice(-_SIZE, None)
        scale = 1.0 / np.sqrt(np.maximum(np.diag(H), 1e-12))
        A, g = H * np.outer(scale, scale), b * scale
        inner = A[gone, gone] + 1e-12 * np.eye(len(b) - _SIZE)
        gain = np.linalg.solve(inner, A[gone, rest]).T
        back = 1.0 / scale[rest]
        reduced = (A[rest, rest] - gain @ A[gone, rest]) * np.outer(back, back)
        gradient = (g[rest] - gain @ g[gone]) * back
        return cls(0.5 * (reduced + reduced.T), gradient, state, world)

    def after_drift(self, variance: float) -> ChainPrior:
        """Where both directions of gravity in the map walked by ``variance`` (rad^2) each."""
        H, b = self.H, self.b
        for k in (_GRAVITY, _GRAVITY + 1):
            gain = H[k] / (1.0 / variance + H[k, k])
            H, b = H - np.outer(gain, H[k]), b - gain * b[k]
        return replace(self, H=H, b=b)

    def at(self, state: InertialState, world: MetricWorld) -> tuple[np.ndarray, np.ndarray]:
        """Hessian (19, 19) and gradient (19,) there."""
        x = np.concatenate(
            [
                pose_step.log(state.T_camera_world @ pose_step.inverse(self.state.T_camera_world)),
                state.velocity - self.state.velocity,
                state.bias - self.state.bias,
                _world_step(self.world, world),
            ]
        )
        return self.H, self.b + self.H @ x

    def grown(self, growth: float, centre: np.ndarray) -> ChainPrior:
        """In a world that grew about ``centre`` (3,), so that lengths of its unit are longer."""
        shrink = np.ones(_SIZE)
        shrink[:3] /= growth
        pose = grown_pose(self.state.T_camera_world, growth, centre)
        world = replace(self.world, metres_per_unit=self.world.metres_per_unit / growth)
        H = self.H * np.outer(shrink, shrink)
        return ChainPrior(H, shrink * self.b, replace(self.state, T_camera_world=pose), world)


def grown_pose(T_camera_world: np.ndarray, growth: float, centre: np.ndarray) -> np.ndarray:
    """T_camera_world (4, 4) in a world that grew by ``growth`` about ``centre`` (3,)."""
    grown = T_camera_world.copy()
    R = T_camera_world[:3, :3]
    position = -R.T @ T_camera_world[:3, 3]
    grown[:3, 3] = -R @ (centre + growth * (position - centre))
    return grown


def _world_step(origin: MetricWorld, world: MetricWorld) -> np.ndarray:
    """(4,) of log scale, gravity (rad) and log gain."""
    turn = rotation_log(origin.R_world_gravity.T @ world.R_world_gravity)
    scale = np.log(world.metres_per_unit / origin.metres_per_unit)
    return np.array([scale, turn[0], turn[1], np.log(world.gain / origin.gain)])
