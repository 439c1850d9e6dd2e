"""What an inertial factor connects: keyframes that move, in a world with gravity and a scale."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from denseba_ros.geometry import pose_step
from denseba_ros.imu.rotation_jacobians import hat, rotation_exp

STANDARD_GRAVITY = 9.81
"""Length of gravity, m/s2; on earth it is 9.78 to 9.83."""


@dataclass(frozen=True)
class InertialState:
    """A keyframe that moves; steps are (pose 6, velocity 3, biases 6), 15 in all.

    ``T_camera_world`` (4, 4) in units of the map, stepped on the left by (translation, rotation) as
    everywhere in the window; ``velocity`` (3,) of the IMU in m/s along the world's axes, times the
    gain of the accelerometer; ``bias``
    (6,) of gyroscope (rad/s) and accelerometer (m/s2).
    """

    T_camera_world: np.ndarray
    velocity: np.ndarray
    bias: np.ndarray

    def stepped(self, step: np.ndarray) -> InertialState:
        """After a step (15,)."""
        return InertialState(
            pose_step.exp(step[:6]) @ self.T_camera_world,
            self.velocity + step[6:9],
            self.bias + step[9:],
        )


@dataclass(frozen=True)
class MetricWorld:
    """The world of the map against metres and gravity; steps are (log scale, two of gravity,
    log gain).

    ``metres_per_unit`` of the map; ``R_world_gravity`` (3, 3) turns axes whose z points up into
    those of the world, and is stepped on the right by a rotation about x and y. ``gain`` of the
    accelerometer: by so much are all lengths larger that it feels, gravity's too.
    """

    metres_per_unit: float = 1.0
    R_world_gravity: np.ndarray = field(default_factory=lambda: np.eye(3))
    gravity_length: float = STANDARD_GRAVITY
    gain: float = 1.0

    @property
    def felt_per_unit(self) -> float:
        """Metres per unit of the map, times the gain."""
        return self.metres_per_unit * self.gain

    @property
    def gravity(self) -> np.ndarray:
        """(3,) m/s2 along the world's axes, pointing down, as it is felt."""
        down: np.ndarray = -self.gain * self.gravity_length * self.R_world_gravity[:, 2]
        return down

    @property
    def gravity_jacobian(self) -> np.ndarray:
        """(3, 2) of ``gravity`` by its two steps."""
        upright = np.array([0.0, 0.0, -self.gain * self.gravity_length])
        jacobian: np.ndarray = -(self.R_world_gravity @ hat(upright))[:, :2]
        return jacobian

    def stepped(self, step: np.ndarray) -> MetricWorld:
        """After a step (4,) of the log scale, of gravity (rad) and of the log gain."""
        turn = rotation_exp(np.array([step[1], step[2], 0.0]))
        scale = self.metres_per_unit * math.exp(step[0])
        gain = self.gain * math.exp(step[3])
        return MetricWorld(scale, self.R_world_gravity @ turn, self.gravity_length, gain)


def upright_rotation(gravity: np.ndarray) -> np.ndarray:
    """An R_world_gravity (3, 3) whose z is opposite to ``gravity`` (3,), else turned the least."""
    up = -gravity / np.linalg.norm(gravity)
    axis = np.array([-up[1], up[0], 0.0])  # z x up
    sine = float(np.linalg.norm(axis))
    if sine < 1e-12:
        return np.eye(3) if up[2] > 0 else np.diag([1.0, -1.0, -1.0])
    return rotation_exp(axis / sine * math.atan2(sine, float(up[2])))
