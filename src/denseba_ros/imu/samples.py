"""Samples of an inertial measurement unit (IMU), in arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from denseba_ros.errors import ImuError


@dataclass(frozen=True)
class ImuSamples:
    """Samples in the order of their stamps, along the IMU's own axes.

    ``stamp_ns`` (N,) int64 rises; ``gyroscope`` (N, 3) float64 is the angular velocity in rad/s;
    ``accelerometer`` (N, 3) float64 the specific force in m/s2: at rest it points up, 9.81 long.

    Raises:
        ImuError: where shapes or types differ from that, values are not finite, or stamps fall or
            repeat.
    """

    stamp_ns: np.ndarray
    gyroscope: np.ndarray
    accelerometer: np.ndarray

    def __post_init__(self) -> None:
        stamps = self.stamp_ns
        if stamps.ndim != 1 or stamps.dtype != np.int64:
            raise ImuError(f"stamps are {stamps.dtype} {stamps.shape} instead of int64 (N,)")
        for name in ("gyroscope", "accelerometer"):
            values = getattr(self, name)
            if values.shape != (len(stamps), 3) or values.dtype != np.float64:
                raise ImuError(
                    f"{name} is {values.dtype} {values.shape} instead of float64 ({len(stamps)}, 3)"
                )
            if not np.all(np.isfinite(values)):
                raise ImuError(f"{name} holds values that are not finite")
        if np.any(np.diff(stamps) <= 0):
            raise ImuError("the stamps of IMU samples do not rise")

    def __len__(self) -> int:
        return len(self.stamp_ns)

    @property
    def seconds(self) -> float:
        """Time from the first sample to the last, 0 with fewer than two."""
        return float(self.stamp_ns[-1] - self.stamp_ns[0]) * 1e-9 if len(self) > 1 else 0.0

    def between(self, start_ns: int, end_ns: int) -> ImuSamples:
        """The samples from ``start_ns`` to ``end_ns``, both ends interpolated linearly.

        Raises:
            ImuError: where the samples do not reach from one to the other, or the first is not
                before the second.
        """
        stamps = self.stamp_ns
        if start_ns >= end_ns:
            raise ImuError(f"no time lies between {start_ns} and {end_ns} ns")
        if len(self) == 0 or start_ns < stamps[0] or end_ns > stamps[-1]:
            raise ImuError(f"there are no IMU samples for all of {start_ns} to {end_ns} ns")
        first = int(np.searchsorted(stamps, start_ns, side="right"))
        last = int(np.searchsorted(stamps, end_ns, side="left"))
        times = np.concatenate([[start_ns], stamps[first:last], [end_ns]]).astype(np.int64)
        return ImuSamples(
            times,
            self._with_ends(self.gyroscope, times, slice(first, last)),
            self._with_ends(self.accelerometer, times, slice(first, last)),
        )

    def held_until(self, stamp_ns: int) -> ImuSamples:
        """With the last one again at a later time."""
        return ImuSamples(
            np.append(self.stamp_ns, np.int64(stamp_ns)),
            np.concatenate([self.gyroscope, self.gyroscope[-1:]]),
            np.concatenate([self.accelerometer, self.accelerometer[-1:]]),
        )

    def _with_ends(self, values: np.ndarray, times: np.ndarray, inside: slice) -> np.ndarray:
        ends = [self._at(values, int(times[0])), self._at(values, int(times[-1]))]
        return np.concatenate([ends[0], values[inside], ends[1]])

    def _at(self, values: np.ndarray, stamp_ns: int) -> np.ndarray:
        """(1, 3), interpolated between the samples before and after."""
        right = min(max(int(np.searchsorted(self.stamp_ns, stamp_ns)), 1), len(self) - 1)
        before, after = int(self.stamp_ns[right - 1]), int(self.stamp_ns[right])
        share = (stamp_ns - before) / (after - before)
        between: np.ndarray = (1.0 - share) * values[right - 1] + share * values[right]
        return between[None]
