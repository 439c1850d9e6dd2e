"""The gyroscope's bias while driving, and whether its axes are where they are said to be."""

from __future__ import annotations

import logging
import math

import numpy as np

from denseba_ros.imu.initialisation.gyroscope_bias import GYROSCOPE_BIAS, gyroscope_bias_step
from denseba_ros.imu.initialisation.visual_path import VisualPath
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.preintegration import Preintegration, preintegrate
from denseba_ros.imu.rotation_jacobians import rotation_log
from denseba_ros.imu.samples import ImuSamples

_log = logging.getLogger(__name__)

_STEPS = 2
# Chi-square of a turn (three numbers) beyond which the images are thought to be wrong, not the
# bias.
_OUTLIER = 20.0
# After so much of turning (rad), of the images or beyond them, the axes are judged: what is left of
# the turns when those of the gyroscope are taken off, over the turns. With wrong axes it is about
# one, in degrees 57. What was before counts less by this at each keyframe.
_ENOUGH_TURN, _WRONG, _DECAY = 0.5, 0.5, 0.98


class GyroscopeBias:
    """``mean`` (3,) rad/s with ``sigma`` per axis; ``is_used``: the axes agree with the images."""

    def __init__(self) -> None:
        self.mean = np.zeros(3)
        self.sigma = GYROSCOPE_BIAS
        self.is_used = True
        self._seen = self._rest = 0.0
        self._is_said = False

    def update(self, path: VisualPath, samples: ImuSamples, noise: ImuNoise) -> None:
        """From the turn between two keyframes, and the samples between them: a Kalman filter."""
        sigma = math.hypot(self.sigma, noise.gyroscope_walk * math.sqrt(samples.seconds))
        mean = self.mean
        measured = []
        for _ in range(_STEPS):
            biases = np.concatenate([mean, np.zeros(3)])
            measured.append(preintegrate(samples, biases, noise))
            solution = gyroscope_bias_step(path, measured[-1:], self.mean, sigma)
            mean = mean + solution.x
        is_bias = solution.chi_square < _OUTLIER
        self._judge(path, measured[-1] if is_bias else measured[0])
        self.sigma = sigma
        if self.is_used and is_bias:
            self.mean = mean
            self.sigma = math.sqrt(float(np.max(np.diag(solution.covariance))))

    def rested(self, samples: ImuSamples, noise: ImuNoise) -> None:
        """``samples`` of a camera that stood still, since they were given last."""
        before = self.sigma**2 + noise.gyroscope_walk**2 * samples.seconds
        measured = noise.gyroscope**2 / samples.seconds
        gain = before / (before + measured)
        self.mean = self.mean + gain * (samples.gyroscope.mean(0) - self.mean)
        self.sigma = math.sqrt((1.0 - gain) * before)

    def _judge(self, path: VisualPath, measured: Preintegration) -> None:
        """Compare a turn of vision with that of the gyroscope."""
        turn = path.R_world_imu[0].T @ path.R_world_imu[1]
        rest = float(np.linalg.norm(rotation_log(measured.rotation.T @ turn)))
        self._seen = _DECAY * self._seen + float(np.linalg.norm(rotation_log(turn)))
        self._rest = _DECAY * self._rest + rest
        if max(self._seen, self._rest) < _ENOUGH_TURN:
            return
        self.is_used = self._rest < _WRONG * self._seen
        if not self.is_used and not self._is_said:
            self._is_said = True
            _log.warning(
                "the gyroscope turns otherwise than the images (%.0f %% of the turns are left): it "
                "is not used; is imu.T_imu_camera right?",
                100.0 * self._rest / max(self._seen, 1e-6),
            )
