"""Calibration of an IMU from the parameters."""

import numpy as np
import pytest

from denseba_ros.config import Config
from denseba_ros.errors import ConfigurationError
from denseba_ros.imu.calibration import ImuCalibration, limits_from_config


def test_the_imu_is_off_by_default() -> None:
    assert Config().imu.mode == "off"
    assert Config.from_dict({"imu": {"mode": False}}).imu.mode == "off"


def test_values_of_the_parameters() -> None:
    T = [0.0, -1.0, 0.0, 0.1, 1.0, 0.0, 0.0, -0.2, 0.0, 0.0, 1.00004, 0.3, 0.0, 0.0, 0.0, 1.0]
    config = Config.from_dict(
        {
            "imu": {
                "mode": "gyroscope",
                "T_imu_camera": T,
                "time_offset": -0.055,
                "gyroscope_noise": 0.002,
                "accelerometer_range": 39.0,
            }
        }
    )
    found = ImuCalibration.from_config(config.imu)
    assert found.imu_time(1_000_000_000) == 945_000_000
    assert found.noise.gyroscope == 0.002
    np.testing.assert_allclose(found.T_imu_camera[:3, 3], [0.1, -0.2, 0.3])
    R = found.T_imu_camera[:3, :3]
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-14)
    assert limits_from_config(config.imu).accelerometer_range == 39.0


@pytest.mark.parametrize("T", [[1.0] * 16, [0.0] * 12, [1.0, 0, 0, 0] * 4])
def test_what_is_no_rigid_transform_is_refused(T: list[float]) -> None:
    with pytest.raises(ConfigurationError, match="T_imu_camera"):
        Config.from_dict({"imu": {"T_imu_camera": T}})
