"""Alignment of a visual path with an IMU: errors against stated deviations, and doubt."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from denseba_ros.errors import ImuError
from denseba_ros.geometry import pose_step
from denseba_ros.imu.initialisation.alignment import (
    Alignment,
    AlignmentPrior,
    align,
    aligned_linearly,
)
from denseba_ros.imu.initialisation.visual_path import VisualPath
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.preintegration import preintegrate
from denseba_ros.imu.samples import ImuSamples
from tests.imu.motion import GRAVITY, Motion, bias_walk, with_noise

T_IMU_CAMERA = pose_step.exp(np.array([0.05, -0.03, 0.02, 1.0, -1.2, 0.7]))
R_MAP_UPRIGHT = Rotation.from_rotvec([0.4, -0.3, 0.9]).as_matrix()
SCALE, NOISE = 2.5, ImuNoise()
PERIOD, INTERVAL = 0.005, 0.3


@dataclass
class Case:
    """One motion that was seen and felt, with what is true of it."""

    path: VisualPath
    intervals: list[ImuSamples]
    velocities: np.ndarray
    bias: np.ndarray

    @classmethod
    def drawn(cls, seed: int, acceleration: float = 1.0, turn: float = 0.4, k: int = 11) -> Case:
        rng = np.random.default_rng(seed)
        motion = Motion.random(seed, acceleration, turn)
        t = np.arange(0.0, INTERVAL * (k - 1) + 1e-9, PERIOD)
        bias = np.concatenate([rng.normal(0, 0.01, 3), rng.normal(0, 0.1, 3)])
        biases = bias + bias_walk(len(t), PERIOD, NOISE, rng)
        samples = with_noise(motion.samples(t), NOISE, biases, rng)
        times = np.arange(k) * INTERVAL
        T = motion.pose(times) @ T_IMU_CAMERA
        T[:, :3] = R_MAP_UPRIGHT @ T[:, :3]
        T[:, :3, 3] = T[:, :3, 3] / SCALE + rng.normal(0, 0.002, (k, 3))
        T[:, :3, :3] = T[:, :3, :3] @ Rotation.from_rotvec(rng.normal(0, 0.001, (k, 3))).as_matrix()
        stamps = np.round(times * 1e9).astype(int)
        cut = [samples.between(a, b) for a, b in pairwise(stamps)]
        velocities = motion.position(times, 1) @ R_MAP_UPRIGHT.T
        return cls(VisualPath(T, 0.002, 0.001, T_IMU_CAMERA), cut, velocities, bias)

    def aligned(self, prior: AlignmentPrior | None = None) -> Alignment:
        return align(self.path, self.intervals, NOISE, prior or AlignmentPrior())


def _scale_error(found: Alignment) -> float:
    return float(np.log(found.world.metres_per_unit / SCALE))


def _tilt(found: Alignment) -> float:
    """Radians."""
    gravity = found.world.gravity
    cosine = gravity @ R_MAP_UPRIGHT @ GRAVITY / np.linalg.norm(gravity) / 9.81
    return float(np.arccos(min(cosine, 1.0)))


def test_errors_are_as_stated_over_twenty_draws() -> None:
    cases = [Case.drawn(seed) for seed in range(20)]
    found = [case.aligned() for case in cases]
    scale = np.array([_scale_error(f) for f in found])
    assert np.median(np.abs(scale)) < 0.012
    assert np.abs(scale).max() < 0.05
    stated = np.array([f.scale_deviation for f in found])
    assert np.mean((scale / stated) ** 2) == pytest.approx(1.0, abs=0.6)
    tilt = np.array([_tilt(f) / f.gravity_deviation for f in found])
    assert np.mean(tilt**2) == pytest.approx(1.0, abs=0.6)
    bias = np.array([f.bias - c.bias for f, c in zip(found, cases, strict=True)])
    stated = np.array([np.sqrt(np.diag(f.covariance)[3:]) for f in found])
    assert np.mean((bias / stated) ** 2) == pytest.approx(1.0, abs=0.5)
    assert np.mean([f.fit for f in found]) == pytest.approx(1.0, abs=0.2)
    assert not any(f.doubt for f in found)
    wrong = [np.abs(f.velocities - c.velocities).max() for f, c in zip(found, cases, strict=True)]
    assert np.median(wrong) < 0.06


def test_preintegrations_are_near_the_bias_found() -> None:
    found = Case.drawn(0).aligned()
    assert len(found.measured) == 10
    assert found.measured[3].turn_by_bias(found.bias) < 1e-3


def test_noisy_positions_make_only_the_linear_scale_too_small() -> None:
    linear, refined = [], []
    for seed in range(10):
        case = Case.drawn(seed, acceleration=0.25, k=16)
        gyroscope = np.concatenate([case.bias[:3], np.zeros(3)])
        measured = [preintegrate(samples, gyroscope, NOISE) for samples in case.intervals]
        start = aligned_linearly(case.path, measured, np.full(3, 1e-8), AlignmentPrior())
        linear.append(_scale_error(start))
        refined.append(_scale_error(case.aligned()))
    assert np.mean(linear) < -0.03
    assert abs(np.mean(refined)) < 0.02


def test_without_acceleration_it_says_so() -> None:
    for seed in range(5):
        found = Case.drawn(seed, acceleration=0.02, turn=0.05).aligned()
        assert found.doubt.startswith("not enough acceleration yet")


def test_a_prior_of_the_scale_is_used_as_far_as_it_is_known() -> None:
    case = Case.drawn(2, acceleration=0.1, turn=0.1)
    alone = case.aligned()
    helped = case.aligned(AlignmentPrior(metres_per_unit=2.6, scale_deviation=0.1))
    assert helped.scale_deviation < 0.7 * alone.scale_deviation
    assert abs(_scale_error(helped)) < 0.7 * abs(_scale_error(alone))
    loose = case.aligned(AlignmentPrior(metres_per_unit=9.0, scale_deviation=50.0))
    assert _scale_error(loose) == pytest.approx(_scale_error(alone), abs=0.02)


def test_noise_that_is_understated_grows_the_covariance() -> None:
    case = Case.drawn(4)
    sure = VisualPath(case.path.T_world_camera, 0.0002, 0.0001, T_IMU_CAMERA)
    found = align(sure, case.intervals, NOISE)
    assert found.fit > 2.0
    assert found.scale_deviation > 0.3 * case.aligned().scale_deviation


def test_too_few_keyframes_are_refused() -> None:
    case = Case.drawn(0)
    with pytest.raises(ImuError, match="cannot be aligned"):
        align(case.path, case.intervals[:-1], NOISE)
    short = VisualPath(case.path.T_world_camera[:3], 0.002, 0.001, T_IMU_CAMERA)
    with pytest.raises(ImuError, match="cannot be aligned"):
        align(short, case.intervals[:2], NOISE)
