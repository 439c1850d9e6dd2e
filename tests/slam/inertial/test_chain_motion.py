"""Normal equations of the chain against finite differences, and what the chain forgets."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.geometry import pose_step
from denseba_ros.imu.inertial_factor import InertialFactor
from denseba_ros.imu.inertial_state import InertialState, MetricWorld
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.preintegration import preintegrate
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.slam.inertial.chain_motion import ChainMotion
from denseba_ros.slam.inertial.chain_prior import ChainPrior

_VARIANCE = 1e-4


def _motion() -> ChainMotion:
    rng = np.random.default_rng(4)
    states = [
        InertialState(pose_step.exp(0.3 * rng.normal(size=6)), rng.normal(size=3), np.zeros(6))
        for _ in range(3)
    ]
    return ChainMotion(states, np.array([0.5, 0.52, 0.4]), MetricWorld(gain=1.1))


def _factor() -> InertialFactor:
    rng = np.random.default_rng(5)
    stamps = 5_000_000 * np.arange(41, dtype=np.int64)
    force = rng.normal([0.0, 0.0, 9.8], 0.5, (41, 3))
    samples = ImuSamples(stamps, rng.normal(0.0, 0.3, (41, 3)), force)
    measured = preintegrate(samples, np.zeros(6), ImuNoise())
    return InertialFactor(measured, pose_step.exp(np.array([0.1, 0.0, 0.05, 0.2, 0.4, 0.1])))


def _energy(motion: ChainMotion, factor: InertialFactor) -> float:
    r = factor.residual(motion.states[1], motion.states[2], motion.world(2))
    step = motion.log_scales[1] - motion.log_scales[0]
    return float(0.5 * r @ factor.information @ r + 0.5 * step**2 / _VARIANCE)


def test_the_gradient_is_that_of_the_energy() -> None:
    motion, factor = _motion(), _factor()
    H, b = np.zeros((motion.size, motion.size)), np.zeros(motion.size)
    motion.add(H, b, factor, 1)
    motion.add_drift(H, b, _VARIANCE, 0)
    numeric = np.zeros_like(b)
    for k in range(motion.size):
        h = 1e-6 * np.eye(motion.size)[k]
        ahead, behind = _energy(motion.stepped(h), factor), _energy(motion.stepped(-h), factor)
        numeric[k] = (ahead - behind) / 2e-6
    assert b == pytest.approx(numeric, rel=1e-4, abs=1e-5 * np.abs(numeric).max())
    assert pytest.approx(H.T) == H
    first, second = motion.scale(0), motion.scale(1)
    assert H[first, first] == pytest.approx(1.0 / _VARIANCE)
    assert H[first, second] == pytest.approx(-1.0 / _VARIANCE)


def test_a_drift_of_gravity_adds_to_its_variance_and_moves_no_mean() -> None:
    rng = np.random.default_rng(6)
    A = rng.normal(size=(19, 19))
    H, b = A @ A.T + np.eye(19), rng.normal(size=19)
    prior = ChainPrior(H, b, _motion().states[0], MetricWorld())
    after = prior.after_drift(0.3)
    expected = np.linalg.inv(H)
    expected[16:18, 16:18] += 0.3 * np.eye(2)
    assert np.linalg.inv(after.H) == pytest.approx(expected)
    assert np.linalg.solve(after.H, after.b) == pytest.approx(np.linalg.solve(H, b))
