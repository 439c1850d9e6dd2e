"""The clocks and axes of camera and IMU while driving, from rotations of both.

Every few seconds rotations of the images of the last ones are compared with those of the gyroscope
(``imu.initialisation.time_offset``). What two stretches agree on is used.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from denseba_ros.errors import ImuError
from denseba_ros.imu.calibration import ImuCalibration
from denseba_ros.imu.initialisation.time_offset import TimeOffset, estimate_time_offset
from denseba_ros.imu.rotation_jacobians import rotation_exp, rotation_log
from denseba_ros.imu.source import ImuSource

_log = logging.getLogger(__name__)

_SECOND = 1_000_000_000
# Images at most so often (s) are compared, over stretches of so many seconds, which follow each
# other; one is tried at most so often while none was found.
_APART, _STRETCH, _FEWEST, _AGAIN = 0.04, 15.0, 5.0, 2.0
# Offsets farther from what is set (s) are not looked for.
_MOST = 0.2
# Of one stretch, whatever its own rotations say: rolling shutter and errors of vision last. s, rad.
_SAME_CLOCK, _SAME_AXES = 3e-3, 3e-3
# Between stretches clocks walk (s), and axes (rad).
_CLOCK_WALK, _AXES_WALK = 1e-3, 5e-4
# Stretches that differ by more deviations are of different clocks or axes; a stretch with a larger
# deviation tells nothing. s, rad.
_AGREE, _TELLING = 4.0, (0.01, 0.03)
# What is set is replaced where it is off by more than this, s and rad, and four deviations.
_OFF, _SURE = (2e-3, math.radians(1.0)), 4.0


@dataclass(frozen=True)
class Found:
    """``seconds`` that are added to an image's stamp to get the IMU's time, and R_imu_camera
    ``axes`` (3, 3), with deviations (s, rad per axis), from so many ``stretches``."""

    seconds: float
    seconds_sigma: float
    axes: np.ndarray
    axes_sigma: float
    stretches: int

    @classmethod
    def of_stretch(cls, found: TimeOffset, before: float) -> Found:
        """``before`` (s) is what stamps were corrected by already."""
        return cls(
            before + found.seconds,
            math.hypot(found.deviation, _SAME_CLOCK),
            found.R_imu_camera,
            math.hypot(found.rotation_deviation, _SAME_AXES),
            1,
        )

    def agrees(self, other: Found) -> bool:
        """Whether both may be of the same clocks and axes."""
        clock = math.hypot(self.seconds_sigma, other.seconds_sigma)
        axes = math.hypot(self.axes_sigma, other.axes_sigma)
        angle = float(np.linalg.norm(rotation_log(self.axes.T @ other.axes)))
        return abs(self.seconds - other.seconds) < _AGREE * clock and angle < _AGREE * axes

    def joined(self, other: Found) -> Found:
        """With a later stretch."""
        clock = self.seconds_sigma**2 + _CLOCK_WALK**2
        axes = self.axes_sigma**2 + _AXES_WALK**2
        gain = clock / (clock + other.seconds_sigma**2)
        turn = axes / (axes + other.axes_sigma**2)
        step = turn * rotation_log(self.axes.T @ other.axes)
        return Found(
            self.seconds + gain * (other.seconds - self.seconds),
            math.sqrt((1.0 - gain) * clock),
            self.axes @ rotation_exp(step),
            math.sqrt((1.0 - turn) * axes),
            self.stretches + 1,
        )


class OnlineCalibration:
    """``found`` is what the last stretches agree on, None before any did, ``doubt`` says why.

    ``saw`` is called by the thread that tracks, ``update`` by that which maps.
    """

    def __init__(self, source: ImuSource) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._rotations: deque[tuple[int, np.ndarray]] = deque()
        self._tried_ns = 0
        self.found: Found | None = None
        self.doubt = "no motion yet"

    def saw(self, stamp_ns: int, R_world_camera: np.ndarray) -> None:
        """The rotation (3, 3) of an image was measured."""
        with self._lock:
            seen = self._rotations
            if seen and stamp_ns <= seen[-1][0]:
                seen.clear()
                self._tried_ns = 0
            if seen and stamp_ns - seen[-1][0] < _APART * 0.9 * _SECOND:
                return
            seen.append((stamp_ns, R_world_camera))
            while seen[-1][0] - seen[0][0] > _STRETCH * _SECOND:
                seen.popleft()

    def update(self, used: ImuCalibration) -> ImuCalibration | None:
        """Compare a stretch where one is full; another calibration where the one in use is off."""
        with self._lock:
            seen = list(self._rotations)
        if not seen or not self._is_due(seen[0][0], seen[-1][0]):
            return None
        self._tried_ns = seen[-1][0]
        stretch = self._compared(seen, used)
        if stretch is None:
            return None
        if self.found is None or not self.found.agrees(stretch):
            self.found = stretch
            self.doubt = "one stretch alone says so"
        else:
            self.found, self.doubt = self.found.joined(stretch), ""
        with self._lock:  # stretches share no images, so that they err apart
            while self._rotations and self._rotations[0][0] < self._tried_ns:
                self._rotations.popleft()
        return self._better(self.found, used) if self.found.stretches > 1 else None

    def _is_due(self, first_ns: int, last_ns: int) -> bool:
        stretch = _FEWEST if self.found is None or self.found.stretches < 2 else 0.9 * _STRETCH
        return (
            last_ns - first_ns >= stretch * _SECOND and last_ns - self._tried_ns >= _AGAIN * _SECOND
        )

    def _compared(self, seen: list[tuple[int, np.ndarray]], used: ImuCalibration) -> Found | None:
        stamps = np.array([used.imu_time(stamp) for stamp, _ in seen], dtype=np.int64)
        newest = self._source.newest_ns
        margin = round((_MOST + 0.01) * _SECOND)
        if newest is None or len(stamps) < 2:
            return None
        samples = self._source.between(int(stamps[0]), min(int(stamps[-1]) + margin, newest))
        if samples is None:
            self.doubt = "samples are missing"
            return None
        try:
            found = estimate_time_offset(
                stamps, np.stack([R for _, R in seen]), samples, most=_MOST
            )
        except ImuError as error:
            self.doubt = str(error)
            return None
        if found.deviation > _TELLING[0] or found.rotation_deviation > _TELLING[1]:
            self.doubt = "not enough rotation yet to tell the clocks of camera and IMU apart"
            return None
        return Found.of_stretch(found, used.time_offset_ns * 1e-9)

    def _better(self, found: Found, used: ImuCalibration) -> ImuCalibration | None:
        late = found.seconds - used.time_offset_ns * 1e-9
        turn = float(np.linalg.norm(rotation_log(used.T_imu_camera[:3, :3].T @ found.axes)))
        is_late = abs(late) > max(_OFF[0], _SURE * found.seconds_sigma)
        is_turned = turn > max(_OFF[1], _SURE * found.axes_sigma)
        if is_late:
            used = replace(used, time_offset_ns=round(found.seconds * 1e9))
            _log.warning(
                "the IMU's clock is %.1f ms ahead of the images' (+- %.1f): used as "
                "imu.time_offset",
                1e3 * found.seconds,
                1e3 * found.seconds_sigma,
            )
        if is_turned:
            T = used.T_imu_camera.copy()
            T[:3, :3] = found.axes
            used = replace(used, T_imu_camera=T)
            _log.warning(
                "the camera is turned against the IMU otherwise than imu.T_imu_camera says, by "
                "%.1f degrees: used as rotations show it",
                math.degrees(turn),
            )
        return used if is_late or is_turned else None
