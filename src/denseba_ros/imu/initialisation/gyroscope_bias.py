"""The gyroscope's bias from rotations between keyframes, which need no scale.

Qin, Shen, "Robust initialization of monocular visual-inertial estimation on aerial robots", IROS
2017, section IV-A; here with the noise of both sides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from denseba_ros.imu.initialisation.visual_path import VisualPath
from denseba_ros.imu.initialisation.weighted_least_squares import Solution, weighted_least_squares
from denseba_ros.imu.preintegration import Preintegration
from denseba_ros.imu.rotation_jacobians import inverse_right_jacobian, rotation_log

GYROSCOPE_BIAS = 0.1
"""Deviation of the bias before anything is known, rad/s."""


def gyroscope_bias_step(
    path: VisualPath,
    measured: Sequence[Preintegration],
    known: np.ndarray | None = None,
    sigma: float = GYROSCOPE_BIAS,
) -> Solution:
    """What to add (3,) rad/s to the bias that ``measured``, from keyframe to keyframe, is of.

    One Gauss-Newton step; with ``measured`` of the new bias the next step is nearly zero. Before,
    the bias was ``known`` (3,), None: zero, with deviation ``sigma``.
    """
    R = path.R_world_imu
    count = len(measured)
    A, b = np.zeros((3 * count, 3)), np.zeros(3 * count)
    noise = np.zeros((3 * count, 3 * count))
    by_visual = np.zeros((3 * count, 3 * (count + 1)))
    for k, m in enumerate(measured):
        rows = slice(3 * k, 3 * k + 3)
        turn = R[k].T @ R[k + 1]
        error = m.rotation.T @ turn
        r = rotation_log(error)
        inverse = inverse_right_jacobian(r)
        A[rows] = inverse @ error.T @ m.bias_jacobian[:3, :3]
        b[rows] = r
        noise[rows, rows] = m.covariance[:3, :3]
        by_visual[rows, rows] = -inverse @ turn.T
        by_visual[rows, 3 * k + 3 : 3 * k + 6] = inverse
    noise += path.rotation_sigma**2 * by_visual @ by_visual.T
    mean = (0.0 if known is None else known) - measured[0].bias[:3]
    return weighted_least_squares(A, b, noise, np.full(3, sigma**-2), mean)
