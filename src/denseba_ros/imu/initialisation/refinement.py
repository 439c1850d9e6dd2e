"""The most likely poses, velocities, biases, scale and gravity together, by Gauss-Newton.

Linear alignment takes the positions of vision for exact where the scale multiplies them, which
makes the scale too small when they are noisy. Here the poses are unknowns too: the same least
squares as in a window, with poses as vision gives them in place of images. Campos, Montiel, Tardos,
"Inertial-only optimization for visual-inertial initialization", ICRA 2020, hold the poses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from denseba_ros.geometry import pose_step
from denseba_ros.imu.inertial_equations import (
    STATE,
    WORLD,
    Motion,
    inertial_chi_square,
    inertial_equations,
)
from denseba_ros.imu.inertial_factor import InertialFactor
from denseba_ros.imu.inertial_state import InertialState
from denseba_ros.imu.initialisation.visual_path import VisualPath

_STEPS = 6
# Of the log of the scale, and of gravity in radians.
_FARTHEST = 0.5


@dataclass(frozen=True)
class Knowledge:
    """Of the biases at the first keyframe (deviations (6,) about zero), of the log of the scale
    (mean and information), and of that of the accelerometer's gain (deviation about zero)."""

    bias_sigma: np.ndarray
    log_scale: float
    log_scale_information: float
    gain_sigma: float


@dataclass(frozen=True)
class Refined:
    """The ``motion``, the ``covariance`` (15K + 4) of its steps, and the ``chi_square`` of
    everything."""

    motion: Motion
    covariance: np.ndarray
    chi_square: float


def refined(
    path: VisualPath, factors: Sequence[InertialFactor], motion: Motion, known: Knowledge
) -> Refined:
    """From ``motion`` to the minimum of all residuals.

    Raises:
        LinAlgError, ValueError: where nothing tells the scale or gravity.
    """
    seen = [pose_step.inverse(T) for T in path.T_world_camera]
    for _ in range(_STEPS):
        H, b = inertial_equations(factors, motion)
        _add_priors(H, b, path, seen, motion, known)
        scale = 1.0 / np.sqrt(np.diag(H))
        factor = cho_factor(H * np.outer(scale, scale), lower=True)
        step = -scale * cho_solve(factor, scale * b)
        step[-WORLD:] = np.clip(step[-WORLD:], -_FARTHEST, _FARTHEST)
        motion = motion.stepped(step)
    covariance = cho_solve(factor, np.diag(scale)) * scale[:, None]
    chi_square = inertial_chi_square(factors, motion) + _of_priors(path, seen, motion, known)
    return Refined(motion, covariance, chi_square)


def _add_priors(
    H: np.ndarray,
    b: np.ndarray,
    path: VisualPath,
    seen: Sequence[np.ndarray],
    motion: Motion,
    known: Knowledge,
) -> None:
    """Poses as they were seen; the first biases; scale and gain. Jacobians are the identity."""
    pose = _pose_information(path)
    for k, state in enumerate(motion.states):
        rows = np.arange(STATE * k, STATE * k + 6)
        H[rows, rows] += pose
        b[rows] += pose * _pose_error(state, seen[k])
    bias = np.arange(9, 15)
    H[bias, bias] += known.bias_sigma**-2
    b[bias] += known.bias_sigma**-2 * motion.states[0].bias
    scale = len(b) - WORLD
    H[scale, scale] += known.log_scale_information
    b[scale] += known.log_scale_information * _log_scale_error(motion, known)
    H[-1, -1] += known.gain_sigma**-2
    b[-1] += known.gain_sigma**-2 * math.log(motion.world.gain)


def _of_priors(
    path: VisualPath, seen: Sequence[np.ndarray], motion: Motion, known: Knowledge
) -> float:
    """Their chi-square."""
    total = float(np.sum((motion.states[0].bias / known.bias_sigma) ** 2))
    total += known.log_scale_information * _log_scale_error(motion, known) ** 2
    total += (math.log(motion.world.gain) / known.gain_sigma) ** 2
    pose = _pose_information(path)
    for state, T in zip(motion.states, seen, strict=True):
        total += float(pose @ _pose_error(state, T) ** 2)
    return total


def _pose_information(path: VisualPath) -> np.ndarray:
    """(6,) of a pose."""
    return np.repeat([path.position_sigma**-2.0, path.rotation_sigma**-2.0], 3)


def _pose_error(state: InertialState, seen: np.ndarray) -> np.ndarray:
    """(6,) left step from the pose that was seen, T_camera_world (4, 4)."""
    return pose_step.log(state.T_camera_world @ pose_step.inverse(seen))


def _log_scale_error(motion: Motion, known: Knowledge) -> float:
    return math.log(motion.world.metres_per_unit) - known.log_scale
