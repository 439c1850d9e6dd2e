"""Clocks and axes while driving: found, used where they are off, and left alone where not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from denseba_ros.imu.calibration import ImuCalibration
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.source import RecordedImu
from denseba_ros.slam.inertial.imu_prediction import ImuPrediction
from denseba_ros.slam.inertial.online_calibration import OnlineCalibration
from denseba_ros.slam.inertial.standstill import SeenPose
from tests.imu.motion import Motion, with_noise

_LATE = 0.055
_AXES = Rotation.from_rotvec([0.8, -1.1, 0.5]).as_matrix()
_BIAS = np.array([0.01, -0.02, 0.015, 0.0, 0.0, 0.0])


class _Drive:
    """Images 20 times a second, stamped ``late`` s after what they show."""

    def __init__(self, late: float = _LATE, turn: float = 0.4, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        motion, t = Motion.random(seed, turn=turn), np.arange(0.0, 40.0, 0.005)
        samples = with_noise(motion.samples(t), ImuNoise(), _BIAS, rng)
        self.source = RecordedImu(samples)
        shown = np.arange(0.5, 38.0, 0.05)
        self.stamps = np.round(1e9 * (shown + late)).astype(np.int64)
        noise = Rotation.from_rotvec(rng.normal(0, 1e-3, (len(shown), 3))).as_matrix()
        self.R = motion.rotation(shown) @ _AXES @ noise

    def through(self, online: OnlineCalibration, used: ImuCalibration) -> list[ImuCalibration]:
        """Every tenth image is a keyframe; the calibrations that replace ``used``."""
        replaced = []
        for k, (stamp, R) in enumerate(zip(self.stamps, self.R, strict=True)):
            online.saw(int(stamp), R)
            better = online.update(used) if k % 10 == 0 else None
            if better is not None:
                used = better
                replaced.append(better)
        return replaced


def _calibration(seconds: float = 0.0, axes: np.ndarray = _AXES) -> ImuCalibration:
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = axes, [0.1, 0.0, -0.05]
    return ImuCalibration(ImuNoise(), T, round(seconds * 1e9))


@pytest.mark.parametrize("seed", [0, 1])
def test_a_late_clock_is_found_and_used(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    drive = _Drive(seed=seed)
    online = OnlineCalibration(drive.source)
    replaced = drive.through(online, _calibration())
    assert replaced
    assert replaced[-1].time_offset_ns * 1e-9 == pytest.approx(-_LATE, abs=2e-3)
    np.testing.assert_array_equal(replaced[-1].T_imu_camera, _calibration().T_imu_camera)
    assert online.found is not None
    assert online.found.stretches > 2
    assert abs(online.found.seconds + _LATE) < 4.0 * online.found.seconds_sigma < 0.008
    assert online.doubt == ""
    assert len([r for r in caplog.records if "time_offset" in r.message]) == 1


def test_wrong_axes_are_found_and_used_and_the_lever_stays() -> None:
    drive = _Drive(late=0.0)
    wrong = _calibration(axes=np.eye(3))
    replaced = drive.through(OnlineCalibration(drive.source), wrong)
    assert replaced
    turn = Rotation.from_matrix(replaced[-1].T_imu_camera[:3, :3].T @ _AXES).magnitude()
    assert np.degrees(turn) < 0.6
    np.testing.assert_array_equal(replaced[-1].T_imu_camera[:3, 3], wrong.T_imu_camera[:3, 3])


def test_what_is_right_is_left_alone() -> None:
    drive = _Drive()
    online = OnlineCalibration(drive.source)
    assert drive.through(online, _calibration(-_LATE)) == []
    assert online.found is not None


def test_without_turns_it_says_so() -> None:
    drive = _Drive(turn=1e-3)
    online = OnlineCalibration(drive.source)
    assert drive.through(online, _calibration()) == []
    assert online.found is None
    assert "not enough rotation" in online.doubt


def test_one_stretch_that_is_otherwise_is_not_believed() -> None:
    drive = _Drive(late=0.0)
    half = len(drive.stamps) // 2
    drive.stamps[:120] += 40_000_000  # six seconds with stamps of another kind
    online = OnlineCalibration(drive.source)
    replaced = drive.through(online, _calibration())
    assert all(abs(r.time_offset_ns) < 2_000_000 for r in replaced)
    assert half > 120


def test_the_status_tells_them_and_the_prediction_uses_them() -> None:
    drive = _Drive()
    calibration = replace(_calibration(axes=np.eye(3)))
    prediction = ImuPrediction(drive.source, calibration, is_calibrating=True)
    assert prediction.status is not None
    assert prediction.status.time_offset is None
    for k, (stamp, R) in enumerate(zip(drive.stamps, drive.R, strict=True)):
        newest = 10 * (max(k - 1, 0) // 10)
        T, T_camera_keyframe = np.eye(4), np.eye(4)
        T[:3, :3], T_camera_keyframe[:3, :3] = R.T, R.T @ drive.R[newest]
        R, keyframe_ns = T_camera_keyframe[:3, :3], int(drive.stamps[newest])
        prediction.saw(SeenPose(int(stamp), T, keyframe_ns, T_camera_keyframe, 1.0, R))
        if k % 10 == 0:
            prediction.recalibrate()
    status = prediction.status
    assert status.time_offset == pytest.approx(-_LATE, abs=2e-3)
    assert status.axes_off is not None
    assert np.degrees(status.axes_off) < 0.3
    turn = prediction.between(int(drive.stamps[400]), int(drive.stamps[404]))
    assert turn is not None
    true = drive.R[404].T @ drive.R[400]
    assert Rotation.from_matrix(turn.T @ true).magnitude() < 0.02
