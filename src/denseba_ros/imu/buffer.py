"""The newest IMU samples, checked as they come, and cut by the stamps of images."""

from __future__ import annotations

import math
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from denseba_ros.imu.checks.plausibility import Plausibility
from denseba_ros.imu.checks.problems import ImuProblems, Problem
from denseba_ros.imu.checks.saturation import Saturation
from denseba_ros.imu.checks.stamp_order import Place, StampOrder
from denseba_ros.imu.samples import ImuSamples

_Values = tuple[float, ...]
# Equal extreme values beyond these (rad/s, m/s2) are taken for the end of an unknown range.
_SUSPICIOUS_RATE, _SUSPICIOUS_FORCE = 3.0, 18.0


@dataclass(frozen=True)
class ImuLimits:
    """Ranges of the sensors (rad/s, m/s2; 0: unknown), how many seconds and samples are kept, and
    the longest gap (s) that is bridged by interpolation."""

    gyroscope_range: float = 0.0
    accelerometer_range: float = 0.0
    seconds: float = 20.0
    samples: int = 40_000
    longest_gap: float = 0.1


class ImuBuffer:
    """Samples in the order of their stamps; from any thread.

    Samples that cannot be used are left out, and ``problems`` counts them. ``say`` as that of
    ``ImuProblems``. ``received`` counts all that came.
    """

    def __init__(
        self,
        limits: ImuLimits | None = None,
        say: Callable[[str, str], object] | None = None,
    ) -> None:
        self.problems = ImuProblems(say)
        self.received = 0
        self._limits = limits = limits or ImuLimits()
        self._lock = threading.Lock()
        self._stamps: list[int] = []
        self._values: list[_Values] = []
        self._held: tuple[int, _Values] | None = None
        self._order = StampOrder(self.problems)
        self._plausibility = Plausibility(self.problems)
        self._rate = Saturation(limits.gyroscope_range, _SUSPICIOUS_RATE)
        self._force = Saturation(limits.accelerometer_range, _SUSPICIOUS_FORCE)

    def __len__(self) -> int:
        return len(self._stamps)

    @property
    def newest_ns(self) -> int | None:
        """Stamp of the newest sample."""
        with self._lock:
            return self._stamps[-1] if self._stamps else None

    def add(self, stamp_ns: int, gyroscope: _Values, accelerometer: _Values) -> None:
        """A sample that arrived: rad/s and m/s2 along the IMU's axes, (3,) each."""
        values = (*gyroscope, *accelerometer)
        with self._lock:
            self.received += 1
            if not all(map(math.isfinite, values)):
                self.problems.add(Problem.NOT_FINITE)
                return
            self._place(stamp_ns, values)

    def between(self, start_ns: int, end_ns: int) -> ImuSamples | None:
        """The samples between two stamps with interpolated ends; None where they do not reach that
        far, or samples are missing for longer than ``longest_gap``.

        What is asked for counts as used: an earlier sample that comes later is left out.
        """
        with self._lock:
            stamps = self._stamps
            if start_ns >= end_ns or not stamps or not stamps[0] <= start_ns < end_ns <= stamps[-1]:
                return None
            first = bisect_right(stamps, start_ns) - 1
            last = bisect_left(stamps, end_ns) + 1
            times, values = stamps[first:last], self._values[first:last]
            self._order.used_until_ns = max(self._order.used_until_ns, end_ns)
        stamp_ns, array = np.array(times, dtype=np.int64), np.array(values, dtype=np.float64)
        if np.max(np.diff(stamp_ns)) > self._limits.longest_gap * 1e9:
            return None
        return ImuSamples(stamp_ns, array[:, :3], array[:, 3:]).between(start_ns, end_ns)

    def clear(self) -> None:
        """Forget all samples; what is counted stays."""
        with self._lock:
            self._stamps, self._values, self._held = [], [], None
            self._order = StampOrder(self.problems)

    def _place(self, stamp_ns: int, values: _Values) -> None:
        at = bisect_left(self._stamps, stamp_ns)
        is_known = at < len(self._stamps) and self._stamps[at] == stamp_ns
        place = self._order.judge(stamp_ns, is_known)
        if place is Place.HELD:
            self._held = (stamp_ns, values)
        elif place is Place.RESTART:
            held, self._held = self._held, None
            self._stamps, self._values = [], []
            if held is not None:
                self._append(*held)
            self._append(stamp_ns, values)
        elif place is Place.END:
            self._append(stamp_ns, values)
        elif place is Place.SORTED_IN:
            self._stamps.insert(at, stamp_ns)
            self._values.insert(at, values)

    def _append(self, stamp_ns: int, values: _Values) -> None:
        self._stamps.append(stamp_ns)
        self._values.append(values)
        # Both are asked of each sample: they compare with the last.
        rate, force = self._rate.is_reached(values[:3]), self._force.is_reached(values[3:])
        if rate or force:
            self.problems.add(Problem.SATURATED)
        self._plausibility.look(stamp_ns, values[:3], values[3:])
        oldest = stamp_ns - int(self._limits.seconds * 1e9)
        # Rarely and many at once: the front of a list is expensive to take off.
        if len(self._stamps) > self._limits.samples or self._stamps[0] < oldest - 10**9:
            keep = bisect_left(self._stamps, oldest)
            keep = max(keep, len(self._stamps) - self._limits.samples * 9 // 10)
            del self._stamps[:keep], self._values[:keep]
