"""Normal equations of a chain of factors: gradient by finite differences, first estimates, size."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from denseba_ros.geometry import pose_step
from denseba_ros.imu.inertial_equations import Motion as Chain
from denseba_ros.imu.inertial_equations import inertial_chi_square, inertial_equations
from denseba_ros.imu.inertial_factor import InertialFactor
from denseba_ros.imu.inertial_state import InertialState, MetricWorld, upright_rotation
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.preintegration import preintegrate
from tests.imu.motion import GRAVITY, Motion

T_IMU_CAMERA = pose_step.exp(np.array([0.1, -0.05, 0.2, 1.0, -1.2, 0.7]))


def _chain(k: int = 3) -> tuple[list[InertialFactor], Chain]:
    motion, times = Motion.random(2), np.arange(k) * 0.2
    samples = motion.samples(np.arange(0.0, times[-1] + 1e-9, 0.005))
    stamps = np.round(times * 1e9).astype(int)
    noise = ImuNoise(0.01, 0.1, 0.01, 0.1)
    factors = [
        InertialFactor(preintegrate(samples.between(a, b), np.zeros(6), noise), T_IMU_CAMERA)
        for a, b in pairwise(stamps)
    ]
    poses = motion.pose(times) @ T_IMU_CAMERA
    states = [
        InertialState(pose_step.inverse(T), v, np.zeros(6))
        for T, v in zip(poses, motion.position(times, 1), strict=True)
    ]
    return factors, Chain(states, MetricWorld(1.0, upright_rotation(GRAVITY)))


def test_gradient_is_that_of_the_chi_square() -> None:
    factors, truth = _chain()
    rng = np.random.default_rng(0)
    chain = truth.stepped(0.02 * rng.standard_normal(truth.size))
    H, b = inertial_equations(factors, chain)
    assert H.shape == (49, 49)
    h = 1e-6
    numeric = [
        (
            inertial_chi_square(factors, chain.stepped(h * e))
            - inertial_chi_square(factors, chain.stepped(-h * e))
        )
        / (4 * h)
        for e in np.eye(truth.size)
    ]
    np.testing.assert_allclose(b, numeric, rtol=1e-4, atol=1e-3)


def _of_the_whole_world(chain: Chain, motion: np.ndarray) -> np.ndarray:
    """Step per unit of a motion (6,) of the world and all keyframes, without gravity."""
    h = 1e-6
    back = pose_step.exp(-h * motion)
    step = np.zeros(chain.size)
    for k, state in enumerate(chain.states):
        moved = state.T_camera_world @ back
        step[15 * k : 15 * k + 6] = pose_step.log(moved @ pose_step.inverse(state.T_camera_world))
        step[15 * k + 6 : 15 * k + 9] = h * np.cross(motion[3:], state.velocity)
    return step / h


def test_four_freedoms_of_the_world_are_not_felt() -> None:
    factors, truth = _chain(5)
    H, _ = inertial_equations(factors, truth)
    felt = []
    for axis in range(6):
        step = _of_the_whole_world(truth, np.eye(6)[axis])
        felt.append(float(step @ H @ step) / float(step**2 @ np.diag(H)))
    assert max(felt[0], felt[1], felt[2], felt[5]) < 1e-8
    assert min(felt[3], felt[4]) > 1e-3
    grown = np.zeros(truth.size)
    grown[-3] = 1.0
    assert grown @ H @ grown > 1.0


def test_first_estimates_keep_the_jacobians() -> None:
    factors, first = _chain()
    moved = first.stepped(0.02 * np.random.default_rng(1).standard_normal(first.size))
    H, b = inertial_equations(factors, moved, first)
    at_first, _ = inertial_equations(factors, first)
    np.testing.assert_array_equal(H, at_first)
    assert np.abs(b - inertial_equations(factors, moved)[1]).max() > 1e-3
