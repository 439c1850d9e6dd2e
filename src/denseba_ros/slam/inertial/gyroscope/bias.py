"""The gyroscope's bias while driving."""

from __future__ import annotations

import math

import numpy as np

from denseba_ros.imu.initialisation.gyroscope_bias import GYROSCOPE_BIAS, gyroscope_bias_step
from denseba_ros.imu.initialisation.visual_path import VisualPath
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.preintegration import preintegrate
from denseba_ros.imu.samples import ImuSamples

_STEPS = 2
# It is within so many deviations of what turns of images made of it, no less than a floor (rad/s).
_FAR, _FLOOR = 4.0, 0.01
# Chi-square of a turn (three numbers) beyond which the images are thought to be wrong, not the
# bias.
_OUTLIER = 20.0


class GyroscopeBias:
    """``mean`` (3,) rad/s with ``sigma`` per axis."""

    def __init__(self) -> None:
        self.mean = np.zeros(3)
        self.sigma = GYROSCOPE_BIAS

    def update(
        self,
        path: VisualPath,
        samples: ImuSamples,
        noise: ImuNoise,
        known: tuple[np.ndarray, float],
    ) -> None:
        """From the turn between two keyframes, and the samples between them: a Kalman filter.

        ``known`` (3,) rad/s with a deviation per axis: roughly, from many turns of images; one that
        is far from it is not taken.
        """
        sigma = math.hypot(self.sigma, noise.gyroscope_walk * math.sqrt(samples.seconds))
        mean = self.mean
        for _ in range(_STEPS):
            measured = preintegrate(samples, np.concatenate([mean, np.zeros(3)]), noise)
            solution = gyroscope_bias_step(path, [measured], self.mean, sigma)
            mean = mean + solution.x
        self.sigma = sigma
        allowed = _FAR * math.hypot(known[1], _FLOOR)
        is_near = float(np.linalg.norm(mean - known[0])) < allowed
        if solution.chi_square < _OUTLIER and is_near:
            self.mean = mean
            self.sigma = math.sqrt(float(np.max(np.diag(solution.covariance))))

    def rested(self, samples: ImuSamples, noise: ImuNoise) -> None:
        """``samples`` of a camera that stood still, since they were given last."""
        before = self.sigma**2 + noise.gyroscope_walk**2 * samples.seconds
        measured = noise.gyroscope**2 / samples.seconds
        gain = before / (before + measured)
        self.mean = self.mean + gain * (samples.gyroscope.mean(0) - self.mean)
        self.sigma = math.sqrt((1.0 - gain) * before)
