"""Scale, gravity, velocities and biases from a visual path and the IMU: the start of inertial.

First linear in the velocities, the scale and the accelerometer's bias, as the rotations are known:
Qin, Shen, "Robust initialization of monocular visual-inertial estimation on aerial robots", IROS
2017, the length of gravity held as there; errors of the poses are part of the noise, each of them
shared by the two intervals beside it. Then the minimum with the poses as unknowns, see
``refinement``, from which the covariance comes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.linalg import LinAlgError

from denseba_ros.errors import ImuError
from denseba_ros.geometry import pose_step
from denseba_ros.imu.inertial_equations import Motion
from denseba_ros.imu.inertial_factor import InertialFactor
from denseba_ros.imu.inertial_state import (
    STANDARD_GRAVITY,
    InertialState,
    MetricWorld,
    upright_rotation,
)
from denseba_ros.imu.initialisation.gyroscope_bias import GYROSCOPE_BIAS, gyroscope_bias_step
from denseba_ros.imu.initialisation.refinement import Knowledge, refined
from denseba_ros.imu.initialisation.velocity_equations import velocity_equations
from denseba_ros.imu.initialisation.visual_path import VisualPath
from denseba_ros.imu.initialisation.weighted_least_squares import weighted_least_squares
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.preintegration import Preintegration, preintegrate
from denseba_ros.imu.samples import ImuSamples

_FEWEST = 4
_GYROSCOPE_STEPS, _STEPS = 3, 6
# Of the log of the scale: below it alignment is sure.
_SURE = 0.05


@dataclass(frozen=True)
class AlignmentPrior:
    """What is known before: deviation of the accelerometer's bias (m/s2) about zero, the length of
    gravity (m/s2), and the metres per unit of the map with the deviation of their log, infinite
    where nothing is known."""

    accelerometer_bias: float = 0.1
    gravity_length: float = STANDARD_GRAVITY
    metres_per_unit: float = 1.0
    scale_deviation: float = math.inf


NOTHING_KNOWN = AlignmentPrior()
"""But that the accelerometer is a usual one."""


@dataclass(frozen=True)
class Alignment:
    """The map in metres and upright.

    Attributes:
        world: scale and gravity.
        velocities: (K, 3) of the IMU at the keyframes, m/s along the map's axes.
        bias: (6,) of gyroscope (rad/s) and accelerometer (m/s2) at the first keyframe.
        covariance: (9, 9) of log scale, two of gravity (rad), biases.
        fit: chi-square over its degrees of freedom; about 1 where noise is as stated. Where it is
            larger the covariance has grown by it.
        measured: the K - 1 preintegrations, at biases near ``bias``.
    """

    world: MetricWorld
    velocities: np.ndarray
    bias: np.ndarray
    covariance: np.ndarray
    fit: float
    measured: tuple[Preintegration, ...]

    @property
    def scale_deviation(self) -> float:
        """Of the log of the metres per unit."""
        return math.sqrt(self.covariance[0, 0])

    @property
    def gravity_deviation(self) -> float:
        """Radians, of both directions together."""
        return math.sqrt(self.covariance[1, 1] + self.covariance[2, 2])

    @property
    def doubt(self) -> str:
        """Why it is not sure yet, empty where it is."""
        if self.world.metres_per_unit <= 0.0 or self.scale_deviation > _SURE:
            known = 100.0 * min(self.scale_deviation, 9.99)
            return f"not enough acceleration yet: the scale is known to {known:.0f} %"
        return ""


def align(
    path: VisualPath,
    intervals: Sequence[ImuSamples],
    noise: ImuNoise,
    prior: AlignmentPrior = NOTHING_KNOWN,
) -> Alignment:
    """Align a path of K keyframes with the samples of its K - 1 intervals.

    Raises:
        ImuError: with fewer than four keyframes, or another number of intervals than K - 1, or
            where no force was felt.
    """
    if len(path) < _FEWEST or len(intervals) != len(path) - 1:
        raise ImuError(f"{len(path)} keyframes and {len(intervals)} intervals cannot be aligned")
    bias = np.zeros(6)
    for _ in range(_GYROSCOPE_STEPS):
        measured = [preintegrate(samples, bias, noise) for samples in intervals]
        gyroscope = gyroscope_bias_step(path, measured)
        bias = np.concatenate([bias[:3] + gyroscope.x, np.zeros(3)])
    measured = [preintegrate(samples, bias, noise) for samples in intervals]
    linear = aligned_linearly(path, measured, np.diag(gyroscope.covariance), prior)
    if linear.world.metres_per_unit <= 0.0:
        return linear
    measured = [preintegrate(samples, linear.bias, noise) for samples in intervals]
    return _refined(path, measured, linear, prior, noise.accelerometer_scale) or linear


def aligned_linearly(
    path: VisualPath,
    measured: Sequence[Preintegration],
    gyroscope_variance: np.ndarray,
    prior: AlignmentPrior,
) -> Alignment:
    """Without refinement, from ``measured`` at the gyroscope's bias, of variance (3,)."""
    scale, gravity = prior.metres_per_unit, _felt_gravity(path, measured)
    if not np.any(gravity):
        raise ImuError("the accelerometer reads zero")
    upright = upright_rotation(gravity)
    world = MetricWorld(scale, upright, prior.gravity_length)
    information, mean = _prior(len(path), gyroscope_variance, prior)
    for _ in range(_STEPS):
        equations = velocity_equations(path, measured, world, abs(scale))
        solution = weighted_least_squares(
            equations.A, equations.b, equations.noise, information, mean
        )
        scale = float(solution.x[equations.scale])
        world = world.stepped(np.concatenate([[0.0], solution.x[equations.gravity], [0.0]]))
    unknowns = 3 + 3 * len(path) - np.isfinite(prior.scale_deviation)
    fit = solution.chi_square / (len(equations.b) - unknowns)
    to_log = np.ones(9)
    to_log[0] = 1.0 / abs(scale)
    start = equations.scale
    return Alignment(
        MetricWorld(scale, world.R_world_gravity, world.gravity_length),
        solution.x[equations.velocities].reshape(-1, 3),
        measured[0].bias + solution.x[equations.bias],
        solution.covariance[start:, start:] * np.outer(to_log, to_log) * max(1.0, fit),
        fit,
        tuple(measured),
    )


def _refined(
    path: VisualPath,
    measured: Sequence[Preintegration],
    linear: Alignment,
    prior: AlignmentPrior,
    gain_sigma: float,
) -> Alignment | None:
    """None where the motion is too weak for the steps to end."""
    states = [
        InertialState(pose_step.inverse(T), velocity, linear.bias)
        for T, velocity in zip(path.T_world_camera, linear.velocities, strict=True)
    ]
    factors = [InertialFactor(m, path.T_imu_camera) for m in measured]
    known = Knowledge(
        np.repeat([GYROSCOPE_BIAS, prior.accelerometer_bias], 3),
        math.log(prior.metres_per_unit),
        prior.scale_deviation**-2.0,
        gain_sigma,
    )
    try:
        found = refined(path, factors, Motion(states, linear.world), known)
    except (LinAlgError, ValueError):
        return None
    # Residuals and priors less unknowns: one more for each of the interval's ends.
    freedom = 6 * len(path) + 15 * len(measured) + 7 - len(found.covariance)
    fit = found.chi_square / (freedom + np.isfinite(prior.scale_deviation))
    kept = np.r_[-4:-1, 9:15]
    return Alignment(
        found.motion.world,
        np.array([state.velocity for state in found.motion.states]),
        found.motion.states[0].bias,
        found.covariance[np.ix_(kept, kept)] * max(1.0, fit),
        fit,
        tuple(measured),
    )


def _felt_gravity(path: VisualPath, measured: Sequence[Preintegration]) -> np.ndarray:
    """(3,) roughly: what the IMU felt on the whole way was mostly gravity."""
    felt = [R @ m.velocity for R, m in zip(path.R_world_imu, measured, strict=False)]
    gravity: np.ndarray = -np.sum(felt, axis=0)
    return gravity


def _prior(
    keyframes: int, gyroscope_variance: np.ndarray, prior: AlignmentPrior
) -> tuple[np.ndarray, np.ndarray]:
    """Information and mean (3K + 9,) of velocities, scale, gravity, biases."""
    information, mean = np.zeros(3 * keyframes + 9), np.zeros(3 * keyframes + 9)
    information[3 * keyframes] = (prior.metres_per_unit * prior.scale_deviation) ** -2
    mean[3 * keyframes] = prior.metres_per_unit
    information[-6:-3] = 1.0 / gyroscope_variance
    information[-3:] = prior.accelerometer_bias**-2
    return information, mean
