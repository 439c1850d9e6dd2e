"""The inertial factor: zero at the truth, Jacobians by finite differences, honest covariance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from denseba_ros.geometry import pose_step
from denseba_ros.imu.inertial_factor import InertialFactor
from denseba_ros.imu.inertial_state import InertialState, MetricWorld, upright_rotation
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.preintegration import preintegrate
from denseba_ros.imu.rotation_jacobians import rotation_exp
from tests.imu.motion import GRAVITY, Motion, bias_walk, with_noise

T_IMU_CAMERA = pose_step.exp(np.array([0.1, -0.05, 0.2, 1.0, -1.2, 0.7]))
# The map's world is tilted, and its unit is 2.5 m.
R_MAP_UPRIGHT = rotation_exp(np.array([0.4, -0.3, 0.9]))
SCALE = 2.5
WORLD = MetricWorld(SCALE, upright_rotation(R_MAP_UPRIGHT @ GRAVITY))
OTHER_GAIN = WORLD.stepped(np.array([0.0, 0.0, 0.0, 0.05]))
T = np.arange(0.0, 0.5 + 1e-9, 0.0025)


def _state(motion: Motion, t: float, bias: np.ndarray) -> InertialState:
    T_world_camera = motion.pose(np.array([t]))[0] @ T_IMU_CAMERA
    T_world_camera[:3] = R_MAP_UPRIGHT @ T_world_camera[:3]
    T_world_camera[:3, 3] /= SCALE
    velocity = R_MAP_UPRIGHT @ motion.position(np.array([t]), 1)[0]
    return InertialState(pose_step.inverse(T_world_camera), velocity, bias)


def _numeric(residual: Callable[[np.ndarray], np.ndarray], size: int) -> np.ndarray:
    h = 1e-5
    columns = [(residual(h * e) - residual(-h * e)) / (2 * h) for e in np.eye(size)]
    return np.stack(columns, 1)


def test_zero_at_the_truth() -> None:
    motion = Motion.random(3)
    factor = InertialFactor(preintegrate(motion.samples(T), np.zeros(6), ImuNoise()), T_IMU_CAMERA)
    i, j = (_state(motion, t, np.zeros(6)) for t in (T[0], T[-1]))
    assert np.abs(factor.residual(i, j, WORLD)).max() < 1e-5
    assert np.abs(factor.residual(i, j, MetricWorld(1.0, WORLD.R_world_gravity))).max() > 0.01


@pytest.mark.parametrize("seed", range(3))
def test_jacobians_are_those_of_finite_differences(seed: int) -> None:
    rng = np.random.default_rng(seed)
    motion = Motion.random(seed)
    bias = 0.05 * rng.standard_normal(6)
    factor = InertialFactor(preintegrate(motion.samples(T), bias, ImuNoise()), T_IMU_CAMERA)
    i, j = (_state(motion, t, bias).stepped(0.1 * rng.standard_normal(15)) for t in T[[0, -1]])
    world = OTHER_GAIN if seed else WORLD
    found = factor.jacobians(i, j, world)
    by_i = _numeric(lambda x: factor.residual(i.stepped(x), j, world), 15)
    by_j = _numeric(lambda x: factor.residual(i, j.stepped(x), world), 15)
    by_world = _numeric(lambda x: factor.residual(i, j, world.stepped(x)), 4)
    for name, jacobian, numeric in (
        ("i", found.i, by_i),
        ("j", found.j, by_j),
        ("world", found.world, by_world),
    ):
        np.testing.assert_allclose(jacobian, numeric, atol=2e-8, err_msg=name)


def test_covariance_is_honest_with_biases_that_walk() -> None:
    motion = Motion.random(5)
    noise = ImuNoise(0.003, 0.03, 0.05, 0.5)
    rng = np.random.default_rng(0)
    squares = []
    for _ in range(200):
        walk = bias_walk(len(T), T[1] - T[0], noise, rng)
        noisy = with_noise(motion.samples(T), noise, walk, rng)
        factor = InertialFactor(preintegrate(noisy, np.zeros(6), noise), T_IMU_CAMERA)
        i, j = _state(motion, T[0], walk[0]), _state(motion, T[-1], walk[-1])
        r = factor.residual(i, j, WORLD)
        squares.append(r @ factor.information @ r)
    # Chi-square of 15: the mean of 200 has a deviation of 0.39.
    assert np.mean(squares) == pytest.approx(15.0, abs=1.2)


def test_upright_rotation() -> None:
    rng = np.random.default_rng(0)
    for g in [*rng.standard_normal((5, 3)), np.array([0, 0, -2.0]), np.array([0, 0, 2.0])]:
        world = MetricWorld(1.0, upright_rotation(g))
        np.testing.assert_allclose(world.gravity, 9.81 * g / np.linalg.norm(g), atol=1e-12)
        assert np.linalg.det(world.R_world_gravity) == pytest.approx(1.0)
