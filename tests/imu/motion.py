"""A smooth motion of known derivatives, and what an ideal or a noisy IMU feels of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.samples import ImuSamples

GRAVITY = np.array([0.0, 0.0, -9.81])


@dataclass(frozen=True)
class Motion:
    """Sums of sines: position (m) and rotation vector (rad) of T_world_imu, z of the world up.

    ``position_terms`` and ``rotation_terms`` are (M, 3, 3): amplitude, angular frequency, phase for
    each of M terms and each axis.
    """

    position_terms: np.ndarray
    rotation_terms: np.ndarray

    @classmethod
    def random(cls, seed: int, acceleration: float = 1.0, turn: float = 0.4) -> Motion:
        """With about ``acceleration`` m/s2 and ``turn`` rad of amplitude."""
        rng = np.random.default_rng(seed)
        frequency = rng.uniform(1.0, 4.0, (2, 3, 3))
        phase = rng.uniform(0.0, 2.0 * np.pi, (2, 3, 3))
        size = rng.uniform(0.5, 1.0, (2, 3, 3))
        moves = np.stack([acceleration * size[0] / frequency[0] ** 2, frequency[0], phase[0]], 1)
        turns = np.stack([turn * size[1], 0.6 * frequency[1], phase[1]], 1)
        return cls(moves, turns)

    def position(self, t: np.ndarray, derivative: int = 0) -> np.ndarray:
        """(N, 3) at seconds t (N,)."""
        return _sines(self.position_terms, t, derivative)

    def rotation(self, t: np.ndarray) -> np.ndarray:
        """R_world_imu (N, 3, 3)."""
        return Rotation.from_rotvec(_sines(self.rotation_terms, t, 0)).as_matrix()

    def pose(self, t: np.ndarray) -> np.ndarray:
        """T_world_imu (N, 4, 4)."""
        T = np.tile(np.eye(4), (len(t), 1, 1))
        T[:, :3, :3], T[:, :3, 3] = self.rotation(t), self.position(t)
        return T

    def samples(self, t: np.ndarray) -> ImuSamples:
        """What an ideal IMU feels; the angular velocity by central differences of 20 us."""
        h = 1e-5
        R = self.rotation(t)
        turn = np.swapaxes(self.rotation(t - h), -1, -2) @ self.rotation(t + h)
        gyroscope = Rotation.from_matrix(turn).as_rotvec() / (2 * h)
        felt = self.position(t, 2) - GRAVITY
        accelerometer = (np.swapaxes(R, -1, -2) @ felt[..., None])[..., 0]
        return ImuSamples(np.round(t * 1e9).astype(np.int64), gyroscope, accelerometer)


def _sines(terms: np.ndarray, t: np.ndarray, derivative: int) -> np.ndarray:
    amplitude, frequency, phase = terms[:, 0], terms[:, 1], terms[:, 2]
    angle = frequency * t[:, None, None] + phase + derivative * np.pi / 2
    return (amplitude * frequency**derivative * np.sin(angle)).sum(1)


def bias_walk(count: int, period: float, noise: ImuNoise, rng: np.random.Generator) -> np.ndarray:
    """(count, 6) biases that begin at zero, ``period`` seconds apart."""
    density = np.repeat([noise.gyroscope_walk, noise.accelerometer_walk], 3)
    steps = rng.standard_normal((count, 6)) * np.sqrt(period) * density
    return np.cumsum(steps, axis=0) - steps[0]


def with_noise(
    samples: ImuSamples, noise: ImuNoise, bias: np.ndarray, rng: np.random.Generator
) -> ImuSamples:
    """``samples`` plus white noise and ``bias`` (6,) or (N, 6)."""
    count = len(samples)
    period = samples.seconds / (count - 1)
    density = np.repeat([noise.gyroscope, noise.accelerometer], 3)
    added = bias + rng.standard_normal((count, 6)) / np.sqrt(period) * density
    return ImuSamples(
        samples.stamp_ns,
        samples.gyroscope + added[:, :3],
        samples.accelerometer + added[:, 3:],
    )
