"""What an IMU feels at rest, and when that changes."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.imu.standstill import Felt

_RATE = 200.0
_BIAS = np.array([0.02, -0.03, 0.01, 0.1, -0.2, 0.05])


def _felt(seed: int, more: np.ndarray | float = 0.0, noise: float = 1.0) -> Felt:
    """Half a second at rest with ``more`` (N, 6) or (6,) on top."""
    rng = np.random.default_rng(seed)
    n = 101
    sigma = np.repeat([1e-3, 1e-2], 3) * np.sqrt(_RATE) * noise
    values = _BIAS + [0, 0, 0, 0, 0, 9.81] + sigma * rng.standard_normal((n, 6)) + more
    stamps = (np.arange(n) / _RATE * 1e9).astype(np.int64)
    return Felt.over(ImuSamples(stamps, values[:, :3].copy(), values[:, 3:].copy()))


def test_noise_and_bias_are_rest_and_stay_the_same_rest() -> None:
    for seed in range(100):
        assert _felt(2 * seed).may_be_rest(ImuNoise())
        assert _felt(2 * seed).is_same_rest(_felt(2 * seed + 1))


def test_a_shaken_imu_is_not_at_rest() -> None:
    shaking = 1.0 * np.sin(np.linspace(0, 30, 101))[:, None]
    assert not _felt(0, shaking * [0, 0, 0, 1, 0, 0]).may_be_rest(ImuNoise())
    assert not _felt(0, 0.2 * shaking * [0, 1, 0, 0, 0, 0]).may_be_rest(ImuNoise())


@pytest.mark.parametrize(
    "more",
    [
        np.array([0.0, 0.02, 0.0, 0.0, 0.0, 0.0]),
        np.array([0.0, 0.0, 0.0, 0.15, 0.0, 0.0]),
        0.6 * np.arange(101)[:, None] / 100 * [0, 0, 0, 0, 1, 0],
    ],
    ids=["turning", "accelerating", "beginning to"],
)
def test_a_gentle_motion_ends_it(more: np.ndarray) -> None:
    for seed in range(20):
        assert not _felt(2 * seed).is_same_rest(_felt(2 * seed + 1, more))


def test_without_gravity_in_its_unit_nothing_is_rest() -> None:
    for length in (0.0, 1.0, 4.9):
        assert not _felt(0, np.array([0, 0, 0, 0, 0, length - 9.81])).may_be_rest(ImuNoise())
