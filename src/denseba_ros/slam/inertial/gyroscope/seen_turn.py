"""The turn of the images since one of them, to be compared with the gyroscope's."""

from __future__ import annotations

import numpy as np

from denseba_ros.imu.gyroscope_rotation import angle
from denseba_ros.imu.rotation_jacobians import rotation_log
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.slam.inertial.gyroscope.trust import Span, is_over
from denseba_ros.slam.inertial.standstill import SeenPose


class SeenTurn:
    """Since the image of ``start_ns``: a keyframe, or an image that was tracked against the same.

    Relative to a keyframe rotations do not change with the map.
    """

    def __init__(self) -> None:
        self.start_ns = 0
        self._keyframe_ns: int | None = None
        self._R_start_keyframe = np.eye(3)
        self._last: SeenPose | None = None

    def saw(self, seen: SeenPose) -> bool:
        """Whether another turn begins, before this image."""
        last = self._last
        self._last = seen
        if seen.keyframe_ns != self._keyframe_ns or seen.stamp_ns <= self.start_ns:
            self._keyframe_ns, self.start_ns = seen.keyframe_ns, seen.keyframe_ns
            self._R_start_keyframe = np.eye(3)
            return True
        if last is None or not is_over(last.stamp_ns - self.start_ns, self._turn(last)):
            return False
        self.begin_at(last)
        return True

    def begin_at(self, seen: SeenPose) -> None:
        """Begin anew at an image."""
        self.start_ns = seen.stamp_ns
        self._R_start_keyframe = seen.R_camera_keyframe

    def span(self, seen: SeenPose, samples: ImuSamples, R_camera_imu: np.ndarray) -> Span:
        """Up to an image; ``samples`` of that time, ``R_camera_imu`` (3, 3)."""
        rates = samples.gyroscope
        return Span(
            (seen.stamp_ns - self.start_ns) * 1e-9,
            self._turn(seen),
            seen.rotation_sigma,
            R_camera_imu @ angle(samples, np.zeros(3)),
            R_camera_imu @ (rates[-1] - rates[0]),
        )

    def _turn(self, seen: SeenPose) -> np.ndarray:
        """(3,) rad along the camera's axes, of R_start_seen."""
        R = self._R_start_keyframe @ seen.R_camera_keyframe.T
        turn: np.ndarray = rotation_log(R)
        return turn
