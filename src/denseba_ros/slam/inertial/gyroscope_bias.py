"""The gyroscope's bias while driving, and whether its axes are where they are said to be."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

import numpy as np

from denseba_ros.imu.initialisation.gyroscope_bias import GYROSCOPE_BIAS, gyroscope_bias_step
from denseba_ros.imu.initialisation.visual_path import VisualPath
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.preintegration import Preintegration, preintegrate
from denseba_ros.imu.rotation_jacobians import rotation_log
from denseba_ros.imu.samples import ImuSamples

_log = logging.getLogger(__name__)

_FEWEST = 3
_STEPS = 2
# After so much of turning (rad) the axes are judged: what is left of the turns when those of the
# gyroscope are taken off, over the turns. With wrong axes it is about one.
_ENOUGH_TURN, _WRONG = 0.5, 0.5


class GyroscopeBias:
    """``mean`` (3,) rad/s with ``sigma`` per axis; ``is_used``: the axes agree with the images."""

    def __init__(self) -> None:
        self.mean = np.zeros(3)
        self.sigma = GYROSCOPE_BIAS
        self.is_used = True
        self._is_said = False

    def fit(self, path: VisualPath, intervals: Sequence[ImuSamples], noise: ImuNoise) -> None:
        """From the rotations of K keyframes and the samples of the K - 1 intervals between them."""
        if len(path) < _FEWEST:
            return
        mean = self.mean
        for _ in range(_STEPS):
            bias = np.concatenate([mean, np.zeros(3)])
            measured = [preintegrate(samples, bias, noise) for samples in intervals]
            solution = gyroscope_bias_step(path, measured)
            mean = mean + solution.x
        self._judge(path, measured, solution.x)
        if self.is_used:
            self.mean = mean
            fit = max(1.0, solution.chi_square / (3.0 * len(intervals)))
            self.sigma = math.sqrt(fit * float(np.max(np.diag(solution.covariance))))

    def _judge(
        self, path: VisualPath, measured: Sequence[Preintegration], step: np.ndarray
    ) -> None:
        """Compare turns of vision with those of the gyroscope."""
        R = path.R_world_imu
        seen, rest = 0.0, 0.0
        for k, m in enumerate(measured):
            turn = R[k].T @ R[k + 1]
            felt = m.at_bias(np.concatenate([m.bias[:3] + step, m.bias[3:]])).rotation
            seen += float(np.linalg.norm(rotation_log(turn)))
            rest += float(np.linalg.norm(rotation_log(felt.T @ turn)))
        if seen < _ENOUGH_TURN:
            return
        self.is_used = rest < _WRONG * seen
        if not self.is_used and not self._is_said:
            self._is_said = True
            _log.warning(
                "the gyroscope turns otherwise than the images (%.0f %% of the turns are left): it "
                "is not used; is imu.T_imu_camera right?",
                100.0 * rest / seen,
            )
