"""What the IMU says of the keyframes of a map; brought up to date with each new one."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from denseba_ros.imu.calibration import ImuCalibration
from denseba_ros.imu.initialisation.visual_path import VisualPath
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.slam.inertial.gyroscope_turn import GyroscopeTurn
from denseba_ros.slam.inertial.keyframe_path import KeyframePath

# Of a keyframe's rotation against its neighbours, rad.
_ROTATION_SIGMA = 2e-3
# Intervals between keyframes longer than this (s) are not used.
_LONGEST = 3.0


class InertialMap:
    """Of one map; ``turn`` outlives it, as it is of the sensor."""

    def __init__(self, calibration: ImuCalibration, turn: GyroscopeTurn) -> None:
        self._calibration, self._turn = calibration, turn
        self._path = KeyframePath()

    def update(self, window: Mapping[int, np.ndarray], growth: float) -> None:
        """The poses of the ``window``, T_world_camera (4, 4) by stamp, after an adjustment and
        growth of the world about the newest camera."""
        self._path.update(window, growth)
        stamps, intervals = self._covered()
        if len(stamps) < 2:
            return
        T = np.stack([self._path.poses[stamp] for stamp in stamps])
        path = VisualPath(T, 1.0, _ROTATION_SIGMA, self._calibration.T_imu_camera)
        self._turn.bias.fit(path, intervals, self._calibration.noise)

    def _covered(self) -> tuple[list[int], list[ImuSamples]]:
        """Stamps of the last keyframes with samples for every interval between them, and those."""
        stamps = list(self._path.poses)
        chosen: list[ImuSamples] = []
        for earlier, later in reversed(list(pairwise(stamps))):
            samples = self._turn.samples(earlier, later)
            if samples is None or samples.seconds > _LONGEST or len(samples) < 2:
                break
            chosen.append(samples)
        count = len(chosen) + 1
        return stamps[-count:], chosen[::-1]
