"""How an IMU sits beside the camera, how noisy it is, and when it samples."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from denseba_ros.config import ImuConfig
from denseba_ros.geometry import pose_step
from denseba_ros.imu.buffer import ImuLimits
from denseba_ros.imu.noise import ImuNoise


@dataclass(frozen=True)
class ImuCalibration:
    """``T_imu_camera`` (4, 4) in metres, its rotation exact; ``time_offset_ns`` is added to stamps
    of images to get the IMU's time."""

    noise: ImuNoise = field(default_factory=ImuNoise)
    T_imu_camera: np.ndarray = field(default_factory=lambda: np.eye(4))
    time_offset_ns: int = 0

    @classmethod
    def from_config(cls, config: ImuConfig) -> ImuCalibration:
        """Of the parameters."""
        T = pose_step.orthonormalised(np.array(config.T_imu_camera).reshape(4, 4))
        noise = ImuNoise(
            config.gyroscope_noise,
            config.accelerometer_noise,
            config.gyroscope_walk,
            config.accelerometer_walk,
            config.accelerometer_scale_sigma,
        )
        return cls(noise, T, round(config.time_offset * 1e9))

    def imu_time(self, image_stamp_ns: int) -> int:
        """The IMU's time (ns) of an image."""
        return image_stamp_ns + self.time_offset_ns


def has_extrinsics(config: ImuConfig) -> bool:
    """Whether the parameters say where the camera sits; the identity, their default, does not."""
    return not np.array_equal(np.array(config.T_imu_camera).reshape(4, 4), np.eye(4))


def limits_from_config(config: ImuConfig) -> ImuLimits:
    """What the buffer needs to know of the sensors."""
    return ImuLimits(config.gyroscope_range, config.accelerometer_range)
