"""One IMU beside the camera, as the system uses it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from denseba_ros.config import ImuConfig
from denseba_ros.geometry import pose_step
from denseba_ros.imu.calibration import ImuCalibration
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.imu.source import ImuSource
from denseba_ros.slam.inertial.imu_prediction import ImuPrediction
from denseba_ros.slam.inertial.inertial_map import InertialMap


class ImuAiding:
    """``source``, to be set, gives the samples; without, and with the mode "off", nothing is done.

    ``prediction`` is of the sensor, and outlives maps; each map has an ``InertialMap`` of its own.
    """

    def __init__(self, config: ImuConfig) -> None:
        self.source: ImuSource | None = None
        self._is_used = config.mode != "off"
        self._is_inertial = config.mode in ("inertial", "auto")
        calibration = ImuCalibration.from_config(config)
        self.prediction = ImuPrediction(self, calibration, config.calibrate_online)

    @property
    def newest_ns(self) -> int | None:
        """As ``ImuSource`` has it."""
        return self.source.newest_ns if self.source is not None and self._is_used else None

    def between(self, start_ns: int, end_ns: int) -> ImuSamples | None:
        """As ``ImuSource`` has it."""
        if self.source is None or not self._is_used:
            return None
        return self.source.between(start_ns, end_ns)

    def new_map(self) -> InertialMap | None:
        """Of a map without keyframes; None where no IMU is used."""
        if not self._is_used:
            return None
        return InertialMap(self.prediction, self._is_inertial)

    def use(self, source: ImuSource, T_imu_camera: np.ndarray | None = None) -> None:
        """Take the samples of ``source``; ``T_imu_camera`` (4, 4) in metres where it is not that of
        the parameters."""
        self.source = source
        if T_imu_camera is None:
            return
        T = pose_step.orthonormalised(T_imu_camera)
        calibration = replace(self.prediction.calibration, T_imu_camera=T)
        self.prediction.use_calibration(calibration)
