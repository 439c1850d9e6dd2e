"""Preintegration against the true motion, finite differences, noise that was drawn, and GTSAM."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import numpy as np
import pytest

from denseba_ros.errors import ImuError
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.preintegration import Preintegration, joined, preintegrate
from denseba_ros.imu.rotation_jacobians import right_jacobian, rotation_log
from denseba_ros.imu.samples import ImuSamples
from tests.imu.motion import GRAVITY, Motion, with_noise

NOISE = ImuNoise()
BIAS = np.array([0.02, -0.01, 0.03, 0.1, -0.2, 0.15])


def _motion(rate: float = 200.0, seconds: float = 0.5, seed: int = 1) -> tuple[Motion, np.ndarray]:
    return Motion.random(seed), np.arange(0.0, seconds + 1e-9, 1.0 / rate)


def _true(motion: Motion, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Delta R, v, p by their definition (33) from the motion itself."""
    ends, seconds = t[[0, -1]], t[-1] - t[0]
    R, p, v = motion.rotation(ends), motion.position(ends), motion.position(ends, 1)
    dv = R[0].T @ (v[1] - v[0] - GRAVITY * seconds)
    dp = R[0].T @ (p[1] - p[0] - v[0] * seconds - 0.5 * GRAVITY * seconds**2)
    return R[0].T @ R[1], dv, dp


def _errors(found: Preintegration, R: np.ndarray, v: np.ndarray, p: np.ndarray) -> np.ndarray:
    turn = rotation_log(R.T @ found.rotation)
    return np.concatenate([turn, found.velocity - v, found.position - p])


def test_true_motion_to_second_order() -> None:
    sizes = []
    for rate in (100.0, 200.0, 400.0):
        motion, t = _motion(rate)
        found = preintegrate(motion.samples(t), np.zeros(6), NOISE)
        assert found.seconds == pytest.approx(0.5)
        sizes.append(np.abs(_errors(found, *_true(motion, t))).max())
    assert sizes[1] < 2e-5
    np.testing.assert_allclose(np.divide(sizes[:-1], sizes[1:]), 4.0, rtol=0.1)


def test_a_fast_turn_is_not_of_first_order() -> None:
    """One revolution a second: taking each step's first orientation would err by 0.15 m/s."""
    motion = Motion(np.zeros((1, 3, 3)), np.array([[[0, 0, 20.0], [1, 1, 0.314], [0, 0, 0]]]))
    t = np.arange(0.0, 1.0 + 1e-9, 0.005)
    found = preintegrate(motion.samples(t), np.zeros(6), NOISE)
    assert np.abs(_errors(found, *_true(motion, t))).max() < 1e-3


def test_bias_is_taken_off() -> None:
    motion, t = _motion()
    ideal = motion.samples(t)
    biased = ImuSamples(ideal.stamp_ns, ideal.gyroscope + BIAS[:3], ideal.accelerometer + BIAS[3:])
    found, expected = preintegrate(biased, BIAS, NOISE), preintegrate(ideal, np.zeros(6), NOISE)
    assert np.abs(_errors(found, expected.rotation, expected.velocity, expected.position)).max() < (
        1e-12
    )


@pytest.mark.parametrize("axis", range(6))
def test_bias_jacobian_is_that_of_finite_differences(axis: int) -> None:
    motion, t = _motion()
    samples, h = motion.samples(t), 1e-5
    step = h * np.eye(6)[axis]
    base = preintegrate(samples, BIAS, NOISE)
    more, less = (preintegrate(samples, BIAS + sign * step, NOISE) for sign in (1, -1))
    turn = rotation_log(base.rotation.T @ more.rotation) - rotation_log(
        base.rotation.T @ less.rotation
    )
    rest = [more.velocity - less.velocity, more.position - less.position]
    numeric = np.concatenate([turn, *rest]) / (2 * h)
    np.testing.assert_allclose(base.bias_jacobian[:, axis], numeric, atol=1e-8)


def test_first_order_change_of_the_bias() -> None:
    motion, t = _motion()
    samples = motion.samples(t)
    moved = BIAS + np.array([0.01, 0.01, -0.01, 0.3, -0.3, 0.3])
    base, exact = preintegrate(samples, BIAS, NOISE), preintegrate(samples, moved, NOISE)
    found = base.at_bias(moved)
    turn = base.turn_by_bias(moved)
    assert turn == pytest.approx(0.01 * np.sqrt(3) * 0.5)
    assert np.abs(rotation_log(exact.rotation.T @ found.rotation)).max() < 0.5 * turn**2
    # The accelerometer's own part is exact; what is left is the mixed and the second order.
    left = 0.5 * turn * (9.81 * turn + np.linalg.norm(moved[3:] - BIAS[3:]))
    np.testing.assert_allclose(found.velocity, exact.velocity, atol=left)
    only = np.concatenate([BIAS[:3], moved[3:]])
    np.testing.assert_allclose(
        base.at_bias(only).position, preintegrate(samples, only, NOISE).position, atol=1e-12
    )


@pytest.mark.parametrize("count", [2, 3, 4, 8, 12, 61])
def test_joined_is_the_whole(count: int) -> None:
    motion, t = _motion()
    samples = motion.samples(t[:count])
    noise = replace(NOISE, gyroscope_walk=0.01, accelerometer_walk=0.1)
    steps = [
        preintegrate(samples.between(int(a), int(b)), BIAS, noise)
        for a, b in zip(samples.stamp_ns[:-1], samples.stamp_ns[1:], strict=True)
    ]
    in_order, whole = reduce(joined, steps), preintegrate(samples, BIAS, noise)
    for name in ("seconds", "rotation", "velocity", "position", "bias_jacobian", "covariance"):
        np.testing.assert_allclose(
            getattr(in_order, name), getattr(whole, name), rtol=1e-9, atol=1e-16, err_msg=name
        )


def test_no_interval_and_different_biases_are_refused() -> None:
    motion, t = _motion()
    with pytest.raises(ImuError):
        preintegrate(motion.samples(t[:1]), BIAS, NOISE)
    one = preintegrate(motion.samples(t), BIAS, NOISE)
    with pytest.raises(ImuError):
        joined(one, preintegrate(motion.samples(t), 2 * BIAS, NOISE))


def test_covariance_is_that_of_drawn_noise() -> None:
    motion, t = _motion()
    noise = ImuNoise(0.01, 0.1)
    ideal = motion.samples(t)
    rng = np.random.default_rng(0)
    truth = preintegrate(ideal, np.zeros(6), noise)
    normalised = []
    for _ in range(300):
        noisy = with_noise(ideal, noise, np.zeros(6), rng)
        found = preintegrate(noisy, np.zeros(6), noise)
        e = _errors(found, truth.rotation, truth.velocity, truth.position)
        normalised.append(e @ np.linalg.solve(truth.covariance[:9, :9], e))
    # Chi-square of 9: the mean of 300 has a deviation of 0.25.
    assert np.mean(normalised) == pytest.approx(9.0, abs=0.8)


def test_gtsam_agrees() -> None:
    """Held samples: GTSAM takes each step's first orientation, so both converge, not equal."""
    gtsam = pytest.importorskip("gtsam")
    motion, t = _motion(rate=8000.0, seconds=0.25)
    samples = motion.samples(t)
    parameters = gtsam.PreintegrationParams(GRAVITY)
    parameters.setGyroscopeCovariance(NOISE.gyroscope**2 * np.eye(3))
    parameters.setAccelerometerCovariance(NOISE.accelerometer**2 * np.eye(3))
    parameters.setIntegrationCovariance(np.zeros((3, 3)))
    bias = gtsam.imuBias.ConstantBias(BIAS[3:], BIAS[:3])
    theirs = gtsam.PreintegratedImuMeasurements(parameters, bias)
    for a, w in zip(samples.accelerometer[:-1], samples.gyroscope[:-1], strict=True):
        theirs.integrateMeasurement(a, w, 1.0 / 8000.0)
    ours = preintegrate(samples, BIAS, NOISE)
    expected = (theirs.deltaRij().matrix(), theirs.deltaVij(), theirs.deltaPij())
    assert np.abs(_errors(ours, *expected)).max() < 3e-4
    # Theirs is of the rotation vector, the position, the velocity.
    order = [0, 1, 2, 6, 7, 8, 3, 4, 5]
    to_ours = np.eye(9)
    to_ours[:3, :3] = right_jacobian(rotation_log(ours.rotation))
    covariance = to_ours @ theirs.preintMeasCov()[np.ix_(order, order)] @ to_ours.T
    scale = np.sqrt(np.diag(covariance))
    difference = (ours.covariance[:9, :9] - covariance) / np.outer(scale, scale)
    assert np.abs(difference).max() < 0.002
