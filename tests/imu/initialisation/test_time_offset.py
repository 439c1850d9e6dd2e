"""The clocks of camera and IMU, and their axes, found from rotations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from denseba_ros.errors import ImuError
from denseba_ros.imu.gyroscope_rotation import gyroscope_rotations, turned
from denseba_ros.imu.initialisation.time_offset import estimate_time_offset
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.samples import ImuSamples
from tests.imu.motion import Motion, with_noise

R_IMU_CAMERA = Rotation.from_rotvec([1.0, -1.2, 0.7]).as_matrix()
BIAS = np.array([0.02, -0.01, 0.015])


def _recording(
    late: float, seed: int, turn: float = 0.4
) -> tuple[np.ndarray, np.ndarray, ImuSamples]:
    """Stamps ``late`` seconds after what they show, rotations of the camera, and the IMU."""
    rng = np.random.default_rng(seed)
    motion = Motion.random(seed, turn=turn)
    noise = ImuNoise(gyroscope=2e-3)
    t = np.arange(0.0, 10.0, 0.005)
    samples = with_noise(motion.samples(t), noise, np.concatenate([BIAS, np.zeros(3)]), rng)
    shown = np.arange(0.5, 9.0, 0.07)
    R = motion.rotation(shown) @ R_IMU_CAMERA
    R = R @ Rotation.from_rotvec(rng.normal(0, 1e-3, (len(shown), 3))).as_matrix()
    return np.round((shown + late) * 1e9).astype(np.int64), R, samples


@pytest.mark.parametrize("late", [-0.12, 0.0, 0.055])
def test_offset_axes_and_bias_are_found(late: float) -> None:
    stamps, R, samples = _recording(late, seed=1)
    found = estimate_time_offset(stamps, R, samples)
    assert found.seconds == pytest.approx(-late, abs=4 * found.deviation)
    assert found.deviation < 0.002
    turn = Rotation.from_matrix(found.R_imu_camera.T @ R_IMU_CAMERA).magnitude()
    assert turn < 6 * found.rotation_deviation
    assert turn < 0.01
    np.testing.assert_allclose(found.gyroscope_bias, BIAS, atol=2e-3)
    # Two images' errors are in each compared rotation.
    assert found.residual == pytest.approx(1e-3 * np.sqrt(2), rel=0.3)


def test_deviation_is_that_of_many_draws() -> None:
    found = [estimate_time_offset(*_recording(0.03, seed)) for seed in range(12)]
    normalised = [(f.seconds + 0.03) / f.deviation for f in found]
    # Neighbouring rotations share an image, which makes the truth a little better.
    assert 0.1 < np.mean(np.square(normalised)) < 2.0


def test_a_few_wrong_rotations_do_no_harm() -> None:
    stamps, R, samples = _recording(0.055, seed=2)
    R[[20, 50]] = R[[20, 50]] @ Rotation.from_rotvec([0.3, 0.2, 0.0]).as_matrix()
    assert estimate_time_offset(stamps, R, samples).seconds == pytest.approx(-0.055, abs=0.004)


def test_without_turns_or_images_it_says_so() -> None:
    stamps, R, samples = _recording(0.0, seed=3, turn=1e-3)
    with pytest.raises(ImuError, match="not enough rotation"):
        estimate_time_offset(stamps, R, samples)
    with pytest.raises(ImuError, match="are needed"):
        estimate_time_offset(stamps[:5], R[:5], samples)


def test_a_steady_turn_tells_no_time() -> None:
    turn = np.array([[[0.0, 0.0, 40.0], [1, 1, 0.02], [0, 0, 0]]])
    motion, t = Motion(np.zeros((1, 3, 3)), turn), np.arange(0.0, 10.0, 0.005)
    rng = np.random.default_rng(0)
    samples = with_noise(motion.samples(t), ImuNoise(), np.zeros(6), rng)
    shown = np.arange(0.5, 9.0, 0.07)
    R = motion.rotation(shown)
    R = R @ Rotation.from_rotvec(rng.normal(0, 1e-3, (len(shown), 3))).as_matrix()
    with pytest.raises(ImuError, match="not enough rotation"):
        estimate_time_offset(np.round(shown * 1e9).astype(np.int64), R, samples)


def test_gyroscope_follows_the_true_rotation() -> None:
    motion = Motion.random(4)
    t = np.arange(0.0, 1.0 + 1e-9, 0.005)
    samples, R = motion.samples(t), motion.rotation(t)
    np.testing.assert_allclose(gyroscope_rotations(samples, np.zeros(3)), R[0].T @ R, atol=3e-5)
    np.testing.assert_allclose(turned(samples, np.zeros(3)), R[0].T @ R[-1], atol=3e-5)
