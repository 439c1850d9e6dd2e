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
from denseba_ros.imu.inertial_factor import InertialFactor
from denseba_ros.imu.inertial_state import InertialState, MetricWorld
from denseba_ros.imu.initialisation.visual_path import VisualPath
from denseba_ros.imu.preintegration import Preintegration

_STATE, _WORLD = 15, 3
_STEPS = 6
# Of the log of the scale, and of gravity in radians.
_FARTHEST = 0.5


@dataclass(frozen=True)
class Knowledge:
    """Of the biases at the first keyframe (deviations (6,) about zero) and of the log of the scale
    (mean and information)."""

    bias_sigma: np.ndarray
    log_scale: float
    log_scale_information: float


@dataclass(frozen=True)
class Refined:
    """``states`` of all keyframes, ``world``, the ``covariance`` (15K + 3) of the steps of states
    and world, in this order, and the ``chi_square`` of everything."""

    states: list[InertialState]
    world: MetricWorld
    covariance: np.ndarray
    chi_square: float


def refined(
    path: VisualPath,
    measured: Sequence[Preintegration],
    states: list[InertialState],
    world: MetricWorld,
    known: Knowledge,
) -> Refined:
    """From ``states`` and ``world`` to the minimum of all residuals.

    Raises:
        LinAlgError, ValueError: where nothing tells the scale or gravity.
    """
    factors = [InertialFactor(m, path.T_imu_camera) for m in measured]
    information = [factor.information() for factor in factors]
    seen = [pose_step.inverse(T) for T in path.T_world_camera]
    for _ in range(_STEPS):
        H, b = _inertial_equations(factors, information, states, world)
        _add_priors(H, b, path, seen, states, world, known)
        step, factor, scale = _solved(H, b)
        step[-_WORLD:] = np.clip(step[-_WORLD:], -_FARTHEST, _FARTHEST)
        states = [_stepped(s, step[15 * k : 15 * k + 15]) for k, s in enumerate(states)]
        world = world.stepped(step[-_WORLD:])
    covariance = cho_solve(factor, np.diag(scale)) * scale[:, None]
    chi_square = _chi_square(factors, information, path, seen, states, world, known)
    return Refined(states, world, covariance, chi_square)


def _inertial_equations(
    factors: Sequence[InertialFactor],
    information: Sequence[np.ndarray],
    states: Sequence[InertialState],
    world: MetricWorld,
) -> tuple[np.ndarray, np.ndarray]:
    """Hessian and gradient of the factors."""
    size = _STATE * len(states) + _WORLD
    H, b = np.zeros((size, size)), np.zeros(size)
    last = np.arange(size - _WORLD, size)
    for k, factor in enumerate(factors):
        J = factor.jacobians(states[k], states[k + 1], world)
        columns = np.concatenate([np.arange(_STATE * k, _STATE * (k + 2)), last])
        whole = np.hstack([J.i, J.j, J.world])
        weighted = whole.T @ information[k]
        H[np.ix_(columns, columns)] += weighted @ whole
        b[columns] += weighted @ factor.residual(states[k], states[k + 1], world)
    return H, b


def _add_priors(
    H: np.ndarray,
    b: np.ndarray,
    path: VisualPath,
    seen: Sequence[np.ndarray],
    states: Sequence[InertialState],
    world: MetricWorld,
    known: Knowledge,
) -> None:
    """Poses as they were seen; the first biases; the scale. Jacobians are the identity."""
    pose = _pose_information(path)
    for k, state in enumerate(states):
        rows = np.arange(_STATE * k, _STATE * k + 6)
        H[rows, rows] += pose
        b[rows] += pose * _pose_error(state, seen[k])
    bias = np.arange(9, 15)
    H[bias, bias] += known.bias_sigma**-2
    b[bias] += known.bias_sigma**-2 * states[0].bias
    scale = len(b) - _WORLD
    H[scale, scale] += known.log_scale_information
    b[scale] += known.log_scale_information * (math.log(world.metres_per_unit) - known.log_scale)


def _pose_information(path: VisualPath) -> np.ndarray:
    """(6,) of a pose."""
    return np.repeat([path.position_sigma**-2.0, path.rotation_sigma**-2.0], 3)


def _pose_error(state: InertialState, seen: np.ndarray) -> np.ndarray:
    """(6,) left step from the pose that was seen, T_camera_world (4, 4)."""
    return pose_step.log(state.T_camera_world @ pose_step.inverse(seen))


def _solved(H: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, bool], np.ndarray]:
    """The step, and the Cholesky factor of the Hessian scaled by what comes third, (n,)."""
    scale = 1.0 / np.sqrt(np.diag(H))
    factor = cho_factor(H * np.outer(scale, scale), lower=True)
    return -scale * cho_solve(factor, scale * b), factor, scale


def _stepped(state: InertialState, step: np.ndarray) -> InertialState:
    return InertialState(
        pose_step.exp(step[:6]) @ state.T_camera_world,
        state.velocity + step[6:9],
        state.bias + step[9:],
    )


def _chi_square(
    factors: Sequence[InertialFactor],
    information: Sequence[np.ndarray],
    path: VisualPath,
    seen: Sequence[np.ndarray],
    states: Sequence[InertialState],
    world: MetricWorld,
    known: Knowledge,
) -> float:
    total = float(np.sum((states[0].bias / known.bias_sigma) ** 2))
    log_scale = math.log(world.metres_per_unit) - known.log_scale
    total += known.log_scale_information * log_scale**2
    pose = _pose_information(path)
    for state, T in zip(states, seen, strict=True):
        total += float(pose @ _pose_error(state, T) ** 2)
    for k, factor in enumerate(factors):
        r = factor.residual(states[k], states[k + 1], world)
        total += float(r @ information[k] @ r)
    return total
